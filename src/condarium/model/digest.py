"""The names of bytes."""

from hashlib import sha256


def sha256_of(content: bytes) -> str:
    """The SHA-256 of some bytes, as lower-case hex."""
    return sha256(content).hexdigest()
