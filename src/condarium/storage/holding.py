"""The store's lock: shared by all who need packages and blobs to stay, and held alone by `gc`.

It is a file, which reaches as far as this machine's store folder. Where facts are elsewhere, other
machines may share them, and it is held there as well: as an advisory lock in PostgreSQL, or as a
file beside an SQLite database.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from condarium.storage.locks import FileLock, locked

_WINDOW = 2.0
"""In seconds: how long those who come are held up to let in who wants the store alone. Not for
good: somebody who shares the store may be waiting for one of them."""
_BETWEEN = 8.0
"""In seconds: how long nobody is held up after that."""
_PAUSE = 0.1


class StoreLock(Protocol):
    """A lock that is shared, or held alone."""

    def shared(
        self, *, waiting: Callable[[], None] | None = None
    ) -> AbstractContextManager[None]: ...

    def alone(self, *, patience: float) -> AbstractContextManager[None] | None:
        """Take the lock, to be released by leaving; None where others have it for so long."""


class Flock:
    """A lock that is a file. While its gate is held, nobody new may share it."""

    def __init__(self, path: Path) -> None:
        self._path, self._gate = path, path.with_name(f"{path.name}-gate")

    @contextmanager
    def shared(self, *, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        with locked(self._gate, shared=True):
            pass
        with locked(self._path, shared=True, waiting=waiting):
            yield

    def alone(self, *, patience: float) -> AbstractContextManager[None] | None:
        lock = FileLock(self._path)
        if not lock.acquire() and not (patience and self._insist(lock, patience)):
            return None
        held = ExitStack()
        held.callback(lock.release)
        return held  # type: ignore[return-value]  # it gives itself, which nobody looks at

    def _insist(self, lock: FileLock, patience: float) -> bool:
        until = time.monotonic() + patience
        with locked(self._gate):
            while not (has := lock.acquire()) and time.monotonic() < until:
                time.sleep(_PAUSE)
        return has


@contextmanager
def share(locks: list[StoreLock], *, waiting: Callable[[], None] | None) -> Iterator[None]:
    with ExitStack() as held:
        for lock in locks:
            held.enter_context(lock.shared(waiting=waiting))
        yield


@contextmanager
def take_alone(locks: list[StoreLock], *, waiting: Callable[[], None] | None) -> Iterator[None]:
    """Wait until nobody else has any of the locks.

    Now and then those who come are held up for a moment: else one after another might keep us out.
    """
    held = try_alone(locks)
    if held is None and waiting:
        waiting()
    while held is None:
        held = try_alone(locks, patience=_WINDOW)
        until = time.monotonic() + _BETWEEN
        while held is None and time.monotonic() < until:
            time.sleep(_PAUSE)
            held = try_alone(locks)
    with held:
        yield


def try_alone(locks: list[StoreLock], *, patience: float = 0) -> ExitStack | None:
    """Take all of the locks, to be released by leaving; None where others have any of them."""
    with ExitStack() as held:
        for lock in locks:
            taken = lock.alone(patience=patience)
            if taken is None:
                return None
            held.enter_context(taken)
        return held.pop_all()
