"""A job's log: appended by a thread of its own, so that no limit waits for a database."""

import logging
import threading
from dataclasses import replace

from condarium.errors import CondariumError
from condarium.jobs.asking import bell
from condarium.model.jobs import EventKind, JobEvent
from condarium.storage.store import Store

_log = logging.getLogger(__name__)
_PAUSE = 0.2  # seconds
LONGEST = 16_000
"""How many characters of a line are kept."""
MOST = 50_000
"""How many events of an attempt are kept."""
_CUT = "…cut"


class LogWriter:
    """Appends what is added within a moment; what cannot be written now, with what comes next."""

    def __init__(self, store: Store, job: int) -> None:
        self._store, self._job, self._left = store, job, MOST
        self._events: list[JobEvent] = []
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"log {job}", daemon=True)
        self._thread.start()

    def add(self, event: JobEvent) -> None:
        with self._lock:
            last = self._events[-1].kind if self._events else None
            if event.kind is EventKind.ADVANCE and last is event.kind:
                self._events[-1] = event  # what counts is how far it is now
                return
            self._left -= 1
            if self._left > 0:
                self._events.append(_cut(event))
            elif self._left == 0:
                said = f"{_CUT}: a log has {MOST} events at most"
                self._events.append(replace(event, kind=EventKind.SAY, text=said))

    def close(self) -> None:
        """Write what is left."""
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(_PAUSE):
            self._write()
        self._write()

    def _write(self) -> None:
        with self._lock:
            events, self._events = self._events, []
        if not events:
            return
        try:
            with self._store.database.note() as facts:
                facts.job_events.add(self._job, events)
        except CondariumError as error:
            _log.warning("events of a job wait", extra={"job": self._job, "why": str(error)})
            with self._lock:
                self._events = events + self._events
            return
        bell.ring()


def _cut(event: JobEvent) -> JobEvent:
    if len(event.text) <= LONGEST:
        return event
    return replace(event, text=event.text[:LONGEST] + _CUT)
