"""Immutable bytes, named by their SHA-256, in a folder, a bucket or memory."""

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Self

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, from_url

from condarium.errors import BlobDamaged, NoSuchBlob
from condarium.storage.failures import BadStoreAddress, BlobsFailed, say_blobs_error

_PATH = re.compile(r"[0-9a-f]{2}/[0-9a-f]{62}")
_PIECE = 1 << 20
"""In bytes: how much of a blob is in memory while it is read piece by piece."""
_WHOLE = 8 << 20
"""In bytes: up to which size a blob is copied in one piece."""
_ABANDONED = 86_400
"""In seconds: so old is no file of a copy that goes on."""


@dataclass(frozen=True, kw_only=True)
class BlobInfo:
    digest: str
    size: int
    modified: datetime


class Blobs:
    """Blobs behind an object store. A blob is whole or absent: putting one is atomic.

    Where the object store fails: BlobsFailed, StoreFull, StoreReadOnly.
    """

    def __init__(self, store: Any) -> None:
        self._store = store

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        with _translated():
            return cls(LocalStore(folder, mkdir=True, automatic_cleanup=False))

    @classmethod
    def in_memory(cls) -> Self:
        return cls(MemoryStore())

    @classmethod
    def at_url(cls, url: str, **options: Any) -> Self:
        """Open `s3://bucket/prefix` or another URL that obstore knows.

        Credentials and endpoint come from `options`, or from the environment as obstore reads it:
        AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP, …
        Raises BadStoreAddress.
        """
        try:
            return cls(from_url(url, **options))
        except (BaseError, ValueError) as error:
            raise BadStoreAddress("CONDARIUM_BLOBS", repr(url), "s3://BUCKET/PREFIX") from error

    def put(self, content: bytes) -> str:
        """Keep `content` and give its digest; keeping the same bytes again costs one look-up."""
        digest = hashlib.sha256(content).hexdigest()
        if self.size(digest) != len(content):
            with _translated():
                try:
                    obstore.put(self._store, _path(digest), content)
                except FileNotFoundError as error:  # the bucket, or the folder of all blobs
                    raise BlobsFailed("there is no such place to put blobs in") from error
        return digest

    def put_file(self, file: Path, digest: str) -> None:
        """Keep a file's bytes, in bounded memory; `digest` is their SHA-256, found out before."""
        if self.size(digest) != file.stat().st_size:
            with _translated():
                try:
                    obstore.put(self._store, _path(digest), file)
                except FileNotFoundError as error:
                    raise BlobsFailed("there is no such place to put blobs in") from error

    def file(self, digest: str) -> Path | None:
        """The file that a blob is, if blobs are files here; it need not be there."""
        if isinstance(self._store, LocalStore) and self._store.prefix is not None:
            return Path(self._store.prefix, _path(digest))
        return None

    def signed_url(self, digest: str, *, lasting: timedelta) -> str | None:
        """A URL from which anybody can get a blob for a while, if blobs are in a bucket."""
        if isinstance(self._store, LocalStore | MemoryStore):
            return None
        with _translated():
            return obstore.sign(self._store, "GET", _path(digest), lasting)

    def size(self, digest: str) -> int | None:
        """In bytes; None for a blob that is not there."""
        with _translated():
            try:
                return int(obstore.head(self._store, _path(digest))["size"])
            except FileNotFoundError:
                return None

    def get(self, digest: str) -> bytes:
        """Raises NoSuchBlob, or BlobDamaged where the bytes no longer have their hash."""
        with _translated(reading=True):
            try:
                content = bytes(obstore.get(self._store, _path(digest)).bytes())
            except FileNotFoundError as error:
                raise NoSuchBlob(digest) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise BlobDamaged(digest)
        return content

    def pieces(self, digest: str) -> Iterator[bytes]:
        """Give a blob's bytes in bounded memory; whoever reads them compares their hash.

        Raises NoSuchBlob.
        """
        with _translated(reading=True):
            try:
                found = obstore.get(self._store, _path(digest))
            except FileNotFoundError as error:
                raise NoSuchBlob(digest) from error
            for piece in found.stream(min_chunk_size=_PIECE):
                yield bytes(piece)

    def take(self, digest: str, *, of: "Blobs") -> int:
        """Copy a blob of another place in bounded memory, comparing its hash; give its size.

        Raises NoSuchBlob, or BlobDamaged where the bytes do not have their hash: nothing is kept.
        """
        with _translated(reading=True):
            try:
                found = obstore.get(of._store, _path(digest))
            except FileNotFoundError as error:
                raise NoSuchBlob(digest) from error
            size = int(found.meta["size"])
            content = bytes(found.bytes()) if size <= _WHOLE else None
        if content is None:
            self._take_large(digest, of)
        elif hashlib.sha256(content).hexdigest() != digest:
            raise BlobDamaged(digest)
        else:
            with _translated():
                obstore.put(self._store, _path(digest), content)
        return size

    def _take_large(self, digest: str, of: "Blobs") -> None:
        """By way of a file: obstore cannot read one place while it writes to another."""
        if file := of.file(digest):
            if not of.is_whole(digest):
                raise BlobDamaged(digest)
            self.put_file(file, digest)
            return
        with NamedTemporaryFile(dir=self._folder) as spooled:
            hashed = hashlib.sha256()
            for piece in of.pieces(digest):
                hashed.update(piece)
                spooled.write(piece)
            spooled.flush()
            if hashed.hexdigest() != digest:
                raise BlobDamaged(digest)
            self.put_file(Path(spooled.name), digest)

    @property
    def _folder(self) -> Path | None:
        local = isinstance(self._store, LocalStore) and self._store.prefix
        return Path(local) if local else None

    def is_whole(self, digest: str) -> bool:
        """Whether a blob is there and has its hash; it is read in bounded memory."""
        hashed = hashlib.sha256()
        try:
            for piece in self.pieces(digest):
                hashed.update(piece)
        except NoSuchBlob:
            return False
        return hashed.hexdigest() == digest

    def has(self, digest: str) -> bool:
        return self.size(digest) is not None

    def remove(self, digest: str) -> None:
        """Take a blob away; that it is absent already is no error."""
        with _translated():
            try:
                obstore.delete(self._store, _path(digest))
            except FileNotFoundError:
                return

    def remove_unfinished(self) -> None:
        """Take away what copies that were killed have left beside the blobs, a day ago or more."""
        if not self._folder:
            return
        for file in self._folder.glob("tmp*"):
            with suppress(OSError):
                if file.is_file() and time.time() - file.stat().st_mtime > _ABANDONED:
                    file.unlink()

    def __iter__(self) -> Iterator[BlobInfo]:
        with _translated():
            for batch in obstore.list(self._store):
                for entry in batch:
                    if _PATH.fullmatch(entry["path"]):
                        yield BlobInfo(
                            digest=entry["path"].replace("/", ""),
                            size=entry["size"],
                            modified=entry["last_modified"],
                        )


def _path(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:]}"


@contextmanager
def _translated(*, reading: bool = False) -> Iterator[None]:
    """Turn what obstore raises into our own error, at the edge."""
    try:
        yield
    except (BaseError, OSError) as error:
        raise say_blobs_error(error, reading=reading) from error
