"""What operations on resources, budgets, terms and linked accounts answer."""

from dataclasses import dataclass
from datetime import datetime

from condarium.model.governance.projects import Person
from condarium.model.governance.resources import Budget, Resource, Terms


@dataclass(frozen=True, kw_only=True)
class ResourceChanged:
    """What was done to a resource (`created`, `retired`, …), and whether it was not so before.

    `grants` are those of it that are in force.
    """

    resource: Resource
    what: str
    changed: bool = True
    grants: int = 0


@dataclass(frozen=True, kw_only=True)
class ResourceDetail:
    """A resource, how many grants of it are in force, and how many jobs run on it now."""

    resource: Resource
    grants: int
    running: int


@dataclass(frozen=True, kw_only=True)
class BudgetChanged:
    """A budget was added or ended; `withdrawn` is what was left of it, in microcredits."""

    resource: str
    budget: Budget
    what: str
    changed: bool = True
    withdrawn: int = 0


@dataclass(frozen=True, kw_only=True)
class TermsPublished:
    """The version that holds; `changed` is False where its text was published already."""

    terms: Terms
    changed: bool


@dataclass(frozen=True, kw_only=True)
class TermsListed:
    """Terms, their version that holds, and how many people accepted that."""

    name: str
    version: int
    digest: str
    published_at: datetime
    published_by: str
    accepted: int


@dataclass(frozen=True, kw_only=True)
class VersionAccepted:
    """How many people accepted a version; accounts of one person that are linked count once."""

    version: int
    people: int


@dataclass(frozen=True, kw_only=True)
class TermsDetail:
    """A version of terms, and who it concerns.

    `newest` is the version that holds; `accepted` counts people by version; `resources` are lent
    on these terms; `by_me` says whether whoever asks accepted this version (None for nobody).
    """

    terms: Terms
    newest: int
    accepted: tuple[VersionAccepted, ...]
    resources: tuple[str, ...]
    by_me: bool | None


@dataclass(frozen=True, kw_only=True)
class TermsAccepted:
    """A version was accepted by a person under each of these accounts; `new` for how many of them.

    `newest` is the version that holds: another one has to be accepted anew.
    """

    terms: str
    version: int
    newest: int
    people: tuple[Person, ...]
    new: int


@dataclass(frozen=True, kw_only=True)
class IdentityChanged:
    """It is known, or no longer, that a principal is somebody elsewhere."""

    principal: str
    person: Person
    linked: bool
    changed: bool
