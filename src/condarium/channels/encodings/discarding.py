"""Removing the blobs of encodings that were replaced, some time after that."""

import time
from collections import deque
from collections.abc import Iterable

from condarium.storage.store import Store

GRACE = 120.0
"""In seconds: how long a replaced file can still be got by whoever was told of it just before.
A download that has begun goes on after that, as an open file does."""
_AT_ONCE = 100


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
        While anybody is, it is left for the next time: where somebody always is, for `gc`, for
        which those who come wait a moment.
        """
        if not self._due or self._due[0][0] > time.monotonic():
            return
        held = self._store.try_alone()
        if held is None:
            return
        with held:
            due = self._take()
            with self._store.database.read() as facts:
                named = facts.encodings.named(due)
            for digest in due - named:
                self._store.blobs.remove(digest)

    def _take(self) -> set[str]:
        """What is due, of much a part: nobody can begin to publish while it is removed."""
        due: set[str] = set()
        while len(due) < _AT_ONCE and self._due and self._due[0][0] <= time.monotonic():
            due.add(self._due.popleft()[1])
        return due
