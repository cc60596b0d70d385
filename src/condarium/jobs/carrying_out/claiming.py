"""Choosing and claiming a job, in one transaction."""

from collections.abc import Collection, Iterable, Sequence

from condarium.jobs.asking.submitting import note_status
from condarium.jobs.carrying_out.choosing import About, choose, thing_of
from condarium.model.actor import JobClaim
from condarium.model.jobs import JobStatus
from condarium.storage.facts import Facts
from condarium.storage.store import Store


def claim_next(
    store: Store,
    worker: str,
    queues: Sequence[str],
    slots: int,
    *,
    without: Collection[int] = (),
) -> JobClaim | None:
    """Have a worker begin the job that goes next, `without` some; None where none may begin."""
    with store.database.read() as facts:  # most of the time there is none, and nobody is held up
        if not facts.jobs.oldest_waiting(queues, now=store.now(), without=without):
            return None
    with store.database.note() as facts:
        facts.jobs.lock_choosing()
        now = store.now()
        waiting = facts.jobs.oldest_waiting(queues, now=now, without=without)
        choice = choose(
            waiting,
            facts.jobs.running(),
            queues=queues,
            slots=slots,
            quotas=quotas_of(facts, map(thing_of, waiting)),
            last_starts=facts.jobs.last_starts(map(thing_of, waiting)),
            now=now,
        )
        if choice.job is None:
            return None
        claim = facts.jobs.claim(choice.job.id, worker, at=now)
        if claim:
            note_status(facts, claim.job, JobStatus.RUNNING, store)
        return claim


def quotas_of(facts: Facts, things: Iterable[About]) -> dict[About, int]:
    """How many jobs may run at once on those namespaces among things."""
    found: dict[About, int] = {}
    for name in {name for kind, name in things if kind == "namespace"}:
        most = facts.namespaces.quota(name).builds if name else None
        if most is not None:
            found["namespace", name] = most
    return found
