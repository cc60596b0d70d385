"""A file that somebody hands in, which may be larger than memory."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Upload:
    """A file by the name that its owner gives it, and where it can be read for now."""

    name: str
    path: Path
