"""The signals that end a process which goes on until it is told to stop."""

import signal
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any


class Signals:
    """Ctrl-C and SIGTERM, heard once; the next one does what it always does."""

    def __init__(self) -> None:
        self._told: SimpleQueue[None] = SimpleQueue()
        self._before: Mapping[signal.Signals, Any] = {}

    def hear(self) -> None:
        """From now on they are what `wait` waits for."""
        if not self._before:
            told = (signal.SIGINT, signal.SIGTERM)
            self._before = {each: signal.signal(each, self._heard) for each in told}

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for one, so long at most; was there one?"""
        try:
            self._told.get(timeout=seconds)
        except Empty:
            return False
        return True

    def tell(self) -> None:
        """Wake whoever waits, as a signal does."""
        self._told.put(None)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        """Begin to end.

        A handler interrupts the thread that waits: to set an event that it waits for could wait for
        ever, to put something into a simple queue cannot.
        """
        for each, handler in self._before.items():
            signal.signal(each, handler)
        self.tell()
