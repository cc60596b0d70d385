"""Immutable bytes, named by their SHA-256, in a folder, a bucket or memory."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import obstore
from obstore.store import LocalStore, MemoryStore, from_url

from condarium.errors import BlobDamaged, NoSuchBlob


@dataclass(frozen=True, kw_only=True)
class BlobInfo:
    digest: str
    size: int
    modified: datetime


class Blobs:
    """Blobs behind an object store. A blob is whole or absent: putting one is atomic."""

    def __init__(self, store: Any) -> None:
        self._store = store

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        return cls(LocalStore(folder, mkdir=True, automatic_cleanup=False))

    @classmethod
    def in_memory(cls) -> Self:
        return cls(MemoryStore())

    @classmethod
    def at_url(cls, url: str, **options: Any) -> Self:
        """Open `s3://bucket/prefix` or another URL that obstore knows.

        Credentials and endpoint come from `options`, or from the environment as obstore reads it.
        """
        return cls(from_url(url, **options))

    def put(self, content: bytes) -> str:
        """Keep `content` and give its digest; keeping the same bytes again costs one look-up."""
        digest = hashlib.sha256(content).hexdigest()
        if not self.has(digest):
            obstore.put(self._store, _path(digest), content)
        return digest

    def get(self, digest: str) -> bytes:
        """Raises NoSuchBlob, or BlobDamaged where the bytes no longer have their hash."""
        try:
            content = bytes(obstore.get(self._store, _path(digest)).bytes())
        except FileNotFoundError as error:
            raise NoSuchBlob(digest) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise BlobDamaged(digest)
        return content

    def has(self, digest: str) -> bool:
        try:
            obstore.head(self._store, _path(digest))
        except FileNotFoundError:
            return False
        return True

    def remove(self, digest: str) -> None:
        """Take a blob away; that it is absent already is no error."""
        try:
            obstore.delete(self._store, _path(digest))
        except FileNotFoundError:
            return

    def __iter__(self) -> Iterator[BlobInfo]:
        for batch in obstore.list(self._store):
            for entry in batch:
                digest = entry["path"].replace("/", "")
                if len(digest) == 64:
                    yield BlobInfo(
                        digest=digest, size=entry["size"], modified=entry["last_modified"]
                    )


def _path(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:]}"
