"""The ledger: each amount leaves one account for another, so the sum of all accounts is nothing."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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

    A resource without a budget has the donor "" , whose gift has no limit.
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
class StatementLine:
    """What a project used of what a donor gave for a resource, in a month: `month` is 2026-03."""

    month: str
    donor: str
    resource: str
    project: str
    jobs: int
    seconds: float
    used: int
