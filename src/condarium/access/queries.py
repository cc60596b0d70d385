"""The operations that tell who there is and who may do what."""

from collections.abc import Mapping
from typing import Annotated

from condarium.access.account_operations import GroupName, ServiceName, UserName
from condarium.access.operations import NamespaceName, OnNamespace
from condarium.model.access.accounts import Account, Bound, Group, Token
from condarium.model.access.report import (
    AccountDetail,
    Explanation,
    GroupDetail,
    Namespace,
    NamespaceDetail,
    WhoAmI,
)
from condarium.model.actor import Actor, Permission
from condarium.model.governance.resources import ResourceName
from condarium.model.paging import Page
from condarium.model.view import ChannelName
from condarium.operation import Argument, Cursor, Operation, PageSize, Where, operation
from condarium.storage.store import Store


@operation("user list", permission=Permission.ACCESS_READ)
def user_list(store: Store, *, limit: PageSize = None, cursor: Cursor = None) -> Page[Account]:
    """List users by name."""
    from condarium.access import listing
    from condarium.model.access.principals import PrincipalKind

    return listing.accounts(store, PrincipalKind.USER, limit=limit, cursor=cursor)


@operation("user show", permission=Permission.SIGNED_IN, where=Where.INSIDE)
def user_show(store: Store, name: UserName, *, actor: Actor) -> AccountDetail:
    """Show a user's groups and roles: one's own, or anybody's to those who may see all."""
    from condarium.access import accounts
    from condarium.model.access.principals import PrincipalKind

    return accounts.show(store, PrincipalKind.USER, name, actor=actor)


@operation("service-account list", permission=Permission.ACCESS_READ)
def service_list(store: Store, *, limit: PageSize = None, cursor: Cursor = None) -> Page[Account]:
    """List service accounts by name."""
    from condarium.access import listing
    from condarium.model.access.principals import PrincipalKind

    return listing.accounts(store, PrincipalKind.SERVICE, limit=limit, cursor=cursor)


@operation("service-account show", permission=Permission.SIGNED_IN, where=Where.INSIDE)
def service_show(store: Store, name: ServiceName, *, actor: Actor) -> AccountDetail:
    """Show a service account's groups and roles."""
    from condarium.access import accounts
    from condarium.model.access.principals import PrincipalKind

    return accounts.show(store, PrincipalKind.SERVICE, name, actor=actor)


@operation("group list", permission=Permission.ACCESS_READ)
def group_list(store: Store, *, limit: PageSize = None, cursor: Cursor = None) -> Page[Group]:
    """List groups by name, with how many members they have."""
    from condarium.access import listing

    return listing.groups(store, limit=limit, cursor=cursor)


@operation("group show", permission=Permission.ACCESS_READ)
def group_show(store: Store, name: GroupName) -> GroupDetail:
    """Show who is in a group, who put them there, and what it is bound to."""
    from condarium.access import groups

    return groups.show(store, name)


@operation("namespace list", permission=Permission.ENVIRONMENT_READ, where=Where.INSIDE)
def namespace_list(
    store: Store, *, limit: PageSize = None, cursor: Cursor = None, actor: Actor
) -> Page[Namespace]:
    """List namespaces by name: those in which one may see environments."""
    from condarium.access import namespaces

    return namespaces.list_(store, limit=limit, cursor=cursor, actor=actor)


@operation("namespace show", permission=Permission.ENVIRONMENT_READ, where=Where.INSIDE)
def namespace_show(store: Store, name: NamespaceName, *, actor: Actor) -> NamespaceDetail:
    """Show what a namespace has of what it may have."""
    from condarium.access import namespaces

    return namespaces.show(store, name, actor=actor)


@operation("access list", permission=Permission.ACCESS_READ, where=Where.INSIDE)
def access_list(
    store: Store,
    *,
    subject: Annotated[
        str | None, Argument("only those of this user, or of group:NAME", metavar="SUBJECT")
    ] = None,
    namespace: OnNamespace = None,
    channel: Annotated[ChannelName | None, Argument("on this channel", metavar="CH")] = None,
    resource: Annotated[ResourceName | None, Argument("on this resource", metavar="R")] = None,
    platform: Annotated[bool, Argument("on everything")] = False,
    limit: PageSize = None,
    cursor: Cursor = None,
    actor: Actor,
) -> Page[Bound]:
    """List who has which role on what.

    Auditors see all, whoever manages a namespace or a channel those on it, everybody their own.
    """
    from condarium.access import binding

    return binding.list_(
        store,
        subject=subject,
        thing=binding.thing_of(namespace, channel, resource, platform),
        limit=limit,
        cursor=cursor,
        actor=actor,
    )


@operation("access explain", permission=Permission.SIGNED_IN, where=Where.INSIDE)
def access_explain(
    store: Store,
    user: Annotated[str, Argument("a user, a service account, or `anybody`", metavar="USER")],
    operation_: Annotated[str, Argument("an operation, such as 'env build'", metavar="OPERATION")],
    thing: Annotated[
        str | None,
        Argument(
            "what it is done to: a name, or namespace:, channel:, resource:NAME, platform",
            positional=True,
            metavar="THING",
        ),
    ] = None,
    *,
    operations: Mapping[str, Operation],
    actor: Actor,
) -> Explanation:
    """Say whether somebody may run an operation, and why, as the operation itself decides.

    About oneself to everybody; about others to auditors and administrators. Whether a job would be
    admitted to what is lent, grants say and not roles: `condarium access check`.
    """
    from condarium.access import explaining

    return explaining.explain(store, user, operation_, thing, operations=operations, actor=actor)


@operation("token list", permission=Permission.SIGNED_IN, where=Where.INSIDE)
def token_list(
    store: Store,
    *,
    for_: Annotated[
        str | None, Argument("whose; by default one's own", metavar="PRINCIPAL")
    ] = None,
    all_: Annotated[
        bool, Argument("also those that have expired or were revoked; without --for, everybody's")
    ] = False,
    limit: PageSize = None,
    cursor: Cursor = None,
    actor: Actor,
) -> Page[Token]:
    """List tokens: what they reach, when they were last used, and when they end."""
    from condarium.access import minting

    return minting.list_(store, holder=for_, every=all_, limit=limit, cursor=cursor, actor=actor)


@operation("whoami", permission=Permission.SIGNED_IN, where=Where.INSIDE)
def whoami(store: Store, *, actor: Actor) -> WhoAmI:
    """Say as whom one is signed in, in which groups and with which roles."""
    from condarium.access import accounts

    return accounts.whoami(store, actor=actor)
