"""Jobs: operations that are carried out later, by a worker, and survive its death."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from condarium.errors import BadArguments

DEFAULT_QUEUE = "default"
"""The label of a worker, and of jobs, that ask for nothing special."""


_QUEUE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_PRIORITIES = range(-1000, 1001)
_CHAINS = range(1001)
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Placing:
    """Where a job waits: for workers of which label, and before which others.

    `chain` is how many jobs wait for it, one after the other; among jobs for machines that are lent
    it goes before those for which fewer do. `time` is how long it may take; None for as long as any
    job there may. Raises BadArguments for what none can have.
    """

    queue: str = DEFAULT_QUEUE
    priority: int = 0
    chain: int = 0
    time: timedelta | None = None

    def __post_init__(self) -> None:
        if not _QUEUE.fullmatch(self.queue):
            expected = "1 to 64 small letters, digits, '.', '_' or '-'"
            raise BadArguments(f"job-queue: found {self.queue[:80]!r}; expected {expected}")
        if self.priority not in _PRIORITIES:
            raise BadArguments(f"job-priority: found {self.priority}; expected -1000 to 1000")
        if self.chain not in _CHAINS:
            raise BadArguments(f"job-chain: found {self.chain}; expected 0 to 1000")
        if self.time is not None and not _SHORTEST <= self.time <= _LONGEST:
            raise BadArguments(f"job-time: found {self.time}; expected a second to 30 days")

    @classmethod
    def read(
        cls,
        queue: str | None = None,
        priority: str | None = None,
        chain: str | None = None,
        time: timedelta | None = None,
    ) -> Self:
        """What texts say; None leaves it as it is. Raises BadArguments."""
        return cls(
            queue=queue or DEFAULT_QUEUE,
            priority=_number("job-priority", priority),
            chain=_number("job-chain", chain),
            time=time,
        )


def _number(label: str, text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        raise BadArguments(f"{label}: found {text!r}; expected a whole number") from None


ANYWHERE = Placing()
"""Among the jobs that ask for nothing special."""


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING)


@dataclass(frozen=True, kw_only=True)
class JobError:
    """Why a job did not succeed: an error's code, message, hint and data."""

    code: str
    message: str
    hint: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a job may take: seconds of wall time, and bytes of memory of all its processes."""

    wall_time: timedelta
    memory: int


@dataclass(frozen=True, kw_only=True)
class Job:
    """An operation that somebody asked for, and how far it is.

    `kind` and `resource` say which namespace or channel it is about (None where about neither);
    `queue` is the label of the workers that may take it; of those that wait, a higher `priority`
    goes first. `attempts` counts how often it was begun, of `most_attempts`; `phases` are seconds
    by name. `result` is the plain form of what the operation answered. `not_before` is when one
    that is tried again may begin; `reasons` say why one waits, where that was asked. `principal`
    is the id of who asked, None for the store's owner.
    """

    id: int
    operation: str
    target: str
    kind: str | None
    resource: str | None
    queue: str
    priority: int
    status: JobStatus
    actor: str
    principal: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    worker: str | None = None
    attempts: int = 0
    most_attempts: int = 3
    limits: Limits
    cancelling: bool = False
    phases: Mapping[str, float] = field(default_factory=dict)
    result: Any = None
    error: JobError | None = None
    not_before: datetime | None = None
    schedule: str | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a job is to do, and for whom: `documents` are the blobs among its arguments.

    `principal` and `token` are ids, None where the store's owner asked.
    """

    operation: str
    arguments: Mapping[str, Any]
    documents: tuple[str, ...] = ()
    target: str
    kind: str | None = None
    resource: str | None = None
    queue: str = DEFAULT_QUEUE
    priority: int = 0
    actor: str
    principal: str | None = None
    token: str | None = None
    address: str | None = None
    most_attempts: int = 3
    limits: Limits
    schedule: str | None = None


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Which jobs a list shows; None for any."""

    status: JobStatus | None = None
    kind: str | None = None
    resource: str | None = None
    operation: str | None = None
    actor: str | None = None
    principal: str | None = None
    before: int | None = None


class EventKind(StrEnum):
    STATUS = "status"
    """The job's status changed: `text` is the new one."""
    PHASE = "phase"
    """A phase begins: `text` names it, `total` counts `unit`s or bytes, None where unknown."""
    ADVANCE = "advance"
    """So much of the phase is done in all: `done`."""
    SAY = "say"
    """A line for people: `text`."""
    LOG = "log"
    """A detail that only logs show: `text`."""


@dataclass(frozen=True, kw_only=True)
class JobEvent:
    """One thing that happened in a job; `number` counts from 1 within it."""

    number: int
    at: datetime
    kind: EventKind
    phase: str = ""
    text: str = ""
    total: int | None = None
    done: int | None = None
    unit: str = ""

    def is_asked(self, *, phase: str | None, text: str | None) -> bool:
        """Whether it is of a phase and has a text in it, both where they are given."""
        if phase is not None and self.phase != phase:
            return False
        return text is None or text.casefold() in self.text.casefold()


@dataclass(frozen=True, kw_only=True)
class JobLog:
    """What happened in a job, or that part of it which was asked for; `last` is the newest event's
    number."""

    job: Job
    events: tuple[JobEvent, ...]
    last: int = 0


@dataclass(frozen=True, kw_only=True)
class JobsRemoved:
    """How many jobs were forgotten, with their logs."""

    count: int


@dataclass(kw_only=True)
class WorkerStarted:
    """A worker that has begun; `wait()` waits until it is told to end."""

    id: str
    queues: tuple[str, ...]
    slots: int


@dataclass(frozen=True, kw_only=True)
class WorkerLine:
    """A worker, as `worker list` shows it; `alive` is whether its heartbeat is recent."""

    id: str
    host: str
    queues: tuple[str, ...]
    slots: int
    running: int
    started_at: datetime
    heartbeat_at: datetime
    ended_at: datetime | None
    alive: bool


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """An operation that becomes a job at certain times; `cron` has five fields, in UTC.

    `problem` says why it cannot become a job any more.
    """

    name: str
    operation: str
    arguments: Mapping[str, Any]
    cron: str
    enabled: bool
    created_at: datetime
    created_by: str
    next_at: datetime | None = None
    last_at: datetime | None = None
    last_job: int | None = None
    problem: str | None = None
