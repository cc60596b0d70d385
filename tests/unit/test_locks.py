"""Locks between processes: who waits, who does not, and what a dead holder leaves."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest

from condarium.errors import StoreFull, StoreReadOnly
from condarium.storage.locks import FileLock, discard, is_held, locked


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "locks" / "package" / "numpy"


class Asker(Thread):
    """Another one who wants the lock; `has` is set while it is held."""

    def __init__(self, lock: Path, *, shared: bool = False) -> None:
        super().__init__()
        self.lock, self.shared = lock, shared
        self.waits, self.has, self.may_go = Event(), Event(), Event()

    def run(self) -> None:
        with locked(self.lock, shared=self.shared, waiting=self.waits.set):
            self.has.set()
            self.may_go.wait(30)

    def end(self) -> None:
        self.may_go.set()
        self.join(30)
        assert not self.is_alive()


def test_a_lock_makes_the_folders_that_it_lies_in(lock: Path) -> None:
    with locked(lock):
        assert lock.exists()


def test_an_exclusive_lock_keeps_everybody_else_waiting(lock: Path) -> None:
    for shared in (True, False):
        with locked(lock):
            asker = Asker(lock, shared=shared)
            asker.start()
            assert asker.waits.wait(30)
            assert not asker.has.is_set()
        assert asker.has.wait(30)
        asker.end()


def test_a_shared_lock_lets_others_share_and_keeps_one_who_wants_it_alone_waiting(
    lock: Path,
) -> None:
    alone = Asker(lock)
    with locked(lock, shared=True):
        together = Asker(lock, shared=True)
        together.start()
        assert together.has.wait(30)
        alone.start()
        assert alone.waits.wait(30)
    assert not alone.has.is_set()
    together.end()
    assert alone.has.wait(30)
    alone.end()


def test_nobody_is_said_to_wait_for_a_free_lock(lock: Path) -> None:
    said: list[str] = []
    with locked(lock, waiting=lambda: said.append("waiting")):
        pass
    assert said == []


def test_a_lock_is_free_after_its_block_failed(lock: Path) -> None:
    def fail() -> None:
        with locked(lock):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert FileLock(lock).acquire()


def test_a_lock_whose_file_was_removed_while_one_waited_is_taken_anew(lock: Path) -> None:
    """Else two would hold it: one on the file that is gone, one on the file that is there."""
    with locked(lock):
        asker = Asker(lock)
        asker.start()
        assert asker.waits.wait(30)
        lock.unlink()
    assert asker.has.wait(30)
    assert is_held(lock)
    assert not FileLock(lock).acquire()
    asker.end()


def test_a_file_lock_is_refused_at_once_while_another_has_it(lock: Path) -> None:
    first, second = FileLock(lock), FileLock(lock)
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()
    second.release()


def test_a_file_lock_is_refused_while_the_lock_is_shared(lock: Path) -> None:
    with locked(lock, shared=True):
        assert not FileLock(lock).acquire()


def test_a_lock_is_known_to_be_held(lock: Path) -> None:
    assert not is_held(lock)
    with locked(lock):
        assert is_held(lock)
    assert not is_held(lock)
    assert lock.exists()


def test_asking_whether_a_lock_is_held_does_not_hold_it(lock: Path) -> None:
    lock.parent.mkdir(parents=True)
    lock.touch(0o444)
    descriptor = os.open(lock, os.O_RDONLY)
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_SH)  # as another who asks at this moment
        assert not is_held(lock)
    finally:
        os.close(descriptor)


def test_a_lock_that_nobody_holds_is_discarded(lock: Path) -> None:
    assert discard(lock)
    with locked(lock):
        pass
    assert discard(lock)
    assert not lock.exists()


@pytest.mark.parametrize("shared", [True, False])
def test_a_lock_that_somebody_holds_is_not_discarded(lock: Path, shared: bool) -> None:
    with locked(lock, shared=shared):
        assert not discard(lock)
        assert lock.exists()


def test_discarding_never_gives_a_lock_to_two(lock: Path) -> None:
    """Some take the lock again and again while others discard it as often as they can."""
    inside: list[int] = []
    overlaps: list[int] = []
    end = Event()

    def work() -> None:
        for _ in range(150):
            with locked(lock):
                inside.append(1)
                overlaps.extend(inside[1:])
                inside.pop()

    def tidy() -> None:
        while not end.is_set():
            discard(lock)

    workers = [Thread(target=work) for _ in range(3)]
    tidier = Thread(target=tidy)
    for thread in (*workers, tidier):
        thread.start()
    for thread in workers:
        thread.join()
    end.set()
    tidier.join()
    assert overlaps == []


_HOLD = """
import sys, time
from pathlib import Path
from condarium.storage.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_process_that_was_killed_is_free(lock: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, lock], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_held(lock)
        assert not FileLock(lock).acquire()
        holder.send_signal(signal.SIGKILL)
    with locked(lock):
        pass


def test_a_child_process_does_not_keep_a_lock(lock: Path) -> None:
    """A program that was started while a lock was held outlives it without holding it."""
    with locked(lock):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        assert not is_held(lock)
    finally:
        child.kill()
        child.wait()


def test_one_who_waits_can_be_interrupted_and_leaves_nothing_open(lock: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with locked(lock):
        before = _open_files()
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt), locked(lock, waiting=interrupt):
                pass
        assert _open_files() == before


def _open_files() -> int:
    """How many files this process has open, where the system tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EROFS, StoreReadOnly),
        (errno.EACCES, StoreReadOnly),
        (errno.EIO, OSError),
    ],
)
@pytest.mark.parametrize(
    "take", [lambda path: locked(path).__enter__(), lambda path: FileLock(path).acquire()]
)
def test_a_lock_that_cannot_be_made_says_why(
    lock: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    expected: type[Exception],
    take: Callable[[Path], object],
) -> None:
    def refuse(*arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(expected):
        take(lock)


@pytest.fixture
def may_only_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, flags: int, *more: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, flags, *more)

    opened = os.open
    monkeypatch.setattr(os, "open", refuse)


def test_whoever_may_only_read_shares_a_lock_that_is_there(
    lock: Path, request: pytest.FixtureRequest
) -> None:
    with locked(lock):
        pass
    alone = os.open(lock, os.O_RDWR)
    request.getfixturevalue("may_only_read")
    with locked(lock, shared=True), pytest.raises(BlockingIOError):
        fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(alone)
    with pytest.raises(StoreReadOnly):
        locked(lock).__enter__()


def test_whoever_may_only_read_goes_on_without_a_lock_that_is_not_there(
    lock: Path, may_only_read: None
) -> None:
    with locked(lock, shared=True):
        assert not lock.exists()
    with pytest.raises(StoreReadOnly):
        locked(lock).__enter__()
