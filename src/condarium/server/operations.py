"""The operation that serves a store over HTTP."""
