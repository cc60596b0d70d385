"""A text that somebody wrote, with the name by which errors speak of it."""

from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class Document:
    """The content of a file: `name` is what the reader called it, `content` its bytes.

    `folder` is where relative paths inside it start; None where it came without a place.
    """

    name: str
    content: bytes
    folder: PurePath | None = None
