"""The ledger, on SQLite and on PostgreSQL: who pays, and that nobody spends what is spent."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from tests.support.ledger import (
    FIT,
    NOON,
    OTHER,
    admission,
    admit,
    budget,
    check_laws,
    granted,
    lent,
    opened,
    sums,
)
from tests.support.postgresql import Server

from condarium.model.governance.admission import AdmissionState
from condarium.model.governance.amounts import CREDIT, Period
from condarium.model.governance.ledger import StatementLine, TransferFilter, TransferKind
from condarium.model.governance.projects import Project
from condarium.model.governance.resources import Budget
from condarium.storage.database import Database
from condarium.storage.facts import Facts
from condarium.storage.governance.till import BudgetSpent
from condarium.storage.sqlite import sqlite_url

HOUR = timedelta(hours=1)
APRIL = NOON.replace(month=4)


class Undone(Exception):
    """A unit of work that is to leave nothing."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("ledger")
    if request.param == "sqlite":
        with opened(sqlite_url(folder / "facts.db").render_as_string(), folder) as database:
            yield database
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.new_database() as url, opened(url, folder) as database:
        yield database


@pytest.fixture
def facts(database: Database) -> Iterator[Facts]:
    """A unit of work that is undone."""
    with suppress(Undone), database.note() as facts:
        yield facts
        raise Undone


def left(facts: Facts, at: datetime = NOON) -> dict[str, float]:
    """Credits that are left of each donor now."""
    resource = facts.resources.get("gpu")
    donors = {each.id: each.donor for each in resource.budgets}
    return {donors[key]: amount / CREDIT for key, amount in facts.ledger.left(resource, at).items()}


def test_what_is_reserved_is_charged_and_the_rest_comes_back(facts: Facts) -> None:
    lent(facts, budget("acme", 10))
    job = admit(facts, 4)
    assert sums(facts.ledger.balances()) == {
        "gift": -10, "budget": 6, "reserved": 4, "used": 0,
    }  # fmt: skip

    assert facts.ledger.settle(job, 3 * CREDIT, at=NOON) == 3 * CREDIT
    assert sums(facts.ledger.balances()) == {
        "gift": -10, "budget": 7, "reserved": 0, "used": 3,
    }  # fmt: skip
    kinds = [each.kind for each in facts.ledger.transfers()[::-1]]
    assert kinds == ["fund", "reserve", "settle", "refund"]
    check_laws(facts)


@pytest.mark.parametrize("again", [0, 1, 9])
def test_a_job_is_settled_once(facts: Facts, again: int) -> None:
    lent(facts, budget("acme", 10))
    job = admit(facts, 4)
    facts.ledger.settle(job, 2 * CREDIT, at=NOON)
    before = facts.ledger.transfers()

    assert facts.ledger.settle(job, again * CREDIT, at=NOON) == 2 * CREDIT
    assert facts.ledger.transfers() == before


def test_a_job_costs_no_more_than_is_reserved_for_it(facts: Facts) -> None:
    lent(facts, budget("acme", 10))
    job = admit(facts, 4)

    assert facts.ledger.settle(job, 9 * CREDIT, at=NOON) == 4 * CREDIT
    assert left(facts) == {"acme": 6}


def test_a_refund_gives_all_back(facts: Facts) -> None:
    lent(facts, budget("acme", 10))
    facts.ledger.refund(admit(facts, 10), at=NOON)

    assert left(facts) == {"acme": 10}
    check_laws(facts)


def test_a_job_that_costs_nothing_moves_nothing(facts: Facts) -> None:
    lent(facts, budget("acme", 0))
    job = admit(facts, 0)

    assert facts.ledger.settle(job, 0, at=NOON) == 0
    assert facts.ledger.transfers() == []


def test_a_resource_without_a_budget_has_no_limit(facts: Facts) -> None:
    lent(facts)
    job = admit(facts, 1_000_000)
    facts.ledger.settle(job, CREDIT, at=NOON)

    assert sums(facts.ledger.balances()) == {"gift": -1, "budget": 0, "reserved": 0, "used": 1}
    check_laws(facts)


LAST = NOON.replace(month=12)
PAYS: list[tuple[str, list[Budget], float, str]] = [
    ("what lapses first", [budget("year", 9, period=Period.YEAR), budget("month", 9)], 4, "month"),
    ("what ends first", [budget("long", 9), budget("soon", 9, ends_at=NOON + HOUR)], 4, "soon"),
    ("who has enough", [budget("month", 3), budget("year", 9, period=Period.YEAR)], 4, "year"),
    ("once for all, last", [budget("once", 9, period=Period.ONCE), budget("month", 9)], 4, "month"),
    ("an end is an end", [budget("once", 9, period=Period.ONCE, ends_at=NOON + HOUR),
                          budget("month", 9)], 4, "once"),
    ("who gave first", [budget("one", 9), budget("two", 9)], 4, "one"),
    ("not who begins later", [budget("later", 9, starts_at=NOON + HOUR),
                              budget("now", 9, period=Period.YEAR)], 4, "now"),
    ("all of it", [budget("month", 4)], 4, "month"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("budgets", "cost", "donor"), [pytest.param(*case, id=name) for name, *case in PAYS]
)
def test_who_pays(facts: Facts, budgets: list[Budget], cost: float, donor: str) -> None:
    lent(facts, *budgets)
    job = admit(facts, cost)

    (reserved,) = facts.ledger.transfers(TransferFilter(kind=TransferKind.RESERVE))
    assert reserved.source.donor == reserved.target.donor == donor
    assert (reserved.admission, reserved.amount) == (job, cost * CREDIT)


ENDED = budget("old", 9, starts_at=NOON - 2 * HOUR, ends_at=NOON)
REFUSED: list[tuple[list[Budget], dict[str, int], datetime | None]] = [
    ([budget("acme", 3), budget("bank", 2)], {"acme": 3, "bank": 2},
     NOON.replace(month=4, day=1, hour=0)),
    ([budget("acme", 3, period=Period.QUARTER)], {"acme": 3}, NOON.replace(month=4, day=1, hour=0)),
    ([budget("acme", 3, period=Period.YEAR)], {"acme": 3},
     NOON.replace(year=2027, month=1, day=1, hour=0)),
    ([budget("acme", 3, ends_at=NOON + HOUR)], {"acme": 3}, None),
    ([budget("acme", 3, period=Period.ONCE)], {"acme": 3}, None),
    ([budget("acme", 3), budget("acme", 2)], {"acme": 5}, NOON.replace(month=4, day=1, hour=0)),
    ([ENDED], {}, None),
    ([ENDED, budget("later", 9, starts_at=NOON + HOUR)], {}, NOON + HOUR),
]  # fmt: skip


@pytest.mark.parametrize(("budgets", "has", "until"), REFUSED)
def test_what_is_left_is_told_where_it_is_not_enough(
    facts: Facts, budgets: list[Budget], has: dict[str, int], until: datetime | None
) -> None:
    resource = lent(facts, *budgets)
    job = admission(facts)
    with pytest.raises(BudgetSpent) as raised:
        facts.ledger.reserve(resource, FIT, 4 * CREDIT, admission=job, at=NOON)

    told = {donor: amount // CREDIT for donor, amount in raised.value.left.items()}
    assert (told, raised.value.until) == (has, until)
    assert facts.ledger.transfers(TransferFilter(kind=TransferKind.RESERVE)) == []
    check_laws(facts)


def test_each_period_is_funded_once_and_pays_for_what_was_admitted_in_it(
    facts: Facts,
) -> None:
    lent(facts, budget("acme", 10))
    march = admit(facts, 8)
    april = admit(facts, 8, at=APRIL)
    facts.ledger.settle(march, CREDIT, at=APRIL)

    assert left(facts) == {"acme": 9}
    assert left(facts, APRIL) == {"acme": 2}
    funded = facts.ledger.transfers(TransferFilter(kind=TransferKind.FUND))
    assert len(funded) == 2
    facts.ledger.settle(april, CREDIT, at=APRIL)
    check_laws(facts)


def test_what_is_left_of_an_ended_budget_goes_back_to_its_donor(facts: Facts) -> None:
    resource = lent(facts, budget("acme", 10))
    job = admit(facts, 4)
    (number,) = (each.id for each in resource.budgets)
    facts.resources.end_budget(number, at=NOON + HOUR)

    assert facts.ledger.withdraw(number, at=NOON + HOUR) == 6 * CREDIT
    assert facts.ledger.withdraw(number, at=NOON + HOUR) == 0
    facts.ledger.settle(job, CREDIT, at=NOON + 2 * HOUR)
    assert sums(facts.ledger.balances()) == {"gift": -1, "budget": 0, "reserved": 0, "used": 1}
    with pytest.raises(BudgetSpent):
        admit(facts, 1, at=NOON + 2 * HOUR)
    check_laws(facts)


def run(facts: Facts, job: int, *, at: datetime, hours: float, cost: float) -> None:
    facts.admissions.start(job, at=at, lease_until=at + HOUR)
    end = at + hours * HOUR
    charged = facts.ledger.settle(job, round(cost * CREDIT), at=end)
    facts.admissions.end(job, AdmissionState.ENDED, at=end, cost=charged)


def test_a_statement_says_who_used_what_of_whose_gift(facts: Facts) -> None:
    lent(facts, budget("acme", 10), budget("bank", 90, period=Period.YEAR))
    granted(facts, FIT)
    for project, hours in ((FIT, 1), (FIT, 2), (OTHER, 0.5)):
        run(facts, admit(facts, 3, project=project), at=NOON, hours=hours, cost=hours)
    run(facts, admit(facts, 20), at=NOON, hours=20, cost=20)
    facts.ledger.refund(admit(facts, 1), at=NOON)
    run(facts, admit(facts, 1, at=APRIL), at=APRIL, hours=1, cost=1)

    def line(donor: str, project: str, jobs: int, hours: float) -> StatementLine:
        return StatementLine(
            month="2026-03", donor=donor, resource="gpu", project=project, jobs=jobs,
            seconds=hours * 3600, used=round(hours * CREDIT),
        )  # fmt: skip

    march = datetime.fromisoformat("2026-03-01T00:00:00Z")
    fit, bank = line("acme", "github:lab/fit#7", 2, 3), line("bank", "github:lab/fit#7", 1, 20)
    far = line("acme", "namespace:f00", 1, 0.5)

    def of(**wanted: object) -> list[StatementLine]:
        return facts.ledger.statement(march, APRIL.replace(day=1, hour=0), **wanted)  # type: ignore[arg-type]

    assert of() == [fit, far, bank]
    assert of(donor="bank") == [bank]
    assert of(project=FIT) == of(project=Project.parse("github:LAB/fit")) == [fit, bank]
    assert of(project=Project.parse("github:lab/fit#8")) == []
    assert of(resources_=["other"]) == []
    assert facts.ledger.used(until=APRIL) == {
        ("gpu", "github:7"): 23 * CREDIT,
        ("gpu", "namespace:f00"): CREDIT // 2,
    }


def test_a_share_is_what_was_charged_and_what_runs_so_far(facts: Facts) -> None:
    resource = lent(facts, factor=2 * CREDIT)
    run(facts, admit(facts, 3), at=NOON - 30 * HOUR, hours=1, cost=2)
    run(facts, admit(facts, 3), at=NOON - 2 * HOUR, hours=1, cost=2)
    going = admit(facts, 12, project=OTHER)
    facts.admissions.start(going, at=NOON - HOUR, lease_until=NOON)
    long = admit(facts, 1, project=OTHER)
    facts.admissions.start(long, at=NOON - 5 * HOUR, lease_until=NOON)
    admit(facts, 50)
    offered = admit(facts, 9)
    facts.admissions.offer(offered, "digest", at=NOON - HOUR / 2, until=NOON)

    def shares(since: datetime) -> dict[str, float]:
        found = facts.ledger.used_since(since, resource, now=NOON)
        return {key: amount / CREDIT for key, amount in found.items()}

    assert shares(NOON - 24 * HOUR) == {"github:7": 3, "namespace:f00": 3}
    assert shares(NOON - HOUR / 4) == {"github:7": 0.5, "namespace:f00": 1}


def test_a_quota_counts_what_is_reserved_and_what_was_charged(facts: Facts) -> None:
    lent(facts)
    grant = granted(facts, FIT)
    for at in (NOON - HOUR, NOON, NOON):
        run(facts, admit(facts, 3, at=at, grant=grant), at=at, hours=1, cost=1)
    admit(facts, 5, grant=grant)
    facts.ledger.refund(admit(facts, 5, grant=grant), at=NOON)
    admit(facts, 7)

    assert facts.ledger.spent_under([grant], NOON)[grant] == 7 * CREDIT
    assert facts.ledger.spent_under([grant], None)[grant] == 8 * CREDIT


@pytest.mark.parametrize("periods", [1, 2])
def test_as_many_are_admitted_as_fit_however_many_ask_at_once(
    database: Database, periods: int
) -> None:
    name = f"last{periods}"
    with database.note() as facts:
        resource = lent(facts, *(budget(f"donor{n}", 5) for n in range(periods)), name=name)

    def ask(number: int) -> int | None:
        try:
            with database.note() as facts:
                return admit(facts, 2, resource=name, project=FIT if number % 2 else OTHER)
        except BudgetSpent:
            return None

    admitted = [each for each in at_once(ask, 12) if each is not None]

    assert len(admitted) == 2 * periods
    with database.read() as facts:
        check_laws(facts)
        assert set(facts.ledger.left(resource, NOON).values()) == {CREDIT}


def test_reserving_settling_and_withdrawing_at_once_loses_nothing(database: Database) -> None:
    with database.note() as facts:
        resource = lent(facts, budget("acme", 100), name="all")
        jobs = [admit(facts, 2, resource="all") for _ in range(8)]
    (number,) = (each.id for each in resource.budgets)

    def work(turn: int) -> None:
        with database.note() as facts:
            facts.ledger.settle(jobs[turn // 2], CREDIT, at=NOON)
            facts.ledger.settle(admit(facts, 1, resource="all"), CREDIT // 2, at=NOON)
            if turn == 15:
                facts.ledger.withdraw(number, at=NOON)

    at_once(work, 14)
    work(15)
    with database.read() as facts:
        check_laws(facts)
        assert sums(facts.ledger.balances(["all"]))["used"] == 8 + 15 * 0.5


def at_once(work: Callable[[int], object], many: int) -> list[object]:
    with ThreadPoolExecutor(many) as pool:
        return list(pool.map(work, range(many)))
