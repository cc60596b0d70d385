"""Whose turn it is on machines that are lent, of the jobs of their queue that may begin."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from condarium.governance.admission import turns
from condarium.model.governance.resources import Resource
from condarium.model.jobs import Job
from condarium.storage.facts import Facts

_NOT_ADMITTED = "it is not admitted yet; the next worker that looks for jobs asks"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The job that goes next on what is lent, and by number why the others wait.

    `strays` are jobs that are not admitted: they waited before their queue was lent, or their
    admission is over.
    """

    next: Job | None
    reasons: Mapping[int, str]
    strays: tuple[Job, ...]


def turn(facts: Facts, resource: Resource, jobs: Iterable[Job], *, now: datetime) -> Turn:
    """Choose among jobs that wait for a resource by the rule for all who wait for what is lent."""
    able = {job.id: job for job in jobs}
    choice = turns.turn(facts, resource, now, jobs=able)
    waiting = facts.admissions.waiting(resource.name)
    job_of = {each.id: each.job for each in waiting if each.job in able}
    strays = tuple(job for job in able.values() if job.id not in job_of.values())
    reasons = {job.id: _NOT_ADMITTED for job in strays}
    for admission, reason in choice.reasons.items():
        reasons[job_of[admission] or 0] = reason
    chosen = job_of[choice.next.id] if choice.next else None
    return Turn(next=able[chosen] if chosen else None, reasons=reasons, strays=strays)
