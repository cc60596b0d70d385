"""`condarium worker`: a worker as all that a process does."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Self

from condarium.errors import BadArguments
from condarium.jobs.signals import Signals
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
    _signals: Signals

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
            working._signals = Signals()
        return working

    def hear(self) -> None:
        """From now on Ctrl-C and SIGTERM are what `wait` waits for."""
        self._signals.hear()

    def wait(self) -> None:
        """Wait for Ctrl-C or SIGTERM, or that it ends by itself, and stop."""
        self._signals.hear()
        while not self._worker.ended and not self._signals.wait(_LOOK):
            pass
        self.stop()

    def stop(self) -> None:
        """End it: its jobs may go on for the grace that is set, and are handed back then."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()


def _slots(asked: int | None, default: int) -> int:
    if asked is not None and not 1 <= asked <= 1000:
        raise BadArguments(f"--slots: found {asked}; expected 1 to 1000")
    return asked or default
