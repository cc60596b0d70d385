"""The operations that change who may do what: namespaces, bindings and tokens.

Work is imported where an operation runs, so that help is shown without a database.
"""

from datetime import timedelta
from typing import Annotated, Literal

from condarium.model.access.accounts import Token
from condarium.model.access.report import (
    AllRevoked,
    BindingChanged,
    Gone,
    KeysRotated,
    NamespaceDetail,
    NewToken,
)
from condarium.model.actor import Actor, Permission
from condarium.model.governance.resources import ResourceName
from condarium.model.view import ChannelName
from condarium.operation import Argument, Where, operation
from condarium.storage.store import Store

RoleName = Annotated[
    Literal[
        "viewer",
        "editor",
        "admin",
        "reader",
        "publisher",
        "owner",
        "borrower",
        "runner",
        "lender",
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
OnResource = Annotated[
    ResourceName | None, Argument("on this resource: borrower, runner, lender", metavar="R")
]
OnPlatform = Annotated[bool, Argument("on everything: auditor, administrator")]
NamespaceName = Annotated[str, Argument("the namespace", metavar="NAMESPACE")]
Subject = Annotated[
    str, Argument("a user, a service account, or group:NAME for a group", metavar="SUBJECT")
]
_MANAGE = Permission.ACCESS_MANAGE


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
    resource: OnResource = None,
    platform: OnPlatform = False,
    actor: Actor,
) -> BindingChanged:
    """Bind a role to somebody, on a namespace, a channel, a resource or on everything.

    Administrators may everywhere, a namespace's admins on it, a channel's owners and a resource's
    lenders on those; nobody can give more than they hold.
    """
    from condarium.access import binding

    wanted = binding.wanted(actor, subject, role, namespace, channel, resource, platform)
    return binding.bind(store, wanted, actor=actor)


@operation("access unbind", permission=_MANAGE, changes=True, where=Where.INSIDE)
def access_unbind(
    store: Store,
    subject: Subject,
    role: RoleName,
    *,
    namespace: OnNamespace = None,
    channel: OnChannel = None,
    resource: OnResource = None,
    platform: OnPlatform = False,
    actor: Actor,
) -> BindingChanged:
    """Take a role away again, at once.

    Raises LastAdministrator.
    """
    from condarium.access import binding

    wanted = binding.wanted(actor, subject, role, namespace, channel, resource, platform)
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
    name: Annotated[
        str, Argument("what it is for; by default when it was made", metavar="TEXT")
    ] = "",
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
    resource: Annotated[
        tuple[ResourceName, ...], Argument("only this resource; may be given again", metavar="R")
    ] = (),
    expires: Annotated[
        timedelta | None,
        Argument("for how long it can be used; by default 90 days at most", metavar="TIME"),
    ] = None,
    actor: Actor,
) -> NewToken:
    """Make a token for a program; its secret is shown this once.

    It can do what its account can, or less. One that is made with a token, such as that of
    `condarium login`, reaches no further and ends no later than that; the server's page /account
    makes others. Administrators make tokens for others.
    """
    from condarium.access import minting

    return minting.mint(
        store,
        name=name,
        holder=for_,
        scope=minting.read_scope(permission, namespace, map(str, channel), map(str, resource)),
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
