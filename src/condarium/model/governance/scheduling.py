"""Which admitted job goes next: a pure rule, that also says why each other one waits.

The highest priority goes first; within it the project that used least in the last 24 hours, then
the job that the longest chain of others waits for, then the oldest. A project that already runs
as many jobs as it may stands aside, and holds nobody up.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from condarium.model.governance.admission import Admission

SHARE_OF = timedelta(hours=24)
"""For how long what a project used counts against it."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A job that waits. `project` is the project's key, `name` what people read; `chain` is how
    many jobs wait for it, one after the other."""

    id: int
    project: str
    name: str
    at: datetime
    priority: int = 0
    chain: int = 0


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The job that goes next, None where none may; `reasons` say by number why others wait."""

    next: Waiting | None
    reasons: Mapping[int, str] = field(default_factory=dict)


_Turn = tuple[int, int, int]
_BEFORE = (
    ("job of higher priority goes", "jobs of higher priority go"),
    (
        "job of another project, which used less in the last 24 h, goes",
        "jobs of other projects, which used less in the last 24 h, go",
    ),
    ("job that more others wait for goes", "jobs that more others wait for go"),
    ("older job goes", "older jobs go"),
)
"""What those are that go before a job, by the rule that has them do so."""


def waiting_of(admission: Admission) -> Waiting:
    return Waiting(
        id=admission.id,
        project=admission.project.account,
        name=str(admission.project),
        at=admission.at,
        priority=admission.priority,
        chain=admission.chain,
    )


def order(
    waiting: Iterable[Waiting],
    *,
    resource: str,
    shares: Mapping[str, int],
    running: Mapping[str, int],
    most_per_project: int | None = None,
    capacity: int | None = None,
) -> Choice:
    """Choose among all that wait for a resource.

    `shares` are what projects used lately, in microcredits, and `running` how many jobs of each
    have a machine, both by the projects' keys. The limits are None where there are none.
    """
    full = _full(resource, sum(running.values()), capacity)
    able: list[Waiting] = []
    reasons: dict[int, str] = {}
    for job in waiting:
        if reason := _full(f"project {job.name}", running.get(job.project, 0), most_per_project):
            reasons[job.id] = _joined(full, reason)
        else:
            able.append(job)

    def turn(job: Waiting) -> _Turn:
        return -job.priority, shares.get(job.project, 0), -job.chain

    able.sort(key=lambda job: (*turn(job), job.at, job.id))
    chosen = able[0] if able and not full else None
    for job, before in _with_those_before(able, turn):
        if job is not chosen:
            reasons[job.id] = _joined(full, *before)
    return Choice(next=chosen, reasons=reasons)


def _with_those_before(
    ordered: Sequence[Waiting], turn: Callable[[Waiting], _Turn]
) -> Iterator[tuple[Waiting, list[str]]]:
    """Each job, and how many of which kind go before it."""
    # where those begin that are like this job in its priority, in its share too, in its chain too
    starts, last = [0, 0, 0], None
    for place, job in enumerate(ordered):
        mine = turn(job)
        if last is not None and mine != last:
            differs = next(at for at in range(3) if mine[at] != last[at])
            starts[differs:] = [place] * (3 - differs)
        last = mine
        edges = [0, *starts, place]
        counts = [end - begin for begin, end in pairwise(edges)]
        yield job, [_say(count, kind) for count, kind in zip(counts, _BEFORE, strict=True) if count]


def _say(count: int, kind: tuple[str, str]) -> str:
    return f"{count} {kind[count > 1]} before it"


def _full(what: str, runs: int, most: int | None) -> str:
    return f"{what} runs {runs} of {most}" if most is not None and runs >= most else ""


def _joined(*reasons: str) -> str:
    return "; ".join(filter(None, reasons))
