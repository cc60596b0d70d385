"""What becomes of a job when an attempt is over: it ended, or it is tried again in a while."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

from condarium.jobs.asking import bell
from condarium.jobs.asking.submitting import note_status
from condarium.jobs.carrying_out.running import HANDED_BACK, Outcome
from condarium.jobs.lending import using
from condarium.model.actor import JobClaim
from condarium.model.jobs import Job, JobError, JobStatus
from condarium.storage.facts import Facts
from condarium.storage.store import Store

_FIRST_PAUSE = timedelta(seconds=2)
"""Before the second attempt; before each later one it is four times as long."""

_DEATHS = 10
"""How often a job's worker may be gone before that counts against the job. Jobs have processes of
their own, so it is rarely their doing; one that does take its worker with it has to end, too."""


def settle(store: Store, claim: JobClaim, outcome: Outcome) -> None:
    """Note what came of an attempt; nothing, where somebody else has the job by now."""
    with store.database.note() as facts:
        if outcome["status"] == HANDED_BACK:
            _wait_again(facts, claim, store, "its worker ends; another one takes it", spent=False)
        elif not (outcome.get("passing") and _try_again(facts, claim, outcome, store)):
            _end(facts, claim, outcome, store)
    bell.ring()


def take_from_dead(store: Store, worker: str, *, why: str) -> bool:
    """Have the jobs of a worker that is gone wait again; False where somebody else did that."""
    with store.database.note() as facts:
        facts.jobs.lock_choosing()
        if not facts.workers.end(worker, at=store.now()):
            return False
        release(facts, facts.jobs.held_by(worker).values(), store, why)
    bell.ring()
    return True


def release(facts: Facts, jobs: Iterable[Job], store: Store, why: str) -> None:
    """Have jobs wait again that nobody carries out any more; one that was tried enough fails."""
    found = list(jobs)
    using.hold(facts, [job.id for job in found])
    for job in found:
        _release(facts, job, store, why)


def _release(facts: Facts, job: Job, store: Store, why: str) -> None:
    claim = JobClaim(job=job.id, attempt=job.attempts)
    if job.cancelling:
        cancelled = {"status": JobStatus.CANCELLED, "phases": job.phases}
        _end(facts, claim, cancelled, store, lost=True)
        return
    # what was committed is found done, so that one more attempt does not do it again
    spent = job.attempts >= _DEATHS
    if not spent or job.attempts < job.most_attempts + facts.jobs.is_committed(job.id):
        _wait_again(facts, claim, store, why, spent=spent, lost=True)
        return
    error = JobError(
        code="tried-too-often",
        message=f"{why}; it was begun {job.attempts} times, as often as it may be",
        hint=f"condarium job retry {job.id}",
    )
    failed = {"status": JobStatus.FAILED, "phases": job.phases, "error": asdict(error)}
    _end(facts, claim, failed, store, lost=True)


def pause(attempt: int) -> timedelta:
    """How long a job waits after an attempt that failed of what may pass."""
    times: int = 4 ** (attempt - 1)
    return _FIRST_PAUSE * times


def _try_again(facts: Facts, claim: JobClaim, outcome: Outcome, store: Store) -> bool:
    job = facts.jobs.get(claim.job)
    if job.attempts >= job.most_attempts:
        return False
    after: datetime = store.now() + pause(claim.attempt)
    why = f"{outcome['error']['message']}; it is tried again"
    _wait_again(facts, claim, store, why, spent=True, not_before=after)
    return True


def _wait_again(
    facts: Facts,
    claim: JobClaim,
    store: Store,
    why: str,
    *,
    spent: bool,
    not_before: datetime | None = None,
    lost: bool = False,
) -> None:
    """Have a job wait again; one whose worker was `lost` costs nothing since its last word."""
    admission = using.held(facts, claim.job)
    if facts.jobs.put_back(claim, not_before=not_before, spent=spent):
        using.pause(facts, admission, at=store.now(), lost=lost)
        note_status(facts, claim.job, JobStatus.QUEUED, store, why)


def _end(
    facts: Facts, claim: JobClaim, outcome: Outcome, store: Store, *, lost: bool = False
) -> None:
    admission, now = using.held(facts, claim.job), store.now()
    status = JobStatus(outcome["status"])
    found: Mapping[str, object] | None = outcome.get("error")
    error = JobError(**found) if found else None  # type: ignore[arg-type]  # as it was written
    ended = facts.jobs.end(
        claim,
        status,
        at=now,
        phases=outcome.get("phases", {}),
        result=outcome.get("result"),
        error=error,
    )
    if ended:
        using.end(facts, admission, status, at=now, lost=lost)
        note_status(facts, claim.job, status, store, error.message if error else "")
