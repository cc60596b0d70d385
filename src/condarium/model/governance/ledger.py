"""The ledger: each amount leaves one account for another, so the sum of all accounts is nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from condarium.model.governance.amounts import Period
from condarium.model.governance.resources import Budget

_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}


class AccountKind(StrEnum):
    GIFT = "gift"
    """A donor's side: what they gave stands here with a minus."""
    BUDGET = "budget"
    """What is left of a gift in a period."""
    RESERVED = "reserved"
    """What admitted jobs of a project may yet cost."""
    USED = "used"
    """What jobs of a project have cost."""


class TransferKind(StrEnum):
    FUND = "fund"
    RESERVE = "reserve"
    SETTLE = "settle"
    REFUND = "refund"
    WITHDRAW = "withdraw"
    """A donor takes back what is left."""


@dataclass(frozen=True, kw_only=True)
class LedgerAccount:
    """An account: of a donor and a resource, of a `budget` and its `period`, and of a `project`.

    A resource without a budget has the donor "", whose gift has no limit. `project` is a project
    with its id, as far as a grant names it, else its key; `period` is the first day of one, None
    of a budget that is given once for all.
    """

    kind: AccountKind
    donor: str
    resource: str
    project: str = ""
    budget: int | None = None
    period: datetime | None = None
    balance: int = 0


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """An amount (more than 0, in microcredits) that left an account for another."""

    id: int
    at: datetime
    kind: TransferKind
    source: LedgerAccount
    target: LedgerAccount
    amount: int
    admission: int | None = None


@dataclass(frozen=True, kw_only=True)
class TransferFilter:
    """Which transfers are asked for; all of a field's values where it is None.

    `resources` are names, `projects` keys of projects. Of the instants, `until` is left out.
    """

    resources: frozenset[str] | None = None
    donor: str | None = None
    projects: frozenset[str] | None = None
    kind: TransferKind | None = None
    admission: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class StatementLine:
    """What a project used of what a donor gave for a resource, in a month: `month` is 2026-03.

    `used` is in microcredits: 1,000,000 are a credit.
    """

    month: str
    donor: str
    resource: str
    project: str
    jobs: int
    seconds: float
    used: int


@dataclass(frozen=True, kw_only=True)
class Purse:
    """A budget in one of its periods; `ends` is when what is left of it lapses, None for never."""

    budget: Budget
    begins: datetime | None
    ends: datetime | None


def begin_of(period: Period, at: datetime) -> datetime | None:
    """The first instant of the calendar period in which this is, in UTC; None of `once`."""
    months = _MONTHS.get(period)
    if months is None:
        return None
    day = at.astimezone(UTC)
    return datetime(day.year, (day.month - 1) // months * months + 1, 1, tzinfo=UTC)


def end_of(period: Period, at: datetime) -> datetime | None:
    """The first instant of the next one; None of `once`."""
    begins = begin_of(period, at)
    if begins is None:
        return None
    years, month = divmod(begins.month - 1 + _MONTHS[period], 12)
    return begins.replace(year=begins.year + years, month=month + 1)


def purses(budgets: Iterable[Budget], at: datetime) -> tuple[Purse, ...]:
    """The budgets that hold at an instant, in their periods: what lapses first comes first."""
    found = [purse_in(each, at) for each in budgets if _holds(each, at)]
    return tuple(sorted(found, key=lambda purse: (_late(purse.ends), purse.budget.id)))


def purse_in(budget: Budget, at: datetime) -> Purse:
    """A budget in its period in which this instant is."""
    ends = min(end_of(budget.period, at), budget.ends_at, key=_late)
    return Purse(budget=budget, begins=begin_of(budget.period, at), ends=ends)


def next_purse(budgets: Iterable[Budget], at: datetime) -> datetime | None:
    """When the next period of a budget begins, or the next budget; None where none will."""
    later = [begins for each in budgets for begins in _later(each, at)]
    return min(later, default=None)


def _holds(budget: Budget, at: datetime) -> bool:
    return budget.starts_at <= at and (budget.ends_at is None or at < budget.ends_at)


def _later(budget: Budget, at: datetime) -> Iterable[datetime]:
    begins = end_of(budget.period, at) if budget.starts_at <= at else budget.starts_at
    if begins is not None and (budget.ends_at is None or begins < budget.ends_at):
        yield begins


def _late(instant: datetime | None) -> datetime:
    return instant or datetime.max.replace(tzinfo=UTC)
