"""A worker within a server: one that ended by itself is begun anew."""

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from condarium.jobs.worker import Worker, WorkerFailed
from condarium.settings.worker import WorkerSettings
from condarium.storage.store import Store

_log = logging.getLogger(__name__)
_LOOK = 0.5  # seconds
_LONGEST = 60.0


@dataclass
class KeptWorker:
    """A worker that is there until it is told to end, by way of several if need be."""

    store: Store
    settings: WorkerSettings
    worker: Worker
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @classmethod
    def start(cls, store: Store, settings: WorkerSettings) -> Self:
        """Begin in the background. Raises what opening the store raises."""
        kept = cls(store, settings, Worker.start(store, settings))
        kept._thread = threading.Thread(target=kept._keep, name="worker", daemon=True)
        kept._thread.start()
        return kept

    def end(self) -> None:
        """Tell it to end, and do not wait."""
        self._ending.set()
        self.worker.end()

    def stop(self) -> None:
        """End it: jobs may go on for the grace that is set, and are handed back after that."""
        self.end()
        if self._thread:
            self._thread.join()
        self.worker.stop()

    def _keep(self) -> None:
        pause = _LOOK
        while not self._ending.wait(pause):
            if not self.worker.ended:
                pause = _LOOK
                continue
            pause = min(pause * 2, _LONGEST)
            _log.error("the worker ended by itself; another one begins", extra={"after": pause})
            try:
                with suppress(WorkerFailed):
                    self.worker.stop()
                if not self._ending.is_set():
                    self.worker = Worker.start(self.store, self.settings)
            except Exception:  # noqa: BLE001 - it is tried again
                _log.exception("no worker could be begun")
