"""The operations that change channels."""
