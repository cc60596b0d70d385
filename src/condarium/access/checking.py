"""Whether an actor may run an operation with these arguments: asked before every operation.

What an operation is about is said by its arguments: an environment's namespace, a channel. An
operation declared with `Where.INSIDE` asks by itself, for each thing that it comes upon.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from condarium.errors import CondariumError, NoSuchNamespace, NotPermitted
from condarium.model.access.decisions import PLATFORM, Resource
from condarium.model.access.permissions import CONCERNS, READING, Permission, ResourceKind
from condarium.model.actor import Actor
from condarium.model.audit import Outcome
from condarium.model.names import EnvironmentName
from condarium.model.view import ChannelName, View
from condarium.operation import Operation, Where
from condarium.storage.channels import NoSuchChannel
from condarium.storage.store import Store


def require(store: Store, actor: Actor, operation: Operation, arguments: Mapping[str, Any]) -> None:
    """Raise NotPermitted where the actor may not run the operation with these arguments."""
    match operation.where:
        case Where.INSIDE:
            return
        case Where.ANYWHERE:
            actor.require(operation.permission)
    resources = list(resources_of(store, arguments))
    for resource in resources:
        actor.require(_needed(operation, resource), resource)
    if not resources and operation.where is Where.NAMED:
        actor.require(operation.permission, PLATFORM)


def resources_of(store: Store, arguments: Mapping[str, Any]) -> Iterator[Resource]:
    """The namespaces and channels that arguments name."""
    for argument in arguments.values():
        for value in argument if isinstance(argument, tuple) else (argument,):
            match value:
                case EnvironmentName(namespace=namespace):
                    yield Resource(kind=ResourceKind.NAMESPACE, name=namespace)
                case ChannelName() | View():
                    yield channel_resource(store, value)


def channel_resource(store: Store, channel: ChannelName | View) -> Resource:
    """A channel as a thing to ask about; one that is not there is not public."""
    name = channel.channel if isinstance(channel, View) else channel
    try:
        with store.database.read() as facts:
            public = facts.channels.get(name).public
    except NoSuchChannel:
        public = False
    return Resource(kind=ResourceKind.CHANNEL, name=name.name, public=public)


def refused(
    store: Store, actor: Actor, operation: Operation, error: NotPermitted
) -> CondariumError:
    """Note a refusal, and give what the actor is told: who may not know of a thing is told none."""
    resource = error.resource if isinstance(error.resource, Resource) else None
    with store.database.note() as facts:
        facts.audit.add(
            at=store.now(),
            actor=actor,
            action=operation.name,
            target=str(resource or PLATFORM),
            detail={"reasons": "; ".join(error.reasons)},
            outcome=Outcome.REFUSED,
        )
    if error.visible or resource is None:
        return NotPermitted(actor.name, operation.name, error.reasons, resource)
    if resource.kind is ResourceKind.CHANNEL:
        return NoSuchChannel(ChannelName(resource.name))
    return NoSuchNamespace(resource.name)


def _needed(operation: Operation, resource: Resource) -> Permission:
    """What the operation needs of a thing: to read it, where it is for things of another kind."""
    if operation.permission in CONCERNS[resource.kind]:
        return operation.permission
    return READING[resource.kind]
