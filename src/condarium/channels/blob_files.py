"""Blobs as files that can be read from any place, wherever blobs are kept."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from condarium.storage.modes import make_folder
from condarium.storage.store import Store


@contextmanager
def incoming_folder(store: Store) -> Iterator[Path]:
    """A folder for what comes in, which is gone afterwards."""
    make_folder(store.layout.incoming)
    with tempfile.TemporaryDirectory(dir=store.layout.incoming) as folder:
        yield Path(folder)


@contextmanager
def blob_file(store: Store, digest: str) -> Iterator[Path]:
    """A file with a blob's bytes for a while; its hash is not compared. Raises NoSuchBlob."""
    there = store.blobs.file(digest)
    if there is not None and there.is_file():
        yield there
        return
    make_folder(store.layout.incoming)
    with tempfile.NamedTemporaryFile(dir=store.layout.incoming) as file:
        for piece in store.blobs.pieces(digest):
            file.write(piece)
        file.flush()
        yield Path(file.name)
