"""Groups, and who is in them."""

from condarium.access.administrators import keeping_one
from condarium.access.covering import require_covering_all
from condarium.model.access.names import check_account_name
from condarium.model.access.principals import SubjectKind
from condarium.model.access.report import Gone, GroupDetail
from condarium.model.actor import Actor
from condarium.storage.store import Store


def create(store: Store, name: str, *, actor: Actor) -> GroupDetail:
    """Make a group without members. Raises BadName, NameTaken."""
    check_account_name(name)
    with store.database.change(actor, "group create", name) as facts:
        facts.memberships.add_group(name, at=store.now(), by=actor.name)
    return show(store, name)


def show(store: Store, name: str) -> GroupDetail:
    """Raises NoSuchGroup."""
    with store.database.read() as facts:
        group = facts.memberships.group(name)
        return GroupDetail(
            group=group,
            members=tuple(facts.memberships.of_group(group.id)),
            bindings=tuple(facts.bindings.all(subject=(SubjectKind.GROUP, group.id))),
        )


def add_member(store: Store, name: str, member: str, *, actor: Actor) -> GroupDetail:
    """Give somebody all that the group may do. Raises NotPermitted, NoSuchGroup, NoSuchPrincipal.

    Whoever does that holds it all themselves.
    """
    with store.database.change(actor, "group add-member", name, {"member": member}) as facts:
        group, account = facts.memberships.group(name), facts.principals.get(member)
        given = facts.bindings.all(subject=(SubjectKind.GROUP, group.id))
        require_covering_all(actor, "group add-member", given)
        facts.memberships.join(group.id, account.id)
    return show(store, name)


def remove_member(store: Store, name: str, member: str, *, actor: Actor) -> GroupDetail:
    """Raises NoSuchGroup, NoSuchPrincipal, LastAdministrator."""
    with store.database.change(actor, "group remove-member", name, {"member": member}) as facts:
        group, account = facts.memberships.group(name), facts.principals.get(member)
        with keeping_one(facts):
            facts.memberships.leave(group.id, account.id)
    return show(store, name)


def remove(store: Store, name: str, *, actor: Actor) -> Gone:
    """Remove a group, and what it is bound to. Raises NoSuchGroup, LastAdministrator."""
    with store.database.change(actor, "group remove", name) as facts:
        group = facts.memberships.group(name)
        with keeping_one(facts):
            facts.memberships.remove_group(group.id)
    return Gone(kind="group", name=group.name)
