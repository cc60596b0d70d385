"""Monolithic encodings of a view: files in which an index is whole."""

from collections.abc import Mapping
from dataclasses import dataclass

_MEDIA_TYPES = {".json": "application/json", ".zst": "application/zstd", ".html": "text/html"}


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A file of an index. `digest` is the SHA-256 of its bytes, which are a blob.

    `revision` names what it shows: `r12`, or `tools@r3,lab@r12` in a union.
    """

    file_name: str
    digest: str
    size: int
    revision: str

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES[self.file_name[self.file_name.rindex(".") :]]


@dataclass(frozen=True, kw_only=True)
class EncodedSet:
    """All files of one subdir of a view, or of the view as a whole, by name: of one revision.

    `content` is a digest of the shards that they join: sets with the same content are the same.
    """

    content: str
    revision: str
    files: Mapping[str, Encoded]
