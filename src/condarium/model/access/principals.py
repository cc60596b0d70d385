"""Who asks: people, service accounts, whoever owns the store, and anybody."""

from dataclasses import dataclass, field
from enum import StrEnum

from condarium.model.access.permissions import Permission, Role, ThingKind


class PrincipalKind(StrEnum):
    USER = "user"
    SERVICE = "service"
    """A service account: it has tokens and no password."""
    STORE_OWNER = "store-owner"
    """The user of the operating system who works in a store's folder, and may do everything."""
    ANYBODY = "anybody"
    """A request without a token or a session."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a token reaches, of what its principal may do; None where it is not narrowed.

    A token that names namespaces, channels or resources reaches those only, and nothing of the
    platform.
    """

    permissions: frozenset[Permission] | None = None
    namespaces: frozenset[str] | None = None
    channels: frozenset[str] | None = None
    resources: frozenset[str] | None = None

    @property
    def names_things(self) -> bool:
        return any(named is not None for named in (self.namespaces, self.channels, self.resources))

    def named(self, kind: ThingKind) -> frozenset[str]:
        """The things of a kind that it names."""
        match kind:
            case ThingKind.NAMESPACE:
                return self.namespaces or frozenset()
            case ThingKind.CHANNEL:
                return self.channels or frozenset()
            case ThingKind.RESOURCE:
                return self.resources or frozenset()
            case _:
                return frozenset()

    def reaches(self, kind: ThingKind, name: str) -> bool:
        return not self.names_things or name in self.named(kind)

    def is_within(self, other: "Scope") -> bool:
        """Whether it reaches nothing that the other one does not."""
        if other.permissions is not None and not (
            self.permissions is not None and self.permissions <= other.permissions
        ):
            return False
        if not other.names_things:
            return True
        return self.names_things and all(
            self.named(kind) <= other.named(kind) for kind in ThingKind
        )


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Somebody, by an id that never changes and is never given twice.

    `groups` are ids of groups. `scope` narrows what the token in use reaches.
    """

    kind: PrincipalKind
    id: str | None = None
    name: str = ""
    groups: frozenset[str] = frozenset()
    scope: Scope = field(default_factory=Scope)

    @property
    def is_somebody(self) -> bool:
        return self.kind is not PrincipalKind.ANYBODY


ANYBODY = Principal(kind=PrincipalKind.ANYBODY, name="anybody")


class SubjectKind(StrEnum):
    PRINCIPAL = "principal"
    GROUP = "group"


@dataclass(frozen=True, kw_only=True)
class Binding:
    """The fact that a principal, or a group, has a role on a thing.

    `subject` is an id. `thing` is the name of a namespace, a channel or a resource, empty for the
    platform.
    """

    subject_kind: SubjectKind
    subject: str
    role: Role
    kind: ThingKind
    thing: str = ""
