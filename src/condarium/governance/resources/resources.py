"""Resources: what is lent is described, changed and retired, and donors give budgets for it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from condarium.errors import BadArguments
from condarium.governance.resources.rights import require_changing, thing_of
from condarium.model.access.decisions import PLATFORM
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import Actor, Permission
from condarium.model.governance.described import Described, differences
from condarium.model.governance.report import ResourceChanged, ResourceDetail
from condarium.model.governance.resources import Approvals, Resource, ResourceKind, Settings
from condarium.model.paging import Page, decode_cursor, page_of, read_limit
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts


def create(
    store: Store, name: str, kind: ResourceKind, described: Described, *, actor: Actor
) -> ResourceChanged:
    """Make a resource; whoever makes it becomes its lender.

    Raises NotPermitted, ResourceExists, LooksLikeAnother, NoSuchTerms, NoSuchGroup, and what
    `Described.settings` raises.
    """
    actor.require(Permission.RESOURCE_CREATE, PLATFORM)
    settings = described.settings(Settings(kind=kind))
    detail = {"kind": str(kind), **differences(Settings(kind=kind), settings)}
    with store.database.change(actor, "resource create", name, detail) as facts:
        check_named(facts, settings)
        facts.resources.add(name, settings, at=store.now(), by=actor.name)
        facts.bindings.add_creator(actor, ThingKind.RESOURCE, name, at=store.now())
        resource = facts.resources.get(name)
    return ResourceChanged(resource=resource, what="created")


def change(
    store: Store, name: str, described: Described, *, reason: str, actor: Actor
) -> ResourceChanged:
    """Change what is said of a resource; raises as `create` does, and NoSuchResource.

    Some of it is for administrators: see `rights.require_changing`.
    """
    if described == Described():
        raise BadArguments(
            f"nothing was said that {name} should have otherwise",
            hint="`condarium help resource change` lists what can be said.",
        )
    detail = _because(reason)
    with store.database.change(actor, "resource change", name, detail) as facts:
        before = facts.resources.lock(name)
        settings = described.settings(before.settings)
        changed = differences(before.settings, settings)
        if changed:
            check_named(facts, settings)
            require_changing(facts, before, settings, actor)
            facts.resources.change(before, settings, at=store.now())
            detail.update(changed)
        resource = facts.resources.get(name)
        grants = facts.resources.grants_in_force(resource, store.now())
    return ResourceChanged(resource=resource, what="changed", changed=bool(changed), grants=grants)


def retire(
    store: Store, name: str, *, reason: str, undo: bool = False, actor: Actor
) -> ResourceChanged:
    """End the lending of a resource, or with `undo` begin again.

    No job is admitted to one that is retired; grants of it stay facts. Raises NoSuchResource.
    """
    detail = {**_because(reason), **({"undo": "yes"} if undo else {})}
    with store.database.change(actor, "resource retire", name, detail) as facts:
        before = facts.resources.lock(name)
        changed = undo is (before.retired_at is not None)
        if changed:
            facts.resources.retire(before.id, at=None if undo else store.now())
        resource = facts.resources.get(name)
        grants = facts.resources.grants_in_force(resource, store.now())
    what = "lent again" if undo else "retired"
    return ResourceChanged(resource=resource, what=what, changed=changed, grants=grants)


def list_(
    store: Store,
    *,
    provider: str | None,
    retired: bool,
    limit: int | None,
    cursor: str | None,
    actor: Actor,
) -> Page[Resource]:
    """Resources by name: those that are public, and those that the actor has a role on."""
    (after,) = decode_cursor(cursor, str) if cursor else ("",)
    size, now = read_limit(limit), store.now()
    with store.database.read() as facts:
        found = facts.resources.all(
            retired=retired,
            provider=provider,
            readable=actor.names_where(Permission.RESOURCE_READ, ThingKind.RESOURCE),
            after=str(after),
            limit=size + 1 if size else None,
        )
        shown = [as_seen(with_what_is_left(facts, each, now), actor) for each in found]
    return page_of(shown, size, [(each.name,) for each in shown])


def show(store: Store, name: str, *, actor: Actor) -> ResourceDetail:
    """A resource as the actor may see it. Raises NoSuchResource."""
    now = store.now()
    with store.database.read() as facts:
        resource = with_what_is_left(facts, facts.resources.get(name), now)
        return ResourceDetail(
            resource=as_seen(resource, actor),
            grants=facts.resources.grants_in_force(resource, now),
            running=len(facts.admissions.running(name)),
        )


def as_seen(resource: Resource, actor: Actor) -> Resource:
    """The resource without what only its lenders may see, for everybody else."""
    if actor.may(Permission.RESOURCE_LEND, thing_of(resource)):
        return resource
    return replace(resource, settings=replace(resource.settings, private=""))


def with_what_is_left(facts: "Facts", resource: Resource, at: datetime) -> Resource:
    """The resource with what is left of each of its budgets, of those that hold now."""
    if not resource.budgets:
        return resource
    left: Mapping[int, int] = facts.ledger.left(resource, at)
    paid = tuple(replace(each, left=left.get(each.id)) for each in resource.budgets)
    return replace(resource, budgets=paid)


def check_named(facts: "Facts", settings: Settings) -> None:
    """Raise NoSuchTerms or NoSuchGroup where the settings name what is not there."""
    if settings.terms is not None:
        facts.terms.get(settings.terms)
    for group in _groups(settings.rule):
        facts.memberships.group(group)


def _groups(rule: Iterable[Approvals]) -> Iterable[str]:
    return (each.group for each in rule if each.group)


def _because(reason: str) -> dict[str, str]:
    return {"reason": reason} if reason else {}
