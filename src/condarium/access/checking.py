"""Whether an actor may run an operation with these arguments: asked before every operation.

What an operation is about is said by its arguments: an environment's namespace, a channel. An
operation declared with `Where.INSIDE` asks by itself, for each thing that it comes upon.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from condarium.access.refusals import note_refusal
from condarium.errors import CondariumError, NoSuchNamespace, NotPermitted
from condarium.model.access.decisions import PLATFORM, Thing
from condarium.model.access.permissions import CONCERNS, READING, Permission, ThingKind
from condarium.model.actor import Actor
from condarium.model.governance.resources import ResourceName
from condarium.model.names import EnvironmentName
from condarium.model.view import ChannelName, View
from condarium.operation import Operation, Where
from condarium.storage.governance.resources import NoSuchResource
from condarium.storage.hosting.channels import NoSuchChannel
from condarium.storage.store import Store


def require(store: Store, actor: Actor, operation: Operation, arguments: Mapping[str, Any]) -> None:
    """Raise NotPermitted where the actor may not run the operation with these arguments.

    What may take long is for those who can be asked about it: strangers start none.
    """
    match operation.where:
        case Where.INSIDE:
            return
        case Where.ANYWHERE:
            actor.require(operation.permission)
    named = list(_named(store, arguments))
    for thing, *parts in named:
        needed = _needed(operation, thing)
        reads = needed is Permission.CHANNEL_READ
        actor.require_each(needed, [thing, *parts] if reads else [thing])
    if not named and operation.where is Where.NAMED:
        actor.require(operation.permission, PLATFORM)
    if operation.job:
        actor.require(Permission.SIGNED_IN)


def require_before(
    store: Store, actor: Actor, operation: Operation, arguments: Mapping[str, Any]
) -> None:
    """Raise NotPermitted where it is plain from some of the arguments, before the others come."""
    if operation.where is Where.INSIDE:
        if operation.job:
            actor.require(operation.permission)
        return
    named = any(_things(arguments))
    if named or operation.where is Where.ANYWHERE or not _may_name(operation):
        require(store, actor, operation, arguments)


def things_of(store: Store, arguments: Mapping[str, Any]) -> Iterator[Thing]:
    """The namespaces, channels and resources that arguments name."""
    return (thing for thing, *_ in _named(store, arguments))


def refused(
    store: Store, actor: Actor, operation: Operation, error: NotPermitted
) -> CondariumError:
    """Note a refusal, and give what the actor is told: who may not know of a thing is told none."""
    thing = error.thing if isinstance(error.thing, Thing) else None
    note_refusal(store, actor, operation.name, thing or PLATFORM, error.reasons)
    if error.visible or thing is None:
        return NotPermitted(actor.name, operation.name, error.reasons, thing)
    if thing.kind is ThingKind.CHANNEL:
        return NoSuchChannel(ChannelName(thing.name))
    if thing.kind is ThingKind.RESOURCE:
        return NoSuchResource(thing.name)
    return NoSuchNamespace(thing.name)


def _named(store: Store, arguments: Mapping[str, Any]) -> Iterator[list[Thing]]:
    """What arguments name: each thing, with what it is made of."""
    for value in _things(arguments):
        match value:
            case EnvironmentName(namespace=namespace):
                yield [Thing(kind=ThingKind.NAMESPACE, name=namespace)]
            case ChannelName():
                yield _channel(store, value)
            case View(channel=channel):
                yield _channel(store, channel)
            case ResourceName():
                yield [_resource(store, value)]


def _things(
    arguments: Mapping[str, Any],
) -> Iterator[EnvironmentName | ChannelName | View | ResourceName]:
    for argument in arguments.values():
        for value in argument if isinstance(argument, tuple) else (argument,):
            if isinstance(value, _NAMING):
                yield value


def _may_name(operation: Operation) -> bool:
    return any(parameter.type in _NAMING for parameter in operation.parameters)


def _channel(store: Store, name: ChannelName) -> list[Thing]:
    with store.database.read() as facts:
        return facts.channels.things(name)


def _resource(store: Store, name: ResourceName) -> Thing:
    with store.database.read() as facts:
        return facts.resources.thing(name.name)


def _needed(operation: Operation, thing: Thing) -> Permission:
    """What the operation needs of a thing: to read it, where it is for things of another kind."""
    if operation.permission in CONCERNS[thing.kind]:
        return operation.permission
    return READING[thing.kind]


_NAMING = (EnvironmentName, ChannelName, View, ResourceName)
"""The types of arguments that name a thing."""
