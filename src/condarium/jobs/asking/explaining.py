"""Why a job waits, by the rule that chooses."""

from dataclasses import replace

from condarium.jobs.carrying_out.choosing import Crowd, explain, thing_of
from condarium.jobs.carrying_out.claiming import quotas_of
from condarium.model.jobs import Job, JobStatus
from condarium.settings.worker import WorkerSettings
from condarium.storage.store import Store

NO_WORKER = "no worker is at work"


def with_reasons(store: Store, job: Job) -> Job:
    """A job that waits, with the reasons; any other as it is."""
    if job.status is not JobStatus.QUEUED:
        return job
    now = store.now()
    since = now - WorkerSettings.read(store.settings.environ).silence
    with store.database.read() as facts:
        workers = [each for each in facts.workers.list(alive_since=since) if each.alive]
        taking = [each for each in workers if job.queue in each.queues]
        crowds = [
            Crowd(thing=thing, priority=priority, count=count, older=older)
            for thing, priority, count, older in facts.jobs.waiting_with(job, now=now)
        ]
        things = {thing_of(job), *(crowd.thing for crowd in crowds)}
        reason = explain(
            job,
            crowds,
            facts.jobs.running(),
            queues={queue for each in workers for queue in each.queues},
            slots=sum(each.slots - each.running for each in taking),
            quotas=quotas_of(facts, things),
            last_starts=facts.jobs.last_starts(things),
            now=now,
        )
    if not workers:
        return replace(job, reasons=(NO_WORKER,))
    return replace(job, reasons=(reason,))
