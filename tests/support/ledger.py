"""A resource that is lent, and jobs that are paid for: just enough for the ledger.

with opened(url, folder) as database, database.note() as facts:
    lent(facts, budget("acme", 10))
    admit(facts, 4)
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4

from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.amounts import CREDIT, Period
from condarium.model.governance.grants import GrantChange, GrantDecision, Lending
from condarium.model.governance.ledger import AccountKind, LedgerAccount
from condarium.model.governance.projects import Project
from condarium.model.governance.resources import Budget, Resource, ResourceKind, Settings
from condarium.storage.database import Database, open_database
from condarium.storage.facts import Facts

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
FIT = Project.parse("github:lab/fit#7")
OTHER = Project.parse("namespace:far#f00")
_KEYS = count(1)


@contextmanager
def opened(url: str, folder: Path) -> Iterator[Database]:
    with closing(open_database(url, lock=folder / "migrate", now=lambda: NOON)) as database:
        yield database


def budget(
    donor: str,
    credits_: float,
    *,
    period: Period = Period.MONTH,
    starts_at: datetime = NOON,
    ends_at: datetime | None = None,
    number: int = 0,
) -> Budget:
    return Budget(
        id=number,
        donor=donor,
        amount=round(credits_ * CREDIT),
        period=period,
        starts_at=starts_at,
        ends_at=ends_at,
    )


def lent(facts: Facts, *budgets: Budget, name: str = "gpu", factor: int = CREDIT) -> Resource:
    """A new resource with budgets."""
    settings = Settings(kind=ResourceKind.QUEUE, factor=factor)
    facts.resources.add(name, settings, at=NOON, by="ada")
    resource = facts.resources.get(name)
    for each in budgets:
        facts.resources.add_budget(resource, each, at=NOON, by="ada")
    return facts.resources.get(name)


def admission(
    facts: Facts,
    *,
    resource: str = "gpu",
    project: Project = FIT,
    at: datetime = NOON,
    grant: int | None = None,
    reserved: int = 0,
) -> int:
    """The number of a new admission that waits, for which nothing is reserved."""
    added, _ = facts.admissions.add(
        Admission(
            id=0,
            source="job",
            external=f"{next(_KEYS)}-{uuid4().hex}",
            project=project,
            resource=resource,
            grant=grant,
            state=AdmissionState.WAITING,
            reasons=(),
            commit="c0ffee",
            event="push",
            at=at,
            reserved=reserved,
            time=timedelta(hours=reserved / facts.resources.get(resource).settings.factor),
        )
    )
    return added.id


def admit(
    facts: Facts,
    credits_: float,
    *,
    resource: str = "gpu",
    project: Project = FIT,
    at: datetime = NOON,
    grant: int | None = None,
) -> int:
    """Admit a job that may cost so much, and give its number. Raises BudgetSpent."""
    amount = round(credits_ * CREDIT)
    locked = facts.resources.lock(resource)
    number = admission(
        facts, resource=resource, project=project, at=at, grant=grant, reserved=amount
    )
    facts.ledger.reserve(locked, project, amount, admission=number, at=at)
    return number


def granted(facts: Facts, project: Project, *, resource: str = "gpu") -> int:
    """The number of a new grant, by which the ledger knows a project's name."""
    decision = GrantDecision(
        number=1,
        at=NOON,
        change=GrantChange.GRANTED,
        by="ada",
        principal=None,
        reason="",
        lending=Lending(),
    )
    return facts.grants.add(resource, project, decision).id


def sums(accounts: list[LedgerAccount]) -> dict[str, float]:
    """Credits by kind of account."""
    found = {str(kind): 0 for kind in AccountKind}
    for each in accounts:
        found[str(each.kind)] += each.balance
    return {kind: amount / CREDIT for kind, amount in found.items()}


def check_laws(facts: Facts) -> None:
    """The ledger balances, and nobody spent what was not given."""
    assert facts.ledger.unbalanced() == []
    accounts = facts.ledger.balances()
    assert sum(each.balance for each in accounts) == 0
    for each in accounts:
        assert each.balance <= 0 if each.kind is AccountKind.GIFT else each.balance >= 0, each
    for resource, donor in {(each.resource, each.donor) for each in accounts}:
        of = sums([e for e in accounts if (e.resource, e.donor) == (resource, donor)])
        assert of["reserved"] + of["used"] <= -of["gift"]
