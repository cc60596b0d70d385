"""Asking for a job: once its row is committed, it will be carried out."""

from collections.abc import Callable, Mapping
from typing import Any

from condarium.access import checking
from condarium.access.refusals import note_refusal
from condarium.errors import CondariumError, NotPermitted
from condarium.jobs.asking import bell
from condarium.jobs.asking.arguments import check_keeps, check_keeps_no_secret, pack
from condarium.jobs.asking.room import check_room
from condarium.jobs.lending.applying import NotAdmitted, apply, limits_on, note_refused
from condarium.model.access.decisions import PLATFORM, Thing
from condarium.model.access.permissions import Permission, ThingKind
from condarium.model.access.principals import PrincipalKind
from condarium.model.actor import Actor
from condarium.model.document import Document
from condarium.model.jobs import ANYWHERE, EventKind, Job, JobEvent, JobStatus, Order, Placing
from condarium.model.names import EnvironmentName
from condarium.model.view import ChannelName, View
from condarium.operation import Operation, Where
from condarium.settings.worker import JobSettings
from condarium.storage.facts import Facts
from condarium.storage.store import Store


def submit(
    store: Store,
    actor: Actor,
    operation: Operation,
    arguments: Mapping[str, Any],
    *,
    placing: Placing = ANYWHERE,
    also: Callable[[Facts, int], None] | None = None,
) -> Job:
    """Have an operation carried out by a worker, as this actor.

    `arguments` are as the operation takes them. To go before others is for those who maintain the
    store. Where the queue's machines are lent, the job is admitted, or refused. `also` is done in
    the unit of work that appends the job, with the job's number. Raises NotAJob, TooManyJobs,
    NoProject, NotAdmitted, and what refuses the actor.
    """
    check_keeps(operation)
    require(store, actor, operation, arguments)
    if operation.check:
        operation.check(arguments)
    if placing.priority > 0:
        actor.require(Permission.STORE_MAINTAIN, PLATFORM)
    check_keeps_no_secret(arguments)
    settings = JobSettings.read(store.settings.environ)
    kind, resource, target = subject(arguments)
    check_room(store, actor, arguments, kind, resource)
    with store.database.read() as facts:
        lent = facts.resources.of_queues([placing.queue]).get(placing.queue)
    with store.shared():
        packed, documents = pack(arguments, store.blobs)
        order = Order(
            operation=operation.name,
            arguments=packed,
            documents=documents,
            target=target,
            kind=kind,
            resource=resource,
            queue=placing.queue,
            priority=placing.priority,
            actor=actor.name,
            principal=actor.who.id,
            token=actor.token,
            address=actor.address,
            most_attempts=settings.most_attempts,
            limits=limits_on(lent, settings.limits, placing.time),
        )
        try:
            job = _append(store, actor, order, placing.chain, also)
        except NotAdmitted as error:
            thing = Thing(kind=ThingKind.RESOURCE, name=error.resource)
            note_refusal(store, actor, "job submit", thing, error.reasons)
            note_refused(store, error)
            raise
    bell.ring()
    return job


def _append(
    store: Store,
    actor: Actor,
    order: Order,
    chain: int,
    also: Callable[[Facts, int], None] | None,
) -> Job:
    """Append a job, admitted where its queue's machines are lent, in one unit of work."""
    said = {"operation": order.operation, "target": order.target}
    with store.database.change(actor, "job submit", "jobs", said) as facts:
        job = add(facts, order, store)
        said["job"] = str(job.id)
        admitted = apply(facts, job.id, order, actor=actor, at=store.now(), chain=chain)
        if admitted:
            said["admission"] = str(admitted.id)
        if also:
            also(facts, job.id)
    return job


def add(facts: Facts, order: Order, store: Store) -> Job:
    """Append a job, and that it waits, in a unit of work."""
    number = facts.jobs.add(order, at=store.now())
    note_status(facts, number, JobStatus.QUEUED, store)
    return facts.jobs.get(number)


def note_status(facts: Facts, job: int, status: JobStatus, store: Store, why: str = "") -> None:
    """Append to a job's events that it has this status now, and why."""
    at = store.now()
    changed = JobEvent(number=0, at=at, kind=EventKind.STATUS, text=str(status))
    said = [JobEvent(number=0, at=at, kind=EventKind.SAY, text=why)] if why else []
    facts.job_events.add(job, [changed, *said])


def subject(arguments: Mapping[str, Any]) -> tuple[str | None, str | None, str]:
    """What arguments are about: `namespace` or `channel`, its name, and how to call the target."""
    values = [
        value
        for argument in arguments.values()
        for value in (argument if isinstance(argument, tuple) else (argument,))
    ]
    for value in values:
        match value:
            case EnvironmentName(namespace=namespace):
                return "namespace", namespace, str(value)
            case ChannelName():
                return "channel", value.name, value.name
            case View():
                return "channel", value.channel.name, str(value)
    for value in values:
        if isinstance(value, Document) and (name := _named_in(value)):
            return "namespace", name.namespace, str(name)
    return None, None, ""


def _named_in(document: Document) -> EnvironmentName | None:
    """The environment that an environment.yml names; None where it names none, or is wrong."""
    from condarium.model.specfile import decode, read_spec

    try:
        text = decode(document.content, document.name)
        name = read_spec(text, check_matchspec=lambda _: None).spec.name
        return EnvironmentName.parse(name) if name else None
    except CondariumError:
        return None


def require(store: Store, actor: Actor, operation: Operation, arguments: Mapping[str, Any]) -> None:
    """Refuse at once what would be refused later; the worker asks again when it begins."""
    if actor.principal is None:
        return
    try:
        checking.require(store, actor, operation, arguments)
        if operation.where is Where.INSIDE and actor.who.kind is not PrincipalKind.STORE_OWNER:
            _require_inside(store, actor, operation, arguments)
    except NotPermitted as error:
        raise checking.refused(store, actor, operation, error) from None


def _require_inside(
    store: Store, actor: Actor, operation: Operation, arguments: Mapping[str, Any]
) -> None:
    """Of an operation that asks by itself: what it names, or else anything at all."""
    actor.require(operation.permission)
    for thing in checking.things_of(store, arguments):
        actor.require(operation.permission, thing)
    kind, name, _ = subject(arguments)
    if kind and name:  # which a document may say, too
        actor.require(operation.permission, Thing(kind=ThingKind(kind), name=name))
