"""All that a process started, wherever it went: found, and ended.

A group is not enough: who calls setsid leaves it. A process that `adopts` becomes the parent of
those whose own parent ended, so that they are found below it.
"""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ADOPT = 36  # PR_SET_CHILD_SUBREAPER
_ROUNDS = 20


def adopt() -> None:
    """Become the parent of descendants whose own parent ends; where no system call does, do not."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0)


def descendants(pid: int) -> Iterator[int]:
    """The processes below one that lives, without itself."""
    for child in _children(pid):
        yield child
        yield from descendants(child)


def end_descendants(pid: int) -> None:
    """Kill what is below a process, and what that started meanwhile; zombies stay."""
    for _ in range(_ROUNDS):
        alive = [each for each in descendants(pid) if _lives(each)]
        if not alive:
            return
        for each in alive:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(each, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found


def _lives(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False
