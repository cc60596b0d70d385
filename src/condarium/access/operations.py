"""The operations that change who there is and who may do what.

Work is imported where an operation runs, so that help is shown without a database.
"""

from datetime import timedelta
from typing import Annotated, Literal

from condarium.model.access.accounts import Token
from condarium.model.access.report import (
    AccountChanged,
    AllRevoked,
    BindingChanged,
    Gone,
    GroupDetail,
    KeysRotated,
    NamespaceDetail,
    NewToken,
)
from condarium.model.actor import Actor, Permission
from condarium.model.document import Document
from condarium.model.view import ChannelName
from condarium.operation import Argument, Where, operation
from condarium.storage.store import Store

UserName = Annotated[str, Argument("the user", metavar="USER")]
ServiceName = Annotated[str, Argument("the service account", metavar="NAME")]
GroupName = Annotated[str, Argument("the group", metavar="GROUP")]
NamespaceName = Annotated[str, Argument("the namespace", metavar="NAMESPACE")]
DisplayName = Annotated[str, Argument("a name to show, in any script", metavar="TEXT")]
Subject = Annotated[
    str, Argument("a user, a service account, or group:NAME for a group", metavar="SUBJECT")
]
RoleName = Annotated[
    Literal[
        "viewer",
        "editor",
        "admin",
        "reader",
        "publisher",
        "owner",
        "auditor",
        "administrator",
    ],
    Argument("the role", metavar="ROLE"),
]
OnNamespace = Annotated[
    str | None, Argument("on this namespace: viewer, editor, admin", "-n", metavar="NS")
]
OnChannel = Annotated[
    ChannelName | None, Argument("on this channel: reader, publisher, owner", metavar="CH")
]
OnPlatform = Annotated[bool, Argument("on everything: auditor, administrator")]
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
    name: UserName,
    *,
    password_file: Annotated[
        Document,
        Argument(
            "a file with the password in its first line; else it is asked for",
            positional=False,
            metavar="FILE",
            asked="New password",
        ),
    ],
    actor: Actor,
) -> AccountChanged:
    """Give oneself a new password; administrators give one to anybody.

    Whoever is signed in with the old one has to sign in again; tokens stay as they are.
    """
    from condarium.access import accounts, passwords

    return accounts.set_password(store, name, passwords.password_in(password_file), actor=actor)


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


@operation(
    "namespace create", permission=Permission.NAMESPACE_CREATE, changes=True, makes_store=True
)
def namespace_create(
    store: Store,
    name: Annotated[str, Argument("a name for the namespace", metavar="NAMESPACE")],
    *,
    actor: Actor,
) -> NamespaceDetail:
    """Make a namespace: environments are in one, and roles on it say who may do what to them."""
    from condarium.access import namespaces

    return namespaces.create(store, name, actor=actor)


@operation(
    "namespace remove",
    permission=Permission.NAMESPACE_MANAGE,
    changes=True,
    where=Where.INSIDE,
)
def namespace_remove(store: Store, name: NamespaceName, *, actor: Actor) -> Gone:
    """Remove a namespace that has no environments, and the roles that are bound on it."""
    from condarium.access import namespaces

    return namespaces.remove(store, name, actor=actor)


@operation("namespace set-quota", permission=_MANAGE, changes=True)
def namespace_set_quota(
    store: Store,
    name: NamespaceName,
    *,
    bytes_: Annotated[
        str | None, Argument("bytes of its prefixes, such as 20G, or `none`", metavar="SIZE")
    ] = None,
    environments: Annotated[
        str | None, Argument("how many environments, or `none`", metavar="N")
    ] = None,
    builds: Annotated[
        str | None, Argument("how many builds at a time, or `none`", metavar="N")
    ] = None,
    build_minutes: Annotated[
        str | None, Argument("how many minutes of builds a month, or `none`", metavar="N")
    ] = None,
    actor: Actor,
) -> NamespaceDetail:
    """Say how much a namespace may have; what is not given stays as it is.

    Builds that would exceed it fail with `quota-exceeded`; what is there already stays.
    """
    from condarium.access import namespaces

    return namespaces.set_quota(
        store,
        name,
        bytes=bytes_,
        environments=environments,
        builds=builds,
        build_minutes=build_minutes,
        actor=actor,
    )


@operation("access bind", permission=_MANAGE, changes=True, where=Where.INSIDE)
def access_bind(
    store: Store,
    subject: Subject,
    role: RoleName,
    *,
    namespace: OnNamespace = None,
    channel: OnChannel = None,
    platform: OnPlatform = False,
    actor: Actor,
) -> BindingChanged:
    """Bind a role to somebody, on a namespace, on a channel or on everything.

    Administrators may everywhere, a namespace's admins on it, a channel's owners on it; nobody
    can give more than they hold.
    """
    from condarium.access import binding

    wanted = binding.wanted(actor, subject, role, namespace, channel, platform)
    return binding.bind(store, wanted, actor=actor)


@operation("access unbind", permission=_MANAGE, changes=True, where=Where.INSIDE)
def access_unbind(
    store: Store,
    subject: Subject,
    role: RoleName,
    *,
    namespace: OnNamespace = None,
    channel: OnChannel = None,
    platform: OnPlatform = False,
    actor: Actor,
) -> BindingChanged:
    """Take a role away again, at once.

    Raises LastAdministrator.
    """
    from condarium.access import binding

    wanted = binding.wanted(actor, subject, role, namespace, channel, platform)
    return binding.unbind(store, wanted, actor=actor)


@operation("access rotate-keys", permission=_MANAGE, changes=True)
def access_rotate_keys(
    store: Store,
    *,
    grace: Annotated[
        timedelta, Argument("for how long what older keys signed is believed", metavar="TIME")
    ] = timedelta(days=1),
    actor: Actor,
) -> KeysRotated:
    """Sign sessions and forms with a new key from now on.

    Servers take it up by themselves; `--grace 0s` ends all that older keys signed.
    """
    now = store.now()
    with store.database.change(actor, "access rotate-keys", "platform") as facts:
        facts.signing_keys.drop_expired(at=now)
        key = facts.signing_keys.rotate(at=now, until=now + grace)
    return KeysRotated(key=key.id, verified_until=now + grace)


@operation("access revoke-all", permission=Permission.SIGNED_IN, changes=True, where=Where.INSIDE)
def access_revoke_all(
    store: Store,
    principal: Annotated[str, Argument("a user or a service account", metavar="PRINCIPAL")],
    *,
    actor: Actor,
) -> AllRevoked:
    """Revoke all tokens of somebody and end their sessions, at once."""
    from condarium.access import accounts

    return accounts.revoke_all(store, principal, actor=actor)


@operation("token create", permission=Permission.SIGNED_IN, changes=True, where=Where.INSIDE)
def token_create(
    store: Store,
    *,
    name: Annotated[str, Argument("what it is for", metavar="TEXT")] = "",
    for_: Annotated[
        str | None, Argument("whose it is; by default one's own", metavar="PRINCIPAL")
    ] = None,
    permission: Annotated[
        tuple[str, ...],
        Argument("only this permission, such as channel:publish; may be given again"),
    ] = (),
    namespace: Annotated[
        tuple[str, ...], Argument("only this namespace; may be given again", "-n", metavar="NS")
    ] = (),
    channel: Annotated[
        tuple[ChannelName, ...], Argument("only this channel; may be given again", metavar="CH")
    ] = (),
    expires: Annotated[
        timedelta, Argument("for how long it can be used", metavar="TIME")
    ] = timedelta(days=90),
    actor: Actor,
) -> NewToken:
    """Make a token for a program; its secret is shown this once.

    It can do what its account can, or less. One that is made with a token reaches no further and
    ends no later than that. Administrators make tokens for others.
    """
    from condarium.access import minting

    return minting.mint(
        store,
        name=name,
        holder=for_,
        scope=minting.read_scope(permission, namespace, [each.name for each in channel]),
        lasting=expires,
        actor=actor,
    )


@operation("token revoke", permission=Permission.SIGNED_IN, changes=True, where=Where.INSIDE)
def token_revoke(
    store: Store,
    id_: Annotated[str, Argument("the id of the token, as `token list` shows it", metavar="ID")],
    *,
    actor: Actor,
) -> Token:
    """Revoke a token, at once: one's own, or anybody's by an administrator."""
    from condarium.access import minting

    return minting.revoke(store, id_, actor=actor)
