"""What is said of grants: to those who lend, to those who borrow, and to everybody."""

from dataclasses import dataclass
from datetime import datetime

from condarium.model.governance.amounts import Period
from condarium.model.governance.grants import GrantState


@dataclass(frozen=True, kw_only=True)
class Made:
    """A decision about a grant, as it is told: what is done (`granted`, `revoked`), when, and why.

    `conditions`, `until` and `quota` are what held from then on; `changed` is how that differs from
    what held before.
    """

    number: int
    at: datetime
    change: str
    by: str
    reason: str
    conditions: tuple[str, ...]
    until: datetime | None
    quota: int | None
    period: Period
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ListedGrant:
    """A grant as somebody may see it, as of an instant.

    `project` has its id behind it, where that is known. `conditions` are in words. `people` are
    those who may trigger jobs, shown only to lenders: to others it is empty. `by` is who granted
    it: all who approved the request, where there was one. `used` and `quota` are
    in microcredits (1,000,000 are a credit). `flags` are what people should look at.
    """

    id: int
    resource: str
    provider: str
    project: str
    state: GrantState
    since: datetime
    until: datetime | None
    by: str
    reason: str
    conditions: tuple[str, ...]
    people: tuple[str, ...] = ()
    quota: int | None
    period: Period
    used: int = 0
    jobs: int = 0
    used_at: datetime | None = None
    flags: tuple[str, ...] = ()
    request: int | None = None


@dataclass(frozen=True, kw_only=True)
class GrantDetail:
    """A grant and all decisions about it, the oldest first. `approved` are commits of forks."""

    grant: ListedGrant
    decisions: tuple[Made, ...]
    approved: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GrantsDecided:
    """What came of a decision. `warnings` are for people to look at."""

    grants: tuple[ListedGrant, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Revoked:
    """Grants that were revoked, and admissions and jobs that were cancelled with them, by number.

    `running` are the admissions that go on.
    """

    grants: tuple[int, ...]
    cancelled: tuple[int, ...] = ()
    jobs: tuple[int, ...] = ()
    running: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CommitApproved:
    """A commit that jobs of a grant may be of; `changed` is False where it was approved before."""

    grant: int
    commit: str
    changed: bool


@dataclass(frozen=True, kw_only=True)
class CommitWithdrawn:
    """A commit whose approval was taken back; `withdrawn` counts those who had approved it.

    `left` is how many approvals of others it still has.
    """

    grant: int
    commit: str
    withdrawn: int
    left: int


@dataclass(frozen=True, kw_only=True)
class Noticed:
    """A notice that was given of a grant."""

    grant: int
    project: str
    resource: str
    notice: str


@dataclass(frozen=True, kw_only=True)
class PublicList:
    """Who may use what, as of an instant: what everybody may know of the decisions until then.

    With `since` also who could at any time since then: it is the list of a whole day.
    """

    at: datetime
    since: datetime | None = None
    grants: tuple[ListedGrant, ...]


@dataclass(frozen=True, kw_only=True)
class PublicDecision:
    """A decision, for a feed."""

    grant: int
    resource: str
    project: str
    decision: Made
