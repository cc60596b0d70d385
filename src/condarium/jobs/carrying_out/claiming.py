"""Choosing and claiming a job, in one transaction."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from condarium.errors import CondariumError, Refused
from condarium.jobs.asking.submitting import note_status
from condarium.jobs.carrying_out.child import said
from condarium.jobs.carrying_out.choosing import About, Choice, choose, is_full, thing_of
from condarium.jobs.lending import applying, using
from condarium.jobs.lending.turns import Turn, turn
from condarium.model.actor import Actor, JobClaim
from condarium.model.governance.admission import AdmissionState
from condarium.model.governance.resources import Resource
from condarium.model.jobs import Job, JobStatus
from condarium.settings.worker import WorkerSettings
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
        now = store.now()
        if not facts.jobs.oldest_waiting(queues, now=now, without=without):
            return None
        choice, strays = _look(facts, queues, slots, now, without)
        if choice.job is None and not strays:
            return None
    with store.database.note() as facts:
        facts.jobs.lock_choosing()
        while True:
            choice, strays = _look(facts, queues, slots, store.now(), without)
            for job in strays:
                _ask(facts, job, worker, store)
            if strays:
                continue
            if choice.job is None:
                return None
            if not _is_refused(facts, choice.job, worker, store):
                return _claim(facts, choice.job, worker, store)


def quotas_of(facts: Facts, things: Iterable[About]) -> dict[About, int]:
    """How many jobs may run at once on those namespaces among things."""
    found: dict[About, int] = {}
    for name in {name for kind, name in things if kind == "namespace"}:
        most = facts.namespaces.quota(name).builds if name else None
        if most is not None:
            found["namespace", name] = most
    return found


def turn_on(
    facts: Facts, lent: Resource, queue: str, *, now: datetime, without: Collection[int] = ()
) -> Turn:
    """Whose turn it is in a queue whose machines are lent, of those whose namespace has room."""
    waiting = facts.jobs.waiting_in(queue, now=now, without=without)
    shares = Counter(map(thing_of, facts.jobs.running()))
    quotas = quotas_of(facts, map(thing_of, waiting))
    able = [job for job in waiting if not is_full(thing_of(job), shares, quotas)]
    return turn(facts, lent, able, now=now)


def _look(
    facts: Facts, queues: Sequence[str], slots: int, now: datetime, without: Collection[int]
) -> tuple[Choice, list[Job]]:
    """Which job goes next, and which have to be admitted before they may."""
    lent = facts.resources.of_queues(queues)
    free = [queue for queue in queues if queue not in lent]
    waiting = facts.jobs.oldest_waiting(free, now=now, without=without)
    turns = [
        turn_on(facts, resource, queue, now=now, without=without)
        for queue, resource in lent.items()
    ]
    waiting += [each.next for each in turns if each.next]
    choice = choose(
        waiting,
        facts.jobs.running(),
        queues=queues,
        slots=slots,
        quotas=quotas_of(facts, map(thing_of, waiting)),
        last_starts=facts.jobs.last_starts(map(thing_of, waiting)),
        now=now,
    )
    return choice, [job for each in turns for job in each.strays]


def _claim(facts: Facts, job: Job, worker: str, store: Store) -> JobClaim | None:
    admission, now = using.held(facts, job.id), store.now()
    claim = facts.jobs.claim(job.id, worker, at=now)
    if claim:
        if admission:
            silence = WorkerSettings.read(store.settings.environ).silence
            using.begin(facts, admission, worker, at=now, silence=silence)
        note_status(facts, claim.job, JobStatus.RUNNING, store)
    return claim


def _is_refused(facts: Facts, job: Job, worker: str, store: Store) -> bool:
    """Have a job fail that was admitted, and would be no more."""
    admission, now = using.held(facts, job.id), store.now()
    if admission is None:
        return False
    try:
        applying.check_still(facts, job.id, at=now)
    except Refused as error:
        _fail(facts, job, worker, error, store)
        using.end(facts, admission, JobStatus.CANCELLED, at=now)
        return True
    return False


def _ask(facts: Facts, job: Job, worker: str, store: Store) -> None:
    """Have a job admitted that waited before its queue was lent, or whose admission was lost."""
    before = facts.admissions.of_job(job.id)
    try:
        if before and before.state is not AdmissionState.LOST:
            raise using.AdmissionOver(before)
        actor = Actor(name=job.actor)
        applying.apply_again(facts, job.id, actor=actor, at=store.now())
    except Refused as error:
        _fail(facts, job, worker, error, store)


def _fail(facts: Facts, job: Job, worker: str, error: CondariumError, store: Store) -> None:
    """Have a job fail that waits."""
    now = store.now()
    claim = facts.jobs.claim(job.id, worker, at=now)
    failed = JobStatus.FAILED
    if claim and facts.jobs.end(claim, failed, at=now, phases={}, error=said(error)):
        note_status(facts, job.id, failed, store, error.message)
