"""`condarium worker`: a worker as all that a process does."""

import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any, Self

from condarium.errors import BadArguments
from condarium.jobs.worker import Worker
from condarium.model.jobs import WorkerStarted
from condarium.operating.logs import configure_logs
from condarium.settings.reach import for_others
from condarium.settings.telemetry import TelemetrySettings
from condarium.settings.worker import WorkerSettings
from condarium.storage.modes import modes_of
from condarium.storage.store import Store

_LOOK = 0.5  # seconds


class Working(WorkerStarted):
    """A worker that goes on until it is stopped.

    >>> with client.worker(slots=2) as working: ...                        # doctest: +SKIP
    """

    _worker: Worker
    _opened: ExitStack
    _before: Mapping[signal.Signals, Any]
    _told: SimpleQueue[None]

    @classmethod
    def start(cls, store: Store, *, queues: Sequence[str], slots: int | None) -> Self:
        """Raises BadArguments, BadSetting, and what opening the store raises."""
        settings = WorkerSettings.read(store.settings.environ)
        named = tuple(queue for text in queues for queue in text.replace(",", " ").split())
        settings = replace(
            settings, queues=named or settings.queues, slots=_slots(slots, settings.slots)
        )
        telemetry = TelemetrySettings.read(store.settings.environ)
        configure_logs(telemetry)
        with ExitStack() as opened:
            own = Store(for_others(store.settings), now=store.now)
            opened.callback(own.close)
            own.database  # noqa: B018 - a store that cannot be opened is said now
            opened.enter_context(modes_of(own.layout.root))
            worker = Worker.start(own, settings)
            opened.callback(worker.stop)
            working = cls(id=worker.id, queues=settings.queues, slots=settings.slots)
            working._worker, working._opened = worker, opened.pop_all()
            working._before, working._told = {}, SimpleQueue()
        return working

    def hear(self) -> None:
        """From now on Ctrl-C and SIGTERM are what `wait` waits for."""
        told = (signal.SIGINT, signal.SIGTERM)
        self._before = {each: signal.signal(each, self._heard) for each in told}

    def wait(self) -> None:
        """Wait for Ctrl-C or SIGTERM, or that it ends by itself, and stop."""
        if not self._before:
            self.hear()
        while not self._worker.ended:
            with suppress(Empty):
                self._told.get(timeout=_LOOK)
                break
        self.stop()

    def stop(self) -> None:
        """End it: its jobs may go on for the grace that is set, and are handed back then."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def _heard(self, number: int, frame: FrameType | None) -> None:
        """Begin to end; the next signal does what it always does.

        To set an event from here could wait for ever: its own waiting may be interrupted by this.
        """
        for each, handler in self._before.items():
            signal.signal(each, handler)
        self._told.put(None)


def _slots(asked: int | None, default: int) -> int:
    if asked is not None and not 1 <= asked <= 1000:
        raise BadArguments(f"--slots: found {asked}; expected 1 to 1000")
    return asked or default
