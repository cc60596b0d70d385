"""What can be permitted, and the roles that permit it."""

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """What an operation needs its actor to be allowed to do."""

    ENVIRONMENT_READ = "environment:read"
    ENVIRONMENT_BUILD = "environment:build"
    ENVIRONMENT_ACTIVATE = "environment:activate"
    ENVIRONMENT_ARCHIVE = "environment:archive"
    ENVIRONMENT_REMOVE = "environment:remove"
    ENVIRONMENT_RUN = "environment:run"
    NAMESPACE_MANAGE = "namespace:manage"
    CHANNEL_READ = "channel:read"
    CHANNEL_PUBLISH = "channel:publish"
    CHANNEL_MANAGE = "channel:manage"
    LOCK_SOLVE = "lock:solve"
    QUERY_ASK = "query:ask"
    NAMESPACE_CREATE = "namespace:create"
    CHANNEL_CREATE = "channel:create"
    RESOURCE_READ = "resource:read"
    RESOURCE_RUN = "resource:run"
    RESOURCE_LEND = "resource:lend"
    RESOURCE_CREATE = "resource:create"
    ACCESS_READ = "access:read"
    ACCESS_MANAGE = "access:manage"
    AUDIT_READ = "audit:read"
    STORE_INSPECT = "store:inspect"
    STORE_MAINTAIN = "store:maintain"
    SIGNED_IN = "signed-in"
    """To be somebody: what concerns one's own tokens, jobs and password."""


class Role(StrEnum):
    """What a binding gives: three roles on a namespace, three on a channel, three on a resource
    that is lent, two on all."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    READER = "reader"
    PUBLISHER = "publisher"
    OWNER = "owner"
    BORROWER = "borrower"
    """Sees a resource that is not public, and may ask for it."""
    RUNNER = "runner"
    """Machines that take admitted jobs."""
    LENDER = "lender"
    """Owns a resource: says what it is, and who may use it."""
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class ThingKind(StrEnum):
    NAMESPACE = "namespace"
    CHANNEL = "channel"
    RESOURCE = "resource"
    PLATFORM = "platform"


_P = Permission
_VIEWER = frozenset({_P.ENVIRONMENT_READ, _P.ENVIRONMENT_RUN, _P.QUERY_ASK})
_EDITOR = _VIEWER | {
    _P.ENVIRONMENT_BUILD,
    _P.ENVIRONMENT_ACTIVATE,
    _P.ENVIRONMENT_ARCHIVE,
    _P.LOCK_SOLVE,
}
_ADMIN = _EDITOR | {_P.ENVIRONMENT_REMOVE, _P.NAMESPACE_MANAGE}
_READER = frozenset({_P.CHANNEL_READ, _P.QUERY_ASK})
_PUBLISHER = _READER | {_P.CHANNEL_PUBLISH}
_OWNER = _PUBLISHER | {_P.CHANNEL_MANAGE}
_BORROWER = frozenset({_P.RESOURCE_READ})
_RUNNER = _BORROWER | {_P.RESOURCE_RUN}
_LENDER = _RUNNER | {_P.RESOURCE_LEND}
_AUDITOR = frozenset({_P.AUDIT_READ, _P.ACCESS_READ, _P.STORE_INSPECT})

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.EDITOR: _EDITOR,
    Role.ADMIN: _ADMIN,
    Role.READER: _READER,
    Role.PUBLISHER: _PUBLISHER,
    Role.OWNER: _OWNER,
    Role.BORROWER: _BORROWER,
    Role.RUNNER: _RUNNER,
    Role.LENDER: _LENDER,
    Role.AUDITOR: _AUDITOR,
    Role.ADMINISTRATOR: frozenset(Permission),
}
"""What each role permits on the thing that it is bound to; a platform's, on everything."""

ROLES: Mapping[ThingKind, tuple[Role, ...]] = {
    ThingKind.NAMESPACE: (Role.VIEWER, Role.EDITOR, Role.ADMIN),
    ThingKind.CHANNEL: (Role.READER, Role.PUBLISHER, Role.OWNER),
    ThingKind.RESOURCE: (Role.BORROWER, Role.RUNNER, Role.LENDER),
    ThingKind.PLATFORM: (Role.AUDITOR, Role.ADMINISTRATOR),
}
"""The roles that can be bound to each kind of thing, the weakest first."""

CONCERNS: Mapping[ThingKind, frozenset[Permission]] = {
    ThingKind.NAMESPACE: _ADMIN - {_P.QUERY_ASK, _P.LOCK_SOLVE},
    ThingKind.CHANNEL: _OWNER - {_P.QUERY_ASK},
    ThingKind.RESOURCE: _LENDER,
    ThingKind.PLATFORM: frozenset(Permission),
}
"""The permissions that are about a thing of each kind."""

READING: Mapping[ThingKind, Permission] = {
    ThingKind.NAMESPACE: _P.ENVIRONMENT_READ,
    ThingKind.CHANNEL: _P.CHANNEL_READ,
    ThingKind.RESOURCE: _P.RESOURCE_READ,
    ThingKind.PLATFORM: _P.STORE_INSPECT,
}
"""What an operation needs of a thing that it only reads on its way."""
