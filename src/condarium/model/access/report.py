"""What operations on accounts, access, tokens and namespaces answer."""

from dataclasses import dataclass, field
from datetime import datetime

from condarium.model.access.accounts import Account, Bound, Group, Membership, Token
from condarium.model.access.permissions import Permission
from condarium.model.governance.projects import Person
from condarium.model.quotas import Quota, Use


@dataclass(frozen=True, kw_only=True)
class AccountDetail:
    """An account, the groups that it is in, and what it and they are bound to.

    `elsewhere` is who that is in other places.
    """

    account: Account
    groups: tuple[Membership, ...]
    bindings: tuple[Bound, ...]
    tokens: int
    """How many can be used."""
    elsewhere: tuple[Person, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AccountChanged:
    """What was done to an account (`created`, `disabled`, …), and whether it was not so before.

    `note` is what there is to say of it besides.
    """

    account: Account
    what: str
    changed: bool = True
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class GroupDetail:
    """A group, who is in it, and what it is bound to."""

    group: Group
    members: tuple[Membership, ...]
    bindings: tuple[Bound, ...]


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """A namespace and its quota."""

    name: str
    created_at: datetime
    created_by: str
    quota: Quota = field(default_factory=Quota)


@dataclass(frozen=True, kw_only=True)
class NamespaceDetail:
    """A namespace and what it has of what it may have."""

    namespace: Namespace
    use: Use


@dataclass(frozen=True, kw_only=True)
class Gone:
    """Something was removed: `kind` says what it was."""

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class BindingChanged:
    """A role was bound or unbound; `changed` is False where that was so already."""

    subject: str
    role: str
    thing: str
    bound: bool
    changed: bool


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Whether somebody may run an operation, on a thing or (`thing` None) anywhere, and why.

    `bindings` are those of the account and of its groups that bear on it.
    """

    principal: str
    operation: str
    permission: Permission
    thing: str | None
    allowed: bool
    reasons: tuple[str, ...]
    bindings: tuple[Bound, ...] = ()


@dataclass(frozen=True, kw_only=True)
class KeysRotated:
    """A new key signs; what older ones signed is believed until an instant."""

    key: str
    verified_until: datetime


@dataclass(frozen=True, kw_only=True)
class AllRevoked:
    """An account's tokens and sessions were ended."""

    principal: str
    tokens: int
    sessions: int


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """A token, and its secret, which is shown this once and never again."""

    token: Token
    secret: str


@dataclass(frozen=True, kw_only=True)
class WhoAmI:
    """Who asks: an account, or whoever owns the store (`id` None)."""

    name: str
    id: str | None
    kind: str
    groups: tuple[str, ...] = ()
    bindings: tuple[Bound, ...] = ()
    token: str | None = None
