"""Hashing files; the hash itself is computed outside the interpreter's lock."""

import hashlib
from pathlib import Path


def file_sha256(path: Path) -> str:
    """Raises OSError where the file cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
