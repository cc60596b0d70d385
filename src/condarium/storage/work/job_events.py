"""What happened in jobs: appended in pieces, and never written again."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from condarium.model.jobs import EventKind, JobEvent
from condarium.storage.tables import job_events, jobs

_PHASE = 64
_UNIT = 32


class JobEvents:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, job: int, events: Sequence[JobEvent]) -> None:
        """Append events, numbered after those that are there; of a job that is gone, none."""
        there = self._connection.scalar(select(jobs.c.id).where(jobs.c.id == job).with_for_update())
        if there is None or not events:
            return
        last = func.coalesce(func.max(job_events.c.number), 0)
        number = self._connection.scalar(select(last).where(job_events.c.job_id == job)) or 0
        rows = [_row(job, number + place, event) for place, event in enumerate(events, start=1)]
        self._connection.execute(job_events.insert(), rows)

    def after(self, job: int, number: int = 0, *, limit: int | None = None) -> list[JobEvent]:
        """A job's events after the one of this number, in their order."""
        found = (
            select(job_events)
            .where(job_events.c.job_id == job, job_events.c.number > number)
            .order_by(job_events.c.number)
        )
        if limit is not None:
            found = found.limit(limit)
        return [_event(row) for row in self._connection.execute(found)]

    def latest(self, job: int, count: int) -> list[JobEvent]:
        """A job's last events, in their order."""
        found = select(job_events).where(job_events.c.job_id == job)
        found = found.order_by(job_events.c.number.desc()).limit(count)
        return [_event(row) for row in self._connection.execute(found)][::-1]


def _row(job: int, number: int, event: JobEvent) -> dict[str, Any]:
    fields = {**vars(event), "kind": str(event.kind), "number": number}
    return {**fields, "job_id": job, "phase": event.phase[:_PHASE], "unit": event.unit[:_UNIT]}


def _event(row: Any) -> JobEvent:
    fields = dict(row._mapping)
    del fields["job_id"]
    return JobEvent(**{**fields, "kind": EventKind(row.kind)})
