"""The operations that change who there is: users, service accounts and groups.

Work is imported where an operation runs, so that help is shown without a database.
"""

from typing import Annotated

from condarium.model.access.report import (
    AccountChanged,
    Gone,
    GroupDetail,
)
from condarium.model.actor import Actor, Permission
from condarium.model.document import Document
from condarium.operation import Argument, Where, operation
from condarium.storage.store import Store

UserName = Annotated[str, Argument("the user", metavar="USER")]
ServiceName = Annotated[str, Argument("the service account", metavar="NAME")]
GroupName = Annotated[str, Argument("the group", metavar="GROUP")]
DisplayName = Annotated[str, Argument("a name to show, in any script", metavar="TEXT")]
_MANAGE = Permission.ACCESS_MANAGE


@operation("user create", permission=_MANAGE, changes=True, makes_store=True)
def user_create(
    store: Store,
    name: Annotated[str, Argument("a name for the user", metavar="USER")],
    *,
    display_name: DisplayName = "",
    password_file: Annotated[
        Document | None,
        Argument(
            "a file with the password in its first line; else it is asked for, and whoever has "
            "none signs in elsewhere",
            metavar="FILE",
            asked="Password (none, if empty)",
        ),
    ] = None,
    actor: Actor,
) -> AccountChanged:
    """Make a user, who may do nothing until a role is bound.

    A password has 12 characters or more. Raises BadName, WeakPassword and NameTaken.
    """
    from condarium.access import accounts, passwords
    from condarium.model.access.principals import PrincipalKind

    password = passwords.password_in(password_file) if password_file else None
    return accounts.create(
        store,
        PrincipalKind.USER,
        name,
        display_name=display_name,
        password=password,
        actor=actor,
    )


@operation("user rename", permission=_MANAGE, changes=True)
def user_rename(
    store: Store,
    name: UserName,
    new_name: Annotated[str, Argument("the new name", metavar="NEW")],
    *,
    actor: Actor,
) -> AccountChanged:
    """Give a user another name; roles, tokens and history stay theirs."""
    from condarium.access import accounts

    return accounts.rename(store, name, new_name, actor=actor)


@operation("user set-password", permission=Permission.SIGNED_IN, changes=True, where=Where.INSIDE)
def user_set_password(
    store: Store,
    name: Annotated[
        str | None, Argument("the user; by default yourself", positional=True, metavar="USER")
    ] = None,
    *,
    old_password_file: Annotated[
        Document | None,
        Argument(
            "a file with your password of now, if you have one; else it is asked for",
            metavar="FILE",
            asked="Old password (empty where there is none, or for somebody else)",
        ),
    ] = None,
    password_file: Annotated[
        Document,
        Argument(
            "a file with the password in its first line; else it is asked for",
            positional=False,
            metavar="FILE",
            asked="New password",
        ),
    ],
    revoke_tokens: Annotated[bool, Argument("also revoke all tokens of the account")] = False,
    actor: Actor,
) -> AccountChanged:
    """Give yourself a new password; administrators give one to anybody.

    Whoever is signed in with the old one has to sign in again; tokens stay unless they are revoked.
    """
    from condarium.access import accounts, passwords

    return accounts.set_password(
        store,
        name or accounts.own_name(actor),
        passwords.password_in(password_file),
        old=passwords.password_in(old_password_file) if old_password_file else None,
        revoke_tokens=revoke_tokens,
        actor=actor,
    )


@operation("user disable", permission=_MANAGE, changes=True)
def user_disable(store: Store, name: UserName, *, actor: Actor) -> AccountChanged:
    """Have a user be able to do nothing: tokens and sessions stop at once.

    Raises LastAdministrator.
    """
    from condarium.access import accounts
    from condarium.model.access.principals import PrincipalKind

    return accounts.set_disabled(store, PrincipalKind.USER, name, True, actor=actor)


@operation("user enable", permission=_MANAGE, changes=True)
def user_enable(store: Store, name: UserName, *, actor: Actor) -> AccountChanged:
    """Let a user who was disabled do again what their roles permit."""
    from condarium.access import accounts
    from condarium.model.access.principals import PrincipalKind

    return accounts.set_disabled(store, PrincipalKind.USER, name, False, actor=actor)


@operation("service-account create", permission=_MANAGE, changes=True, makes_store=True)
def service_create(
    store: Store,
    name: Annotated[str, Argument("a name for the service account", metavar="NAME")],
    *,
    display_name: DisplayName = "",
    actor: Actor,
) -> AccountChanged:
    """Make an account for a program: it has tokens and no password."""
    from condarium.access import accounts
    from condarium.model.access.principals import PrincipalKind

    return accounts.create(
        store, PrincipalKind.SERVICE, name, display_name=display_name, actor=actor
    )


@operation("service-account disable", permission=_MANAGE, changes=True)
def service_disable(store: Store, name: ServiceName, *, actor: Actor) -> AccountChanged:
    """Have a service account be able to do nothing: its tokens stop at once."""
    from condarium.access import accounts
    from condarium.model.access.principals import PrincipalKind

    return accounts.set_disabled(store, PrincipalKind.SERVICE, name, True, actor=actor)


@operation("service-account enable", permission=_MANAGE, changes=True)
def service_enable(store: Store, name: ServiceName, *, actor: Actor) -> AccountChanged:
    """Let a service account that was disabled do again what its roles permit."""
    from condarium.access import accounts
    from condarium.model.access.principals import PrincipalKind

    return accounts.set_disabled(store, PrincipalKind.SERVICE, name, False, actor=actor)


@operation("group create", permission=_MANAGE, changes=True, makes_store=True)
def group_create(
    store: Store,
    name: Annotated[str, Argument("a name for the group", metavar="GROUP")],
    *,
    actor: Actor,
) -> GroupDetail:
    """Make a group; a provider's claims put into it whoever they name so."""
    from condarium.access import groups

    return groups.create(store, name, actor=actor)


@operation("group add-member", permission=_MANAGE, changes=True)
def group_add_member(
    store: Store,
    name: GroupName,
    member: Annotated[str, Argument("a user or a service account", metavar="MEMBER")],
    *,
    actor: Actor,
) -> GroupDetail:
    """Put somebody into a group."""
    from condarium.access import groups

    return groups.add_member(store, name, member, actor=actor)


@operation("group remove-member", permission=_MANAGE, changes=True)
def group_remove_member(
    store: Store,
    name: GroupName,
    member: Annotated[str, Argument("a user or a service account", metavar="MEMBER")],
    *,
    actor: Actor,
) -> GroupDetail:
    """Take somebody out of a group; what it may do, they may no longer do at once."""
    from condarium.access import groups

    return groups.remove_member(store, name, member, actor=actor)


@operation("group remove", permission=_MANAGE, changes=True)
def group_remove(store: Store, name: GroupName, *, actor: Actor) -> Gone:
    """Remove a group, and the roles that are bound to it."""
    from condarium.access import groups

    return groups.remove(store, name, actor=actor)
