"""Which jobs somebody may see, and change: their own, and those on what they may read or work on.

To others a job is not there. A token that is narrowed sees no more of its account's own jobs than
it is for, and changes only those that it could ask for.
"""

from condarium.model.access.decisions import PLATFORM, Thing
from condarium.model.access.permissions import READING, Permission, ThingKind
from condarium.model.access.principals import PrincipalKind
from condarium.model.actor import Actor
from condarium.model.jobs import Job, JobFilter
from condarium.storage.store import Store
from condarium.storage.work.jobs import NoSuchJob

_BATCH = 200

_SEEING = {
    ThingKind.NAMESPACE: Permission.ENVIRONMENT_READ,
    ThingKind.CHANNEL: Permission.CHANNEL_PUBLISH,
    ThingKind.PLATFORM: Permission.STORE_INSPECT,
}
_CHANGING = {
    ThingKind.NAMESPACE: Permission.ENVIRONMENT_BUILD,
    ThingKind.CHANNEL: Permission.CHANNEL_MANAGE,
    ThingKind.PLATFORM: Permission.STORE_MAINTAIN,
}


def seen(store: Store, number: int, actor: Actor) -> Job:
    """A job that somebody may see. Raises NoSuchJob."""
    with store.database.read() as facts:
        job = facts.jobs.get(number)
    if not may_see(actor, job):
        raise NoSuchJob(number)
    return job


def changeable(store: Store, number: int, actor: Actor) -> Job:
    """A job that somebody may cancel, retry and remove. Raises NoSuchJob and NotPermitted."""
    job = seen(store, number, actor)
    if not (_is_own(actor, job) and _token_is_for(actor, _permission(job))):
        resource = _resource(job)
        actor.require(_CHANGING[resource.kind], resource)
    return job


def may_see(actor: Actor, job: Job) -> bool:
    resource = _resource(job)
    reading = {READING[resource.kind]} | _permission(job)
    own = _is_own(actor, job) and _token_is_for(actor, reading)
    return own or actor.may(_SEEING[resource.kind], resource)


def find(store: Store, chosen: JobFilter, actor: Actor, *, limit: int | None) -> list[Job]:
    """The newest jobs that somebody may see, so many of them."""
    found: list[Job] = []
    with store.database.read() as facts:
        while limit is None or len(found) < limit:
            batch = facts.jobs.find(chosen, limit=_BATCH)
            found += [job for job in batch if may_see(actor, job)]
            if len(batch) < _BATCH:
                break
            chosen = JobFilter(**{**vars(chosen), "before": batch[-1].id})
    return found[:limit]


def mine(actor: Actor) -> dict[str, str]:
    """What of a job tells that an actor asked for it."""
    return {"principal": actor.who.id} if actor.who.id else {"actor": actor.name}


def _is_own(actor: Actor, job: Job) -> bool:
    """Whether an actor asked for the job; the token in use has to reach what it is about."""
    if actor.who.kind is PrincipalKind.STORE_OWNER:
        return True
    own = actor.who.id is not None and actor.who.id == job.principal
    resource = _resource(job)
    return own and actor.who.scope.reaches(resource.kind, resource.name)


def _token_is_for(actor: Actor, permissions: set[Permission]) -> bool:
    """Whether the token in use is for one of these; an account by itself is for all."""
    granted = actor.who.scope.permissions
    return granted is None or not granted.isdisjoint(permissions)


def _permission(job: Job) -> set[Permission]:
    """What the job's operation needs."""
    from condarium.app import operations

    operation = operations().get(job.operation)
    return {operation.permission} if operation else set()


def _resource(job: Job) -> Thing:
    if job.kind is None or job.resource is None:
        return PLATFORM
    return Thing(kind=ThingKind(job.kind), name=job.resource)
