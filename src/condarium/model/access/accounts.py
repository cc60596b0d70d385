"""What is known of accounts, groups, tokens and keys; no value here holds a secret."""

from dataclasses import dataclass
from datetime import datetime

from condarium.model.access.permissions import Permission, Role, ThingKind
from condarium.model.access.principals import PrincipalKind, Scope, SubjectKind


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user or a service account; `issuer` is the OIDC provider that it signs in at, if any."""

    id: str
    kind: PrincipalKind
    name: str
    display_name: str = ""
    issuer: str | None = None
    created_at: datetime
    created_by: str
    disabled_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group and how many members it has."""

    id: str
    name: str
    members: int
    created_at: datetime
    created_by: str


@dataclass(frozen=True, kw_only=True)
class Membership:
    """A member of a group; `source` is "local", or the OIDC provider that says so."""

    group: str
    member: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token, never its secret; `principal` is its holder's name.

    `permissions`, `namespaces`, `channels` and `resources` are None where it is not narrowed;
    `expires_at` where it never does. `last_used_at` is right to a minute.
    """

    id: str
    name: str
    principal: str
    permissions: tuple[Permission, ...] | None = None
    namespaces: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def scope(self) -> Scope:
        return Scope(
            permissions=None if self.permissions is None else frozenset(self.permissions),
            namespaces=None if self.namespaces is None else frozenset(self.namespaces),
            channels=None if self.channels is None else frozenset(self.channels),
            resources=None if self.resources is None else frozenset(self.resources),
        )

    def holds(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A binding with the names of both sides; `thing` is empty for the platform."""

    id: int
    subject_kind: SubjectKind
    subject: str
    role: Role
    kind: ThingKind
    thing: str = ""
    created_at: datetime
    created_by: str
