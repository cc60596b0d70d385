"""The whole state of what is lent, as files say it: terms, resources, and who may use them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from condarium.model.governance.amounts import Period
from condarium.model.governance.grants import Lending
from condarium.model.governance.projects import Project
from condarium.model.governance.resources import Settings


@dataclass(frozen=True, kw_only=True)
class SaidBudget:
    """What a donor gives. `starts_at` is None where a file does not say from when it counts."""

    donor: str
    amount: int
    period: Period
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def is_same(self, other: "SaidBudget") -> bool:
        """Whether a file that says one of them means the other."""
        mine, theirs = self._said, other._said
        one_is_silent = self.starts_at is None or other.starts_at is None
        return mine == theirs and (one_is_silent or self.starts_at == other.starts_at)

    @property
    def _said(self) -> tuple[object, ...]:
        return (self.donor, self.amount, self.period, self.ends_at)


@dataclass(frozen=True, kw_only=True)
class SaidResource:
    settings: Settings
    budgets: tuple[SaidBudget, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SaidGrant:
    """A project's right to a resource. `reason` is why; it is told, and never compared."""

    project: Project
    resource: str
    lending: Lending = field(default_factory=Lending)
    suspended: bool = False
    reason: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands among others: there is one grant of a project on a resource."""
        return (self.resource, str(self.project).lower())


@dataclass(frozen=True, kw_only=True)
class State:
    """Terms and resources by their names, and grants by their places, in order."""

    terms: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, SaidResource] = field(default_factory=dict)
    grants: tuple[SaidGrant, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        terms: Mapping[str, str],
        resources: Mapping[str, SaidResource],
        grants: Iterable[SaidGrant],
    ) -> "State":
        """Put all in the one order in which it is written."""
        return cls(
            terms=dict(sorted(terms.items())),
            resources=dict(sorted(resources.items())),
            grants=tuple(sorted(grants, key=lambda each: (*each.place, each.project.id or ""))),
        )
