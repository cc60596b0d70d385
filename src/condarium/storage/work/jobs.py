"""Jobs as facts: what waits, what runs and where, what came of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, text

from condarium.errors import Conflict, NotFound, Refused
from condarium.model.actor import Actor, JobClaim
from condarium.model.jobs import Job, JobError, JobFilter, JobStatus, Limits, Order
from condarium.storage.tables import job_events, jobs, principals, tokens

_CHOOSING = 0x636F6E66
"""Names the lock of whoever chooses a job in PostgreSQL; in SQLite there is one writer anyway."""


About = tuple[str | None, str | None]
"""What a job is about: a kind and a name, or None and None."""


class JobTakenOver(Conflict):
    """Somebody else carries out the job by now, or it was cancelled."""

    def __init__(self, job: int) -> None:
        self.job = job
        super().__init__(f"job {job} is no longer carried out here: it was taken over or cancelled")


class AskerGone(Refused):
    """Who asked for the job was disabled, or the token that it was asked for with revoked."""

    def __init__(self, job: int) -> None:
        self.job = job
        super().__init__(
            f"job {job} changes nothing: who asked for it, or the token, is no longer good"
        )


class NoSuchJob(NotFound):
    """There is no job of this number, or none that one may know of."""

    def __init__(self, job: int) -> None:
        self.job = job
        super().__init__(
            f"there is no job {job}", hint="`condarium job list` shows those there are."
        )


class Jobs:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, order: Order, *, at: datetime) -> int:
        """Append a job that waits, and give its number."""
        values = {name: value for name, value in vars(order).items() if name != "limits"}
        added = self._connection.scalar(
            jobs.insert()
            .values(
                **{**values, "documents": list(order.documents)},
                wall_time=round(order.limits.wall_time.total_seconds()),
                memory=order.limits.memory,
                status=JobStatus.QUEUED,
                created_at=at,
                attempts=0,
                phases={},
            )
            .returning(jobs.c.id)
        )
        return int(added or 0)

    def get(self, job: int) -> Job:
        """Raises NoSuchJob."""
        return _job(self._row(job))

    def order(self, job: int) -> Order:
        """What a job is to do. Raises NoSuchJob."""
        row = self._row(job)
        same = {name: getattr(row, name) for name in _ORDER}
        return Order(**same, documents=tuple(row.documents), limits=_limits(row))

    def find(self, chosen: JobFilter, *, limit: int | None = None) -> list[Job]:
        """Jobs, the newest first."""
        found = select(jobs).where(*_conditions(chosen)).order_by(jobs.c.id.desc())
        if limit is not None:
            found = found.limit(limit)
        return [_job(row) for row in self._connection.execute(found)]

    def oldest_waiting(
        self, queues: Sequence[str], *, now: datetime, without: Iterable[int] = ()
    ) -> list[Job]:
        """The oldest that may begin of each thing, queue and priority: one of them is next.

        However many jobs wait, these are as few as there are things that somebody works on.
        Jobs of the numbers `without` are left out.
        """
        first = (
            select(func.min(jobs.c.id))
            .where(jobs.c.status == JobStatus.QUEUED, jobs.c.queue.in_(queues), _may_begin(now))
            .where(jobs.c.id.not_in(list(without)))
            .group_by(jobs.c.kind, jobs.c.resource, jobs.c.queue, jobs.c.priority)
        )
        rows = self._connection.execute(select(jobs).where(jobs.c.id.in_(first)))
        return [_job(row) for row in rows]

    def waiting_in(self, queue: str, *, now: datetime, without: Iterable[int] = ()) -> list[Job]:
        """All that may begin in a queue, the oldest first, `without` some."""
        waits = jobs.c.status == JobStatus.QUEUED, jobs.c.queue == queue, _may_begin(now)
        return self._select(and_(*waits, jobs.c.id.not_in(list(without))))

    def waiting_with(self, job: Job, *, now: datetime) -> list[tuple[About, int, int, int]]:
        """What may begin in a job's queue: thing, priority, how many, and how many are older."""
        created = jobs.c.created_at
        older = or_(created < job.created_at, and_(created == job.created_at, jobs.c.id < job.id))
        found = (
            select(
                jobs.c.kind, jobs.c.resource, jobs.c.priority,
                func.count(), func.sum(case((older, 1), else_=0)),
            )
            .where(jobs.c.status == JobStatus.QUEUED, jobs.c.queue == job.queue, _may_begin(now))
            .group_by(jobs.c.kind, jobs.c.resource, jobs.c.priority)
        )  # fmt: skip
        rows = self._connection.execute(found)
        return [
            ((kind, name), priority, count, int(first))
            for kind, name, priority, count, first in rows
        ]

    def running(self) -> list[Job]:
        return self._select(jobs.c.status == JobStatus.RUNNING)

    def held_by(self, worker: str) -> dict[int, Job]:
        """The jobs that a worker carries out, by number."""
        held = and_(jobs.c.status == JobStatus.RUNNING, jobs.c.worker == worker)
        return {job.id: job for job in self._select(held)}

    def last_starts(self, things: Iterable[About]) -> dict[About, datetime]:
        """When a job on each of these things last began; those on which none did are left out."""
        found = {thing: self._last_start(thing) for thing in set(things)}
        return {thing: at for thing, at in found.items() if at is not None}

    def _last_start(self, thing: About) -> datetime | None:
        kind, resource = thing
        same = jobs.c.kind == kind, jobs.c.resource == resource
        found: datetime | None = self._connection.scalar(
            select(func.max(jobs.c.started_at)).where(*same)
        )
        return found

    def lock_choosing(self) -> None:
        """Be the only one who chooses, until the unit of work ends."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHOOSING})

    def claim(self, job: int, worker: str, *, at: datetime) -> JobClaim | None:
        """Have a worker begin a job that waits; None where it waits no more."""
        attempt = self._connection.scalar(
            jobs.update()
            .where(jobs.c.id == job, jobs.c.status == JobStatus.QUEUED)
            .values(
                status=JobStatus.RUNNING,
                worker=worker,
                started_at=at,
                not_before=None,
                committed_at=None,
                attempts=jobs.c.attempts + 1,
            )
            .returning(jobs.c.attempts)
        )
        return JobClaim(job=job, attempt=attempt) if attempt else None

    def commit(self, claim: JobClaim, *, at: datetime) -> None:
        """Note that the job's changes are made, in the unit of work that makes them.

        Raises JobTakenOver where another attempt carries it out by now, and AskerGone where who
        asked was disabled, or the token revoked: nothing is changed then.
        """
        if not self._change(claim, committed_at=at):
            raise JobTakenOver(claim.job)
        gone = or_(principals.c.disabled_at.is_not(None), tokens.c.revoked_at.is_not(None))
        asked = jobs.outerjoin(principals, principals.c.id == jobs.c.principal).outerjoin(
            tokens, tokens.c.id == jobs.c.token
        )
        found = select(jobs.c.id).select_from(asked).where(jobs.c.id == claim.job, gone)
        if self._connection.scalar(found):
            raise AskerGone(claim.job)

    def is_committed(self, job: int) -> bool:
        """Whether the attempt that was begun last has changed anything."""
        return self._row(job).committed_at is not None

    def end(
        self,
        claim: JobClaim,
        status: JobStatus,
        *,
        at: datetime,
        phases: Mapping[str, float],
        result: Any = None,
        error: JobError | None = None,
    ) -> bool:
        """Note how a job ended; False where this attempt no longer carries it out."""
        return self._change(
            claim,
            status=status,
            ended_at=at,
            phases=dict(phases),
            result=result,
            error=asdict(error) if error else None,
        )

    def put_back(self, claim: JobClaim, *, not_before: datetime | None, spent: bool) -> bool:
        """Have a job wait again; where nothing is `spent`, it may be begun once more for that.

        The number of an attempt is never given twice. False where this attempt no longer carries
        the job out.
        """
        return self._change(
            claim,
            status=JobStatus.QUEUED,
            worker=None,
            not_before=not_before,
            most_attempts=jobs.c.most_attempts + (0 if spent else 1),
        )

    def cancel(self, job: int, *, at: datetime, by: str) -> JobStatus | None:
        """Cancel a job that waits, or runs and has changed nothing; else note that it is wanted.

        Give the status that it has now, None where it had ended before.
        """
        open_ = jobs.c.status.in_((JobStatus.QUEUED, JobStatus.RUNNING))
        asked = {"cancelled_at": at, "cancelled_by": by}
        ended = self._connection.execute(
            jobs.update()
            .where(
                jobs.c.id == job,
                open_,
                or_(jobs.c.status == JobStatus.QUEUED, jobs.c.committed_at.is_(None)),
            )
            .values(**asked, status=JobStatus.CANCELLED, ended_at=at, not_before=None)
        )
        if ended.rowcount:
            return JobStatus.CANCELLED
        noted = self._connection.execute(jobs.update().where(jobs.c.id == job, open_).values(asked))
        return JobStatus.RUNNING if noted.rowcount else None

    def again(self, job: int, *, at: datetime, more_attempts: int, by: Actor) -> bool:
        """Have a job that failed or was cancelled wait again; False where it did not end so.

        It is carried out with the rights of who wants it again.
        """
        changed = self._connection.execute(
            jobs.update()
            .where(jobs.c.id == job, jobs.c.status.in_((JobStatus.FAILED, JobStatus.CANCELLED)))
            .values(
                status=JobStatus.QUEUED,
                created_at=at,
                started_at=None,
                ended_at=None,
                phases={},
                worker=None,
                not_before=None,
                cancelled_at=None,
                cancelled_by=None,
                committed_at=None,
                error=None,
                most_attempts=jobs.c.attempts + more_attempts,
                actor=by.name,
                principal=by.who.id,
                token=by.token,
                address=by.address,
            )
        )
        return bool(changed.rowcount)

    def arguments_waiting(self, principal: str) -> list[Any]:
        """What the jobs that wait for somebody are to work on."""
        waits = jobs.c.principal == principal, jobs.c.status == JobStatus.QUEUED
        return list(self._connection.scalars(select(jobs.c.arguments).where(*waits)))

    def count_waiting(self, kind: str, resource: str) -> int:
        """How many jobs on a thing wait."""
        same = jobs.c.kind == kind, jobs.c.resource == resource
        found = select(func.count()).where(*same, jobs.c.status == JobStatus.QUEUED)
        return self._connection.scalar(found) or 0

    def detach(self, kind: str, resource: str) -> None:
        """Have the jobs on a thing that is removed be about none: its name may be given again."""
        same = jobs.c.kind == kind, jobs.c.resource == resource
        self._connection.execute(jobs.update().where(*same).values(kind=None, resource=None))

    def remove(self, numbers: Iterable[int]) -> int:
        """Forget jobs and their logs, whatever their state; give how many there were."""
        chosen = list(numbers)
        self._connection.execute(job_events.delete().where(job_events.c.job_id.in_(chosen)))
        return self._connection.execute(jobs.delete().where(jobs.c.id.in_(chosen))).rowcount

    def ended_before(self, instant: datetime, *, most: int = 500) -> list[int]:
        found = select(jobs.c.id).where(jobs.c.ended_at < instant).order_by(jobs.c.id).limit(most)
        return list(self._connection.scalars(found))

    def over(self, numbers: Iterable[int], *, before: datetime) -> frozenset[int]:
        """Which of these jobs ended before, or are forgotten."""
        asked = set(numbers)
        going_on = select(jobs.c.id).where(
            jobs.c.id.in_(asked), or_(jobs.c.ended_at.is_(None), jobs.c.ended_at >= before)
        )
        return frozenset(asked.difference(self._connection.scalars(going_on)))

    def documents(self) -> frozenset[str]:
        """The blobs that jobs name."""
        rows = self._connection.scalars(select(jobs.c.documents))
        return frozenset(digest for row in rows for digest in row)

    def _change(self, claim: JobClaim, **values: Any) -> bool:
        """Change a job while this attempt carries it out."""
        changed = self._connection.execute(
            jobs.update()
            .where(
                jobs.c.id == claim.job,
                jobs.c.attempts == claim.attempt,
                jobs.c.status == JobStatus.RUNNING,
            )
            .values(values)
        )
        return bool(changed.rowcount)

    def _row(self, job: int) -> Any:
        row = self._connection.execute(select(jobs).where(jobs.c.id == job)).first()
        if row is None:
            raise NoSuchJob(job)
        return row

    def _select(self, condition: ColumnElement[bool]) -> list[Job]:
        rows = self._connection.execute(select(jobs).where(condition).order_by(jobs.c.id))
        return [_job(row) for row in rows]


_ORDER = (
    "operation", "arguments", "target", "kind", "resource", "queue", "priority", "actor",
    "principal", "token", "address", "most_attempts", "schedule",
)  # fmt: skip
_JOB = (
    "id", "operation", "target", "kind", "resource", "queue", "priority", "actor", "principal",
    "created_at", "started_at", "ended_at", "worker", "attempts", "most_attempts", "phases",
    "result", "not_before", "schedule",
)  # fmt: skip


def _job(row: Any) -> Job:
    status = JobStatus(row.status)
    return Job(
        **{name: getattr(row, name) for name in _JOB},
        status=status,
        limits=_limits(row),
        cancelling=row.cancelled_at is not None and not status.ended,
        error=JobError(**row.error) if row.error else None,
    )


def _limits(row: Any) -> Limits:
    return Limits(wall_time=timedelta(seconds=row.wall_time), memory=row.memory)


def _may_begin(now: datetime) -> ColumnElement[bool]:
    return or_(jobs.c.not_before.is_(None), jobs.c.not_before <= now)


def _conditions(chosen: JobFilter) -> list[ColumnElement[bool]]:
    asked = {name: value for name, value in vars(chosen).items() if value is not None}
    before = asked.pop("before", None)
    found = [jobs.c[name] == value for name, value in asked.items()]
    return [*found, jobs.c.id < before] if before is not None else found
