"""Why a job waits, by the rule that chooses, and why one was cancelled."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from condarium.jobs.carrying_out.choosing import Crowd, explain, explain_lent, thing_of
from condarium.jobs.carrying_out.claiming import quotas_of, turn_on
from condarium.model.governance.resources import Resource
from condarium.model.jobs import Job, JobStatus, WorkerLine
from condarium.settings.worker import WorkerSettings
from condarium.storage.facts import Facts
from condarium.storage.store import Store

NO_WORKER = "no worker is at work"


def with_reasons(store: Store, job: Job) -> Job:
    """A job that waits, or whose machine was taken back, with the reasons; others as they are."""
    if job.status is JobStatus.CANCELLED:
        with store.database.read() as facts:
            admitted = facts.admissions.of_job(job.id)
        return replace(job, reasons=(admitted.why,)) if admitted and admitted.why else job
    if job.status is not JobStatus.QUEUED:
        return job
    now = store.now()
    since = now - WorkerSettings.read(store.settings.environ).silence
    with store.database.read() as facts:
        workers = [each for each in facts.workers.list(alive_since=since) if each.alive]
        if not workers:
            return replace(job, reasons=(NO_WORKER,))
        lent = facts.resources.of_queues([job.queue]).get(job.queue)
        reason = (
            _on_lent(facts, job, lent, workers, now) if lent else _usual(facts, job, workers, now)
        )
    return replace(job, reasons=(reason,))


def _usual(facts: Facts, job: Job, workers: Sequence[WorkerLine], now: datetime) -> str:
    crowds = [
        Crowd(thing=thing, priority=priority, count=count, older=older)
        for thing, priority, count, older in facts.jobs.waiting_with(job, now=now)
    ]
    things = {thing_of(job), *(crowd.thing for crowd in crowds)}
    return explain(
        job,
        crowds,
        facts.jobs.running(),
        queues={queue for each in workers for queue in each.queues},
        slots=_slots(job, workers),
        quotas=quotas_of(facts, things),
        last_starts=facts.jobs.last_starts(things),
        now=now,
    )


def _on_lent(
    facts: Facts, job: Job, lent: Resource, workers: Sequence[WorkerLine], now: datetime
) -> str:
    """The same where the machines of its queue are lent."""
    return explain_lent(
        job,
        turn_on(facts, lent, job.queue, now=now).reasons.get(job.id, ""),
        Counter(map(thing_of, facts.jobs.running())),
        queues={queue for each in workers for queue in each.queues},
        slots=_slots(job, workers),
        quotas=quotas_of(facts, [thing_of(job)]),
        now=now,
    )


def _slots(job: Job, workers: Sequence[WorkerLine]) -> int:
    """How many jobs those may begin who take the job's queue."""
    return sum(each.slots - each.running for each in workers if job.queue in each.queues)
