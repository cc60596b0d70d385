"""How far a job is: what happened in it, and waiting for more."""

import time

from condarium.jobs.asking import bell
from condarium.model.jobs import Job, JobEvent
from condarium.storage.store import Store

_SOON = 0.1
"""How often, in seconds, the database is asked for what other processes did."""


def job(store: Store, number: int) -> Job:
    """Raises NoSuchJob."""
    with store.database.read() as facts:
        return facts.jobs.get(number)


def events_after(
    store: Store, number: int, last: int = 0, *, limit: int | None = None
) -> list[JobEvent]:
    """What happened in a job after its event `last`; none where there is no such job."""
    with store.database.read() as facts:
        return facts.job_events.after(number, last, limit=limit)


def latest_events(store: Store, number: int, count: int) -> list[JobEvent]:
    """The last that happened in a job, so many or fewer."""
    with store.database.read() as facts:
        return facts.job_events.latest(number, count)


def wait(store: Store, number: int, timeout: float) -> Job:
    """The job when it has ended, or after `timeout` seconds as it is then. Raises NoSuchJob."""
    until = time.monotonic() + timeout
    while True:
        heard = bell.rings()
        found = job(store, number)
        left = until - time.monotonic()
        if found.status.ended or left <= 0:
            return found
        bell.wait(heard, min(left, _SOON))
