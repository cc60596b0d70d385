"""Removing the blobs of encodings that were replaced, some time after that."""

import time
from collections import deque
from collections.abc import Iterable

from condarium.storage.locks import FileLock
from condarium.storage.store import Store

GRACE = 120.0
"""In seconds: how long a replaced file can still be got by whoever was told of it just before.
A download that has begun goes on after that, as an open file does."""


class Discarding:
    """What is to be removed. What a process leaves when it ends is garbage, which `gc` finds."""

    def __init__(self, store: Store, *, grace: float = GRACE) -> None:
        self._store, self._grace = store, grace
        self._due: deque[tuple[float, str]] = deque()

    def later(self, digests: Iterable[str]) -> None:
        self._due.extend((time.monotonic() + self._grace, digest) for digest in digests)

    def now(self) -> None:
        """Remove what is due, unless a fact names it.

        The store is held alone, as `gc` does: nobody is between keeping bytes and naming them.
        While anybody is, it is left for the next time.
        """
        if not self._due or self._due[0][0] > time.monotonic():
            return
        lock = FileLock(self._store.layout.store_lock)
        if not lock.acquire():
            return
        try:
            with self._store.database.read() as facts:
                while self._due and self._due[0][0] <= time.monotonic():
                    digest = self._due[0][1]
                    if not facts.encodings.is_named(digest):
                        self._store.blobs.remove(digest)
                    self._due.popleft()
        finally:
            lock.release()
