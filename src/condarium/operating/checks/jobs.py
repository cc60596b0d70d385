"""Jobs and workers: is there somebody who takes what waits, and does what runs go on?"""

from collections.abc import Iterator
from datetime import timedelta

from condarium.model.jobs import JobStatus
from condarium.operating.checks.registry import Examination, Found, check, ok, problem, warning
from condarium.settings.worker import WorkerSettings

_WAITED = timedelta(minutes=10)


@check("workers")
def workers(examined: Examination) -> Iterator[Found]:
    store = examined.store
    now = store.now()
    silence = WorkerSettings.read(store.settings.environ).silence
    with store.database.read() as facts:
        known = [w for w in facts.workers.list(alive_since=now - silence) if w.ended_at is None]
        waiting = facts.health.jobs_of(JobStatus.QUEUED)
        running = facts.health.jobs_of(JobStatus.RUNNING)
    alive = {each.id: each for each in known if each.alive}
    served = {queue for each in alive.values() for queue in each.queues}
    for each in known:
        if each.id not in alive:
            hint = "Another worker takes its jobs over within a minute; look at its log."
            yield warning(f"{each.id} on {each.host} says nothing any more", hint)
    stuck = [job for job in running if job.worker not in alive]
    if stuck:
        hint = "Start `condarium worker`, or `condarium serve`: either takes them over."
        yield problem(f"{len(stuck)} jobs run on no worker that lives: {_some(stuck)}", hint)
    if unserved := sorted({job.queue for job in waiting} - served):
        hint = f"Start `condarium worker --queue {','.join(unserved)}`."
        yield problem(f"jobs wait in queues that nobody serves: {', '.join(unserved)}", hint)
    slow = [job for job in waiting if now - job.created_at > _WAITED and job.queue in served]
    if slow:
        hint = "Start more workers, or give them more slots."
        yield warning(f"{len(slow)} jobs have waited for more than ten minutes", hint)
    yield ok(f"{len(alive)} alive; {len(waiting)} jobs wait, {len(running)} run")


def _some(jobs: list) -> str:  # type: ignore[type-arg]
    return ", ".join(str(each.id) for each in jobs[:5])
