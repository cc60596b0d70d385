"""What people do to jobs: cancel, retry, remove; each in whatever state a job is."""

from contextlib import AbstractContextManager

from condarium.errors import Conflict
from condarium.jobs.asking import bell, watching
from condarium.jobs.asking.submitting import note_status
from condarium.jobs.lending import applying, using
from condarium.model.actor import Actor
from condarium.model.jobs import Job, JobsRemoved, JobStatus
from condarium.settings.worker import JobSettings
from condarium.storage.facts import Facts
from condarium.storage.store import Store


class NothingToRetry(Conflict):
    """The job did not fail, and was not cancelled."""

    def __init__(self, job: int, status: JobStatus) -> None:
        self.job, self.status = job, str(status)
        super().__init__(f"job {job}: found {status}; expected one that failed or was cancelled")


def cancel(store: Store, job: Job, *, actor: Actor) -> Job:
    """Cancel a job; one that has ended stays as it is.

    What a job changes it changes whole. One that has begun to may finish that, for some seconds.
    """
    if job.status.ended:
        return job
    with _change(store, "job cancel", job, actor) as facts:
        admission, now = using.held(facts, job.id), store.now()
        status = facts.jobs.cancel(job.id, at=now, by=actor.name)
        if status is JobStatus.CANCELLED:
            why = f"cancelled by {actor.name}"
            using.end(facts, admission, status, at=now, why=why)
            note_status(facts, job.id, status, store, why)
    bell.ring()
    return watching.job(store, job.id)


def retry(store: Store, job: Job, *, actor: Actor) -> Job:
    """Have a job that failed or was cancelled carried out anew, with the rights of who says so.

    Where its queue's machines are lent, it asks for them anew. Raises NothingToRetry, NotAdmitted.
    """
    more = JobSettings.read(store.settings.environ).most_attempts
    try:
        with _change(store, "job retry", job, actor) as facts:
            if not facts.jobs.again(job.id, at=store.now(), more_attempts=more, by=actor):
                raise NothingToRetry(job.id, facts.jobs.get(job.id).status)
            note_status(facts, job.id, JobStatus.QUEUED, store, f"retried by {actor.name}")
            applying.apply_again(facts, job.id, actor=actor, at=store.now())
    except applying.NotAdmitted as error:
        applying.note_refused(store, error)
        raise
    bell.ring()
    return watching.job(store, job.id)


def remove(store: Store, job: Job, *, actor: Actor) -> JobsRemoved:
    """Forget a job and its log; one that goes on is ended by that."""
    with _change(store, "job remove", job, actor) as facts:
        using.end(facts, using.held(facts, job.id), JobStatus.CANCELLED, at=store.now())
        count = facts.jobs.remove([job.id])
    bell.ring()
    return JobsRemoved(count=count)


def prune(store: Store, *, actor: Actor) -> JobsRemoved:
    """Forget jobs that ended so long ago that they need not be kept, and workers that did."""
    before = store.now() - JobSettings.read(store.settings.environ).retention
    count = 0
    with store.database.note() as facts:
        facts.workers.forget(before)
    while True:
        with store.database.note() as facts:
            removed = facts.jobs.remove(facts.jobs.ended_before(before))
        count += removed
        if not removed:
            break
    if count:
        with store.database.change(actor, "job prune", "jobs", {"count": str(count)}):
            pass
    return JobsRemoved(count=count)


def _change(store: Store, action: str, job: Job, actor: Actor) -> AbstractContextManager[Facts]:
    detail = {"operation": job.operation, "target": job.target}
    return store.database.change(actor, action, f"job {job.id}", detail)
