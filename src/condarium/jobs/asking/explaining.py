"""Why a job waits, by the rule that chooses."""

from dataclasses import replace

from condarium.jobs.carrying_out.choosing import choose, thing_of
from condarium.jobs.carrying_out.claiming import quotas_of
from condarium.model.jobs import Job, JobFilter, JobStatus
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
        waiting = facts.jobs.find(JobFilter(status=JobStatus.QUEUED))
        choice = choose(
            [each for each in waiting if each.queue == job.queue],
            facts.jobs.running(),
            queues={queue for each in workers for queue in each.queues},
            slots=sum(each.slots - each.running for each in taking),
            quotas=quotas_of(facts, waiting),
            last_starts=facts.jobs.last_starts(map(thing_of, waiting)),
            now=now,
        )
    if not workers:
        return replace(job, reasons=(NO_WORKER,))
    return replace(job, reasons=(choice.reasons.get(job.id, "it is next"),))
