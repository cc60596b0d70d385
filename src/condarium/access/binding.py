"""Roles bound to principals and groups, on a namespace, a channel or the platform."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from condarium.access.accounts import reached
from condarium.access.administrators import keeping_one
from condarium.access.covering import require_covering
from condarium.errors import BadArguments
from condarium.model.access.accounts import Bound
from condarium.model.access.decisions import PLATFORM, Thing
from condarium.model.access.permissions import ROLES, Role, ThingKind
from condarium.model.access.principals import Binding, SubjectKind
from condarium.model.access.report import BindingChanged
from condarium.model.actor import Actor, Permission
from condarium.model.governance.resources import ResourceName
from condarium.model.paging import Page, decode_cursor, page_of, read_limit
from condarium.model.view import ChannelName
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

GROUP = "group:"
"""What stands before a group's name where a user's could stand as well."""

_ON = "--namespace, --channel, --resource and --platform"

MANAGING = {
    ThingKind.NAMESPACE: Permission.NAMESPACE_MANAGE,
    ThingKind.CHANNEL: Permission.CHANNEL_MANAGE,
    ThingKind.RESOURCE: Permission.RESOURCE_LEND,
    ThingKind.PLATFORM: Permission.ACCESS_MANAGE,
}
"""What one needs on a thing to say who may do what to it."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A binding by names: `subject` is a principal's name, or `group:` and a group's."""

    subject: str
    role: Role
    thing: Thing


def wanted(
    actor: Actor,
    subject: str,
    role: str,
    namespace: str | None,
    channel: ChannelName | None,
    resource: ResourceName | None,
    platform: bool,
) -> Wanted:
    """Read what is to be bound. Raises BadArguments where no one thing is named."""
    thing = thing_of(namespace, channel, resource, platform)
    if thing is None:
        actor.require(Permission.SIGNED_IN, PLATFORM)
        raise BadArguments(
            "expected one of --namespace, --channel, --resource and --platform; found none"
        )
    return Wanted(subject=subject, role=Role(role), thing=thing)


def bind(store: Store, wanted: Wanted, *, actor: Actor) -> BindingChanged:
    """Bind a role. Raises NoSuchPrincipal, NoSuchGroup, NoSuchNamespace, NoSuchChannel.

    Nobody can bind what gives more than they hold themselves: raises NotPermitted.
    """
    _check_fits(wanted)
    _require_all(wanted, "access bind", actor)
    with store.database.change(actor, "access bind", _target(wanted), _said(wanted)) as facts:
        binding = _binding(facts, wanted)
        changed = facts.bindings.add(binding, at=store.now(), by=actor.name)
    return _changed(wanted, bound=True, changed=changed)


def unbind(store: Store, wanted: Wanted, *, actor: Actor) -> BindingChanged:
    """Take a role away, as `bind` gives it. Raises LastAdministrator."""
    _check_fits(wanted)
    _require_all(wanted, "access unbind", actor)
    with (
        store.database.change(actor, "access unbind", _target(wanted), _said(wanted)) as facts,
        keeping_one(facts),
    ):
        changed = facts.bindings.remove(_binding(facts, wanted))
    return _changed(wanted, bound=False, changed=changed)


def list_(
    store: Store,
    *,
    subject: str | None,
    thing: Thing | None,
    limit: int | None,
    cursor: str | None,
    actor: Actor,
) -> Page[Bound]:
    """The bindings of a subject, on a thing, or all.

    Those on a thing are shown to whoever manages it, one's own to oneself, others to auditors.
    """
    if not _is_own(actor, subject) and not actor.may(Permission.ACCESS_READ, PLATFORM):
        thing = thing or PLATFORM
        actor.require(MANAGING[thing.kind], thing)
    (after,) = decode_cursor(cursor, int) if cursor else (0,)
    size = read_limit(limit)
    with store.database.read() as facts:
        found = facts.bindings.all(
            subject=_subject(facts, subject) if subject else None,
            thing=(thing.kind, thing.name) if thing else None,
            after=int(after),
            limit=size + 1 if size else None,
        )
    page = page_of(found, size, [(each.id,) for each in found])
    return replace(page, items=reached(actor, page.items))


def thing_of(
    namespace: str | None,
    channel: ChannelName | None,
    resource: ResourceName | None,
    platform: bool,
) -> Thing | None:
    """The one thing that is named; None where none is. Raises BadArguments where several are."""
    named = [
        *([Thing(kind=ThingKind.NAMESPACE, name=namespace)] if namespace else []),
        *([Thing(kind=ThingKind.CHANNEL, name=channel.name)] if channel else []),
        *([Thing(kind=ThingKind.RESOURCE, name=resource.name)] if resource else []),
        *([PLATFORM] if platform else []),
    ]
    if len(named) > 1:
        raise BadArguments(
            "expected one of --namespace, --channel, --resource and --platform; found several"
        )
    return named[0] if named else None


def _check_fits(wanted: Wanted) -> None:
    roles = ROLES[wanted.thing.kind]
    if wanted.role not in roles:
        raise BadArguments(
            f"the roles on a {wanted.thing.kind} are {', '.join(roles)}; found {wanted.role}",
            hint=f"Roles are bound on one of {_ON}.",
        )


def _require_all(wanted: Wanted, operation: str, actor: Actor) -> None:
    """Raise NotPermitted unless the actor manages the thing, and holds all that the role gives."""
    actor.require(MANAGING[wanted.thing.kind], wanted.thing)
    require_covering(actor, operation, wanted.role, wanted.thing)


def _binding(facts: "Facts", wanted: Wanted) -> Binding:
    kind, subject = _subject(facts, wanted.subject)
    return Binding(
        subject_kind=kind,
        subject=subject,
        role=wanted.role,
        kind=wanted.thing.kind,
        thing=wanted.thing.name,
    )


def _subject(facts: "Facts", subject: str) -> tuple[SubjectKind, str]:
    """The kind and the id of what is named."""
    if subject.startswith(GROUP):
        return SubjectKind.GROUP, facts.memberships.group(subject.removeprefix(GROUP)).id
    return SubjectKind.PRINCIPAL, facts.principals.get(subject).id


def _is_own(actor: Actor, subject: str | None) -> bool:
    if subject is None or not actor.who.is_somebody:
        return False
    return actor.who.id is not None and actor.name.lower() == subject.lower()


def _target(wanted: Wanted) -> str:
    return wanted.thing.name or str(wanted.thing)


def _said(wanted: Wanted) -> dict[str, str]:
    return {"subject": wanted.subject, "role": str(wanted.role)}


def _changed(wanted: Wanted, *, bound: bool, changed: bool) -> BindingChanged:
    return BindingChanged(
        subject=wanted.subject,
        role=str(wanted.role),
        thing=str(wanted.thing),
        bound=bound,
        changed=changed,
    )
