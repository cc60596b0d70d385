"""Whose turn it is on machines that are lent, of the jobs of their queue that may begin."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from condarium.model.governance.admission import Admission
from condarium.model.governance.resources import Resource
from condarium.model.governance.scheduling import SHARE_OF, order, waiting_of
from condarium.model.jobs import Job
from condarium.storage.facts import Facts

NOT_ADMITTED = "it is not admitted yet; the next worker that looks for jobs asks"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The job that goes next on what is lent, and by number why the others wait.

    `strays` are jobs that are not admitted: they waited before their queue was lent, or their
    admission is over.
    """

    next: Job | None
    reasons: Mapping[int, str]
    strays: tuple[Job, ...] = field(default=())


def turn(facts: Facts, resource: Resource, jobs: Iterable[Job], *, now: datetime) -> Turn:
    """Choose among jobs that wait for a resource by the rule for all who wait for what is lent."""
    able = {job.id: job for job in jobs}
    waiting = {each.id: each for each in facts.admissions.waiting(resource.name)}
    admitted = {each.job: each for each in waiting.values() if each.job in able}
    settings = resource.settings
    choice = order(
        map(waiting_of, admitted.values()),
        resource=resource.name,
        shares=facts.ledger.used_since(now - SHARE_OF, resource, now=now),
        running=Counter(map(_key, facts.admissions.running(resource.name))),
        most_per_project=settings.most_per_project,
        capacity=settings.capacity,
    )
    strays = tuple(job for job in able.values() if job.id not in admitted)
    reasons = {
        number: choice.reasons[each.id]
        for number, each in admitted.items()
        if number is not None and each.id in choice.reasons
    }
    chosen = waiting[choice.next.id].job if choice.next else None
    return Turn(
        next=able[chosen] if chosen is not None else None,
        reasons={**reasons, **{job.id: NOT_ADMITTED for job in strays}},
        strays=strays,
    )


def _key(admission: Admission) -> str:
    return waiting_of(admission).project
