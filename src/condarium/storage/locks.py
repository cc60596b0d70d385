"""Locks between processes on one machine: files that the kernel unlocks when their holder dies."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from condarium.errors import StoreReadOnly, StoreUnusable
from condarium.storage.failures import say_system_error
from condarium.storage.modes import make_folder, open_or_make


@contextmanager
def locked(
    path: Path, *, shared: bool = False, waiting: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold the lock at `path`, exclusively or with others who share it.

    `waiting` is called once if somebody else holds it. A lock that was taken on a file which was
    removed meanwhile is worth nothing, so it is taken anew. Raises StoreFull, StoreReadOnly.

    Whoever may only read a store can share a lock that is there, and goes on without one that is
    not: what they would do to the store fails by itself.
    """
    descriptor = _acquire(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, waiting)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


class FileLock:
    """The exclusive lock at a path, for those who would rather do something else than wait."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock if nobody holds it, in this process or another."""
        descriptor = _open(self._path)
        if _try(descriptor, fcntl.LOCK_EX) and _same_file(descriptor, self._path):
            self._descriptor = descriptor
            return True
        os.close(descriptor)
        return False

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_held(path: Path, *, even_shared: bool = False) -> bool:
    """Whether some process holds the lock at `path` exclusively, or `even_shared`.

    The lock is tried in the shared way, so that two who ask do not take each other for its holder;
    who asks for shared holders must be the only one who does.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try(descriptor, fcntl.LOCK_EX if even_shared else fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def discard(path: Path) -> bool:
    """Remove a lock's file unless somebody holds the lock; tell whether it is gone.

    It is removed while it is held here, so that whoever waits for it sees that it was removed.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        if not _try(descriptor, fcntl.LOCK_EX) or not _same_file(descriptor, path):
            return False
        path.unlink()
        return True
    finally:
        os.close(descriptor)


def _acquire(path: Path, kind: int, waiting: Callable[[], None] | None) -> int | None:
    """The open file that has the lock; None for a shared one that this process cannot make."""
    while True:
        descriptor = _open_shared(path) if kind == fcntl.LOCK_SH else _open(path)
        if descriptor is None:
            return None
        try:
            if not _try(descriptor, kind):
                if waiting:
                    waiting()
                    waiting = None
                _wait(descriptor, kind)
            if _same_file(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        make_folder(path.parent)
        return open_or_make(path, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:  # where no folder can be made
        raise StoreUnusable(path.parent, error.strerror or str(error)) from error
    except OSError as error:
        said = say_system_error(error.errno, f"the lock {path}: {error.strerror}")
        if said is None:
            raise
        raise said from error


def _open_shared(path: Path) -> int | None:
    """To share a lock, the right to read its file is enough."""
    try:
        return _open(path)
    except StoreReadOnly:
        with suppress(OSError):
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return None


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(descriptor: int, kind: int) -> None:
    """Wait in short steps rather than in the kernel, so that Ctrl-C is heard at once."""
    pause = 0.005
    while not _try(descriptor, kind):
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
