"""What people are told of the ledger: what is left of each gift, and who used how much of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from condarium.model.governance.amounts import Period
from condarium.model.governance.ledger import StatementLine


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What became of a gift in one of its periods, in microcredits: 1,000,000 are a credit.

    `given` and `left` are None of a resource without a budget, which has the donor "". `withdrawn`
    is what went back to the donor. `ends` is when what is left lapses, None for never.
    """

    resource: str
    donor: str
    budget: int | None = None
    period: Period | None = None
    begins: datetime | None = None
    ends: datetime | None = None
    given: int | None = None
    left: int | None = None
    reserved: int = 0
    used: int = 0
    withdrawn: int = 0


@dataclass(frozen=True, kw_only=True)
class Total:
    """What jobs of one donor, or of one project, came to; in seconds and microcredits."""

    name: str
    jobs: int
    seconds: float
    used: int


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What was used in a month (`2026-03`): jobs count in the month in which they ended.

    Amounts are whole microcredits: 1,000,000 are a credit.
    """

    month: str
    lines: tuple[StatementLine, ...]

    @property
    def donors(self) -> tuple[Total, ...]:
        return _totals(self.lines, lambda line: line.donor)

    @property
    def projects(self) -> tuple[Total, ...]:
        return _totals(self.lines, lambda line: line.project)


@dataclass(frozen=True, kw_only=True)
class StatementFile:
    """A statement as a file: CSV, or a chart as SVG."""

    content: str
    month: str
    lines: int


def _totals(
    lines: Iterable[StatementLine], name: Callable[[StatementLine], str]
) -> tuple[Total, ...]:
    """Who used most comes first."""
    found: dict[str, Total] = {}
    for line in lines:
        so_far = found.get(name(line), Total(name=name(line), jobs=0, seconds=0, used=0))
        found[name(line)] = Total(
            name=so_far.name,
            jobs=so_far.jobs + line.jobs,
            seconds=so_far.seconds + line.seconds,
            used=so_far.used + line.used,
        )
    return tuple(sorted(found.values(), key=lambda total: (-total.used, total.name)))
