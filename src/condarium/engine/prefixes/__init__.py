"""Prefixes: linked, read back, byte-compiled."""
