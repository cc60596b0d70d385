"""Which job goes next: a pure rule, that also says why each other one waits.

Of the jobs that a worker may take, the highest priority goes first; then the namespace or channel
with the fewest running jobs; then the one that had its turn longest ago; then the oldest job. So
nobody who asks for much holds up those who ask for little.

Of a queue whose machines are lent, only the job is among them whose turn it is there
(`lending.turns`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from condarium.model.jobs import Job

About = tuple[str | None, str | None]
"""What jobs are about: `namespace` or `channel`, and its name; None and None for neither."""

_NEXT = "it is next"
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The job that goes next, None where none may; `reasons` say by number why others wait."""

    job: Job | None
    reasons: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """How many jobs of a priority that may begin wait on a thing; `older` than a certain one."""

    thing: About
    priority: int
    count: int
    older: int


def thing_of(job: Job) -> About:
    return job.kind, job.resource


def choose(
    waiting: Iterable[Job],
    running: Iterable[Job],
    *,
    queues: Iterable[str],
    slots: int,
    quotas: Mapping[About, int],
    last_starts: Mapping[About, datetime],
    now: datetime,
) -> Choice:
    """Choose for a worker that takes jobs of `queues` and has so many free `slots`.

    `quotas` are how many jobs on a thing may run at once, where that is limited.
    """
    shares = Counter(thing_of(job) for job in running)
    taken = frozenset(queues)
    reasons: dict[int, str] = {}
    able: list[Job] = []
    for job in waiting:
        if reason := _hindrance(job, taken, shares, quotas, now):
            reasons[job.id] = reason
        else:
            able.append(job)

    def turn(job: Job) -> tuple[int, int, datetime, datetime, int]:
        thing = thing_of(job)
        since = last_starts.get(thing, _NEVER)
        return -job.priority, shares[thing], since, job.created_at, job.id

    able.sort(key=turn)
    first = able[0] if able and slots > 0 else None
    for place, job in enumerate(able):
        if job is not first:
            reasons[job.id] = _queueing(place, slots)
    return Choice(job=first, reasons=reasons)


def explain(
    job: Job,
    crowds: Iterable[Crowd],
    running: Iterable[Job],
    *,
    queues: Iterable[str],
    slots: int,
    quotas: Mapping[About, int],
    last_starts: Mapping[About, datetime],
    now: datetime,
) -> str:
    """Say why a job waits, as `choose` would of all that wait in its queue: they are `crowds`."""
    shares = Counter(thing_of(each) for each in running)
    if reason := _hindrance(job, frozenset(queues), shares, quotas, now):
        return reason

    def turn(thing: About, priority: int) -> tuple[int, int, datetime]:
        return -priority, shares[thing], last_starts.get(thing, _NEVER)

    mine, place = turn(thing_of(job), job.priority), 0
    for crowd in crowds:
        theirs = turn(crowd.thing, crowd.priority)
        if theirs <= mine and not is_full(crowd.thing, shares, quotas):
            place += crowd.count if theirs < mine else crowd.older
    return _queueing(place, slots) or _NEXT


def explain_lent(
    job: Job,
    reason: str,
    shares: Mapping[About, int],
    *,
    queues: Iterable[str],
    slots: int,
    quotas: Mapping[About, int],
    now: datetime,
) -> str:
    """Say why a job waits for machines that are lent: `reason` is that it is not its turn there."""
    if hindered := _hindrance(job, frozenset(queues), shares, quotas, now):
        return hindered
    return "; ".join(filter(None, (_queueing(0, slots), reason))) or _NEXT


def is_full(thing: About, shares: Mapping[About, int], quotas: Mapping[About, int]) -> bool:
    return thing in quotas and shares.get(thing, 0) >= quotas[thing]


def _hindrance(
    job: Job,
    queues: frozenset[str],
    shares: Mapping[About, int],
    quotas: Mapping[About, int],
    now: datetime,
) -> str | None:
    """Why a job may not begin, whoever else waits; None where it may."""
    if job.not_before is not None and job.not_before > now:
        return f"it is tried again at {job.not_before:%Y-%m-%d %H:%M:%S} UTC"
    if job.queue not in queues:
        return f"no worker takes jobs of the queue {job.queue}"
    if is_full(thing_of(job), shares, quotas):
        return f"{job.kind} {job.resource} may run {quotas[thing_of(job)]} at once, and does"
    return None


def _queueing(place: int, slots: int) -> str:
    before = f"{place} {'job goes' if place == 1 else 'jobs go'} before it" if place else ""
    full = "all workers are busy" if slots <= 0 else ""
    return "; ".join(filter(None, (full, before)))
