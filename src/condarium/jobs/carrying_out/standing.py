"""Whether who asked for a job may still have it carried out: asked as it begins, and all along."""

from collections.abc import Mapping
from typing import Any

from condarium.access import checking
from condarium.access.identities import BadToken, PrincipalDisabled, actor_of_ids
from condarium.errors import CondariumError, NotPermitted
from condarium.jobs.asking.arguments import unpack
from condarium.model.access.decisions import Thing
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import Actor, JobClaim
from condarium.model.jobs import Order
from condarium.operation import Where
from condarium.storage.access.principals import NoSuchPrincipal
from condarium.storage.hosting.channels import NoSuchChannel
from condarium.storage.store import Store


def asker(store: Store, order: Order, claim: JobClaim | None = None) -> Actor:
    """Who asked for a job, with what that may do by now.

    Raises BadToken, PrincipalDisabled and NoSuchPrincipal.
    """
    if order.principal is None:
        return Actor(name=order.actor, token=order.token, address=order.address, job=claim)
    return actor_of_ids(store, order.principal, token=order.token, address=order.address, job=claim)


def refusal(store: Store, order: Order) -> CondariumError | None:
    """Why a job may not go on: its asker, or the token, is no more, or has not the rights."""
    from condarium.app import operations

    operation = operations().get(order.operation)
    if operation is None or order.principal is None:
        return None
    try:
        actor = asker(store, order)
        named = unpack(operation, _without_documents(order.arguments), store.blobs)
        checking.require(store, actor, operation, named)
        if order.kind and operation.where is Where.INSIDE:  # which a document may have said
            thing = Thing(kind=ThingKind(order.kind), name=order.resource or "")
            actor.require(operation.permission, thing)
    except (BadToken, PrincipalDisabled, NoSuchPrincipal, NotPermitted) as error:
        return error
    except NoSuchChannel:  # the job itself may have removed it
        return None
    return None


def _without_documents(packed: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in packed.items() if not _has_document(value)}


def _has_document(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_has_document, value))
    return isinstance(value, Mapping) and "blob" in value
