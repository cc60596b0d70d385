"""Files in the making: written piece by piece, then kept as blobs."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO

import zstandard

from condarium.model.hosting.encoded import Encoded
from condarium.storage.store import Store

_LEVEL = 1
"""What gives the smallest files of records, which are half hashes, short of ten times the time."""
_CHUNK = 1 << 20


class Output:
    """A file that nobody sees. It has no name, so that nothing of it is left by a kill."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self._digest = sha256()
        self.size = 0

    def write(self, content: bytes) -> None:
        self.file.write(content)
        self._digest.update(content)
        self.size += len(content)

    def copy(self, other: IO[bytes]) -> None:
        """Write all of another file."""
        other.seek(0)
        while chunk := other.read(_CHUNK):
            self.write(chunk)

    @property
    def digest(self) -> str:
        """The SHA-256 of what was written."""
        return self._digest.hexdigest()

    def keep(self, store: Store, file_name: str, *, revision: str) -> Encoded:
        """Make it a blob."""
        self.file.flush()
        store.blobs.put_file(Path(f"/proc/self/fd/{self.file.fileno()}"), self.digest)
        return Encoded(file_name=file_name, digest=self.digest, size=self.size, revision=revision)


@contextmanager
def output(store: Store) -> Iterator[Output]:
    """Open a file beside the blobs, or where the system keeps such files if they are elsewhere."""
    root = store.layout.root
    with tempfile.TemporaryFile(dir=root if root.is_dir() else None, buffering=_CHUNK) as file:
        yield Output(file)


def compress(source: Output, into: Output) -> None:
    """Write a file again as one zstd frame that says its size."""
    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    source.file.flush()
    source.file.seek(0)
    chunks = compressor.chunker(size=source.size, chunk_size=_CHUNK)
    while content := source.file.read(_CHUNK):
        for chunk in chunks.compress(content):
            into.write(chunk)
    for chunk in chunks.finish():  # type: ignore[no-untyped-call]  # no annotation there
        into.write(chunk)
