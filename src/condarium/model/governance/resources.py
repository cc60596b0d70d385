"""Resources: what is lent, on which terms, and who pays for it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from condarium.errors import BadInput, BadName
from condarium.model.access.names import folded
from condarium.model.governance.amounts import CREDIT, Period
from condarium.model.governance.projects import Person

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_APPROVALS = re.compile(r"([1-9][0-9]?) +(?:(lender)s?|group:(\S{1,64}))", re.ASCII)
_SEPARATORS = str.maketrans("_.", "--")


def check_name(text: str) -> str:
    """Give the name of a resource, of terms or of a provider back. Raises BadName."""
    if not _NAME.fullmatch(text):
        raise BadName(
            f"{text[:80]!r} is not a name for what is lent",
            hint="It is 1 to 64 small letters (a to z), digits, '.', '_' or '-', such as gpu-a100.",
        )
    return text


@dataclass(frozen=True)
class ResourceName:
    """The name of a resource."""

    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises BadName."""
        return cls(check_name(text))

    def __str__(self) -> str:
        return self.name


def check_label(text: str) -> str:
    """Give a runner's label back, in small letters: GitHub sees no case in it. Raises BadName."""
    if not _LABEL.fullmatch(text):
        raise BadName(
            f"{text[:80]!r} is not a label of a runner",
            hint="It is 1 to 128 letters (a to z), digits, '.', '_' or '-', such as gpu-a100.",
        )
    return text.lower()


def looks(text: str) -> str:
    """A name or a label as it is compared: no two resources have what only looks different.

    >>> looks("GPU_a100") == looks("gpu-alO0")
    True
    """
    return folded(text).translate(_SEPARATORS)


class BadRule(BadInput):
    """A text does not say who must approve."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"found {found[:60]!r}; expected how many approvals of whom, such as '1 lender' or "
            "'2 group:core'",
            hint="Every resource needs at least one approval; each is by a different person.",
        )


class ResourceKind(StrEnum):
    """How jobs reach it."""

    QUEUE = "queue"
    """Our own workers that take jobs of the queue with the resource's name."""
    RUNNER = "runner"
    """Runners that ask for admitted jobs, with a token that may `resource:run`."""
    SERVICE = "service"
    """A service elsewhere that keeps its own list: what is granted is only said and listed."""


class ApproverKind(StrEnum):
    LENDER = "lender"
    """Whoever has the role lender on the resource."""
    GROUP = "group"


@dataclass(frozen=True, kw_only=True)
class Approvals:
    """So many approvals of different people, each a lender, or in a group (by its name)."""

    count: int
    kind: ApproverKind
    group: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1 lender` or `2 group:core`. Raises BadRule."""
        found = _APPROVALS.fullmatch(text.strip())
        if not found:
            raise BadRule(text)
        kind = ApproverKind.LENDER if found[2] else ApproverKind.GROUP
        return cls(count=int(found[1]), kind=kind, group=found[3] or "")

    def __str__(self) -> str:
        return f"{self.count} {f'group:{self.group}' if self.group else self.kind}"


LENDER_APPROVES = (Approvals(count=1, kind=ApproverKind.LENDER),)
"""What a resource asks for by default. All of a rule's approvals are by different people."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """A version of a document of terms; versions count from 1, and the last one holds."""

    name: str
    version: int
    text: str
    digest: str
    published_at: datetime
    published_by: str


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """The fact that somebody accepted a version of terms."""

    terms: str
    version: int
    person: Person
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a donor gives for a resource: microcredits in each period, from and until when.

    1,000,000 microcredits are a credit. `left` is of the period that is now; None where
    nobody asked.
    """

    id: int
    donor: str
    amount: int
    period: Period
    starts_at: datetime
    ends_at: datetime | None = None
    left: int | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a resource's owner says of it.

    `label` is what a job asks for it by (its name, where it is not said), `labels` are what its
    machines have besides. `capacity` is how many jobs run at once, `most_per_project` how many of
    one project; None for no limit. `factor` is what an hour costs, in millionths of a credit.
    `unique_label` wants a label of the job's own, so that no other project's runner takes it.
    `unused_after` is when a grant without a use is flagged. `private` is for lenders' eyes.
    `machine` is how a provider makes one (of a runner of Cirun: its cloud, instance and image).
    """

    kind: ResourceKind
    provider: str = ""
    description: str = ""
    platform: str = ""
    label: str = ""
    labels: tuple[str, ...] = ()
    capacity: int | None = None
    most_per_project: int | None = None
    longest_job: timedelta = timedelta(hours=6)
    factor: int = CREDIT
    terms: str | None = None
    rule: tuple[Approvals, ...] = LENDER_APPROVES
    unique_label: bool = False
    unused_after: timedelta = timedelta(days=180)
    public: bool = True
    contact: str = ""
    private: str = ""
    machine: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A pool of machines, or a service, that is lent; `retired_at` is when that ended.

    `terms_version` is the version of its terms that holds, None where it has no terms.
    """

    id: int
    name: str
    settings: Settings
    created_at: datetime
    created_by: str
    changed_at: datetime
    retired_at: datetime | None = None
    terms_version: int | None = None
    budgets: tuple[Budget, ...] = ()

    @property
    def label(self) -> str:
        """What jobs ask for it by."""
        return self.settings.label or self.name
