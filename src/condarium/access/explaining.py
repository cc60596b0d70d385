"""Why somebody may or may not run an operation: the decision itself, and what led to it."""

from collections.abc import Mapping

from condarium.access.accounts import is_own
from condarium.access.identities import principal_of
from condarium.errors import BadArguments
from condarium.model.access.accounts import Bound
from condarium.model.access.decisions import (
    PLATFORM,
    Decision,
    Thing,
    decide,
    permitted_somewhere,
)
from condarium.model.access.permissions import CONCERNS, READING, Permission, ThingKind
from condarium.model.access.principals import ANYBODY, Binding, Principal, Scope
from condarium.model.access.report import Explanation
from condarium.model.actor import Actor
from condarium.model.similar import nearest
from condarium.model.view import View
from condarium.operation import Operation, Where
from condarium.storage.store import Store

_LISTED = Decision(
    allowed=True, reasons=("it shows to everybody what they may read, if anything",), visible=True
)


def explain(
    store: Store,
    user: str,
    operation: str,
    text: str | None,
    *,
    operations: Mapping[str, Operation],
    actor: Actor,
) -> Explanation:
    """Decide as the operation itself would, and tell everything about it.

    Everybody may ask about themselves; about others, those who may see all access.
    """
    if is_own(actor, user):
        actor.require(Permission.SIGNED_IN, PLATFORM)
    else:
        actor.require(Permission.ACCESS_READ, PLATFORM)
    found = _operation(operations, operation)
    things = _things(store, found, text) if text else _without_a_thing(found)
    thing = things[0] if things else None
    needed = _needed(found, thing)
    principal, bindings, bound = _who(store, user)
    decisions = [decide(principal, needed, each, bindings) for each in things]
    refusals = [each for each in decisions if not each.allowed]
    if things:
        decision = (refusals or decisions)[0]
    elif _lists_what_is_public(found):
        decision = _LISTED
    else:
        decision = permitted_somewhere(principal, needed, bindings)
    return Explanation(
        principal=principal.name,
        operation=found.name,
        permission=needed,
        thing=str(thing) if thing else None,
        allowed=decision.allowed,
        reasons=decision.reasons,
        bindings=tuple(each for each in bound if _concerns(each, thing)),
    )


def _operation(operations: Mapping[str, Operation], name: str) -> Operation:
    if name.lower() in ("use", "borrow"):
        raise BadArguments(
            f"{name!r} is no operation: who may use what is lent, grants say and not roles",
            hint="`condarium access check` says whether a job would be admitted, and why.",
        )
    if name not in operations:
        close = nearest(name, list(operations))
        raise BadArguments(
            f"there is no operation {name!r}",
            hint=f"Did you mean {close[0]!r}?" if close else "`condarium --help` shows all.",
        )
    return operations[name]


def _who(store: Store, user: str) -> tuple[Principal, tuple[Binding, ...], tuple[Bound, ...]]:
    """The principal as its unnarrowed token makes it, and its bindings, without and with names."""
    if user == ANYBODY.name:
        return ANYBODY, (), ()
    with store.database.read() as facts:
        account = facts.principals.get(user)
        principal = principal_of(facts, account, scope=Scope())
        if account.disabled_at is not None:
            raise BadArguments(
                f"{account.name} is disabled, and may do nothing",
                hint=f"`condarium {account.kind} enable {account.name}` ends that.",
            )
        return principal, facts.bindings.of(account.id), tuple(facts.bindings.all_of(account.id))


def _things(store: Store, operation: Operation, text: str) -> list[Thing]:
    """Read `namespace:lab`, `channel:main`, `platform`, or a name where its kind is plain.

    What is read of a union is read of its members too.
    """
    kind, colon, name = text.partition(":")
    if text == "platform":
        return [PLATFORM]
    if not colon:
        kind, name = _kind(operation), text
    if kind == ThingKind.NAMESPACE:
        return [Thing(kind=ThingKind.NAMESPACE, name=name.partition("/")[0])]
    if kind == ThingKind.CHANNEL:
        with store.database.read() as facts:
            every = facts.channels.things(View.parse(name).channel)
        return every if _needed(operation, every[0]) is Permission.CHANNEL_READ else every[:1]
    if kind == ThingKind.RESOURCE:
        with store.database.read() as facts:
            return [facts.resources.thing(name)]
    raise BadArguments(
        f"{text!r} names no thing; expected `namespace:NAME`, `channel:NAME`, `resource:NAME` or "
        "`platform`"
    )


def _kind(operation: Operation) -> str:
    kinds = [
        kind
        for kind in (ThingKind.NAMESPACE, ThingKind.CHANNEL, ThingKind.RESOURCE)
        if operation.permission in CONCERNS[kind]
    ]
    return str(kinds[0]) if kinds else ""


def _without_a_thing(operation: Operation) -> list[Thing]:
    """What is asked about where nothing is named; nothing where it is whether it may anywhere."""
    return [] if _kind(operation) or operation.where is Where.ANYWHERE else [PLATFORM]


def _lists_what_is_public(operation: Operation) -> bool:
    return operation.where is Where.INSIDE and operation.permission in (
        Permission.CHANNEL_READ,
        Permission.RESOURCE_READ,
    )


def _needed(operation: Operation, thing: Thing | None) -> Permission:
    if thing is None or operation.permission in CONCERNS[thing.kind]:
        return operation.permission
    return READING[thing.kind]


def _concerns(bound: Bound, thing: Thing | None) -> bool:
    if thing is None or bound.kind is ThingKind.PLATFORM:
        return True
    return (bound.kind, bound.thing) == (thing.kind, thing.name)
