"""The operations that read channels."""
