"""Balances, entries and statements: what they say, and to whom."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.support.hosting import Clock, hosted_store
from tests.support.ledger import FIT, NOON, OTHER, admit, budget, granted, lent
from tests.support.people import someone, store_with_administrator, user
from tests.support.permission import person

from condarium.app import App, operations
from condarium.cli.page import Page as Shown
from condarium.cli.render import renderer
from condarium.errors import CondariumError, NotPermitted
from condarium.governance.ledger.statement_files import COLUMNS
from condarium.governance.ledger.statements import BadMonth
from condarium.model.access.permissions import Permission, ThingKind
from condarium.model.access.principals import Scope
from condarium.model.actor import NOBODY_IN_PARTICULAR, Actor
from condarium.model.governance.admission import AdmissionState
from condarium.model.governance.amounts import CREDIT, Period
from condarium.model.governance.projects import Project, with_id
from condarium.model.governance.resources import ResourceName
from condarium.storage.facts import Facts
from condarium.storage.governance.resources import NoSuchResource
from condarium.storage.store import Store

HOUR = timedelta(hours=1)
OWNER = Actor(name="ada")
R = ThingKind.RESOURCE
BO = "github:lab/fit#7"
LENDER = person("lender", ("lender", R, "gpu"))
AUDITOR = person("auditor", ("auditor", ThingKind.PLATFORM, ""))


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Store]:
    """In March two projects use machines that two donors pay for, and one is used without."""
    with hosted_store(tmp_path_factory.mktemp("store"), clock) as store:
        with store.database.note() as facts:
            lent(facts, budget("acme", 10), budget("bank", 50, period=Period.ONCE))
            lent(facts, name="free", factor=2 * CREDIT)
            for project, resource, hours in (
                (FIT, "gpu", 3), (FIT, "gpu", 12), (OTHER, "gpu", 2), (OTHER, "free", 1.5),
            ):  # fmt: skip
                _run(facts, project, resource, hours)
            admit(facts, 4, project=OTHER)
        yield store


def _run(facts: Facts, project: Any, resource: str, hours: float) -> None:
    job = admit(facts, hours + 1, project=project, resource=resource)
    facts.admissions.start(job, at=NOON, lease_until=NOON + HOUR)
    cost = facts.ledger.settle(job, round(hours * CREDIT), at=NOON + hours * HOUR)
    facts.admissions.end(job, AdmissionState.ENDED, at=NOON + hours * HOUR, cost=cost)


def ask(store: Store, words: str, actor: Actor = OWNER, **arguments: Any) -> Any:
    return App(store.settings, actor=actor, store=store).call(
        operations()[f"ledger {words}"], arguments
    )


def test_balances_say_what_became_of_each_gift(store: Store) -> None:
    found = {
        (each.resource, each.donor): (each.given, each.left, each.reserved, each.used)
        for each in ask(store, "balances")
    }

    assert found == {
        ("free", ""): (None, None, 0, 1_500_000),
        ("gpu", "acme"): (10 * CREDIT, CREDIT, 4 * CREDIT, 5 * CREDIT),
        ("gpu", "bank"): (50 * CREDIT, 38 * CREDIT, 0, 12 * CREDIT),
    }
    assert [each.donor for each in ask(store, "balances", donor="bank")] == ["bank"]
    assert [each.donor for each in ask(store, "balances", resource=ResourceName("free"))] == [""]


def test_a_period_that_is_over_is_shown_while_something_is_reserved_of_it(
    tmp_path: Path, clock: Clock
) -> None:
    clock = Clock(NOON)
    with hosted_store(tmp_path, clock) as store:
        with store.database.note() as facts:
            lent(facts, budget("acme", 10))
            job = admit(facts, 4)

        def months(**arguments: Any) -> list[tuple[int | None, int]]:
            found = ask(store, "balances", **arguments)
            return [(each.left, each.begins.month) for each in found]

        clock.advance(timedelta(days=30))
        assert months() == [(6 * CREDIT, 3), (10 * CREDIT, 4)]
        with store.database.note() as facts:
            facts.ledger.refund(job, at=store.now())
        assert months() == [(10 * CREDIT, 4)]
        assert months(past=True) == [(10 * CREDIT, 3), (10 * CREDIT, 4)]


def test_a_statement_sums_up_by_donor_and_by_project(store: Store) -> None:
    found = ask(store, "statement", month="2026-03")

    assert [(e.donor, e.resource, e.project, e.jobs, e.seconds, e.used) for e in found.lines] == [
        ("", "free", "namespace:f00", 1, 5400, 1_500_000),
        ("acme", "gpu", "github:7", 1, 10800, 3 * CREDIT),
        ("acme", "gpu", "namespace:f00", 1, 7200, 2 * CREDIT),
        ("bank", "gpu", "github:7", 1, 43200, 12 * CREDIT),
    ]
    assert [(e.name, e.jobs, e.used) for e in found.donors] == [
        ("bank", 1, 12 * CREDIT), ("acme", 2, 5 * CREDIT), ("", 1, 1_500_000),
    ]  # fmt: skip
    assert [(e.name, e.jobs, e.used) for e in found.projects] == [
        ("github:7", 2, 15 * CREDIT), ("namespace:f00", 2, 3_500_000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        ({}, 4),
        ({"month": "2026-02"}, 0),
        ({"donor": "acme"}, 2),
        ({"donor": ""}, 1),
        ({"project": "github:lab/fit#7"}, 2),
        ({"project": "github:lab/fit#8"}, 0),
        ({"resource": ResourceName("gpu"), "project": "namespace:far#f00"}, 1),
    ],
)
def test_a_part_can_be_asked_for(store: Store, asked: dict[str, Any], lines: int) -> None:
    assert len(ask(store, "statement", **asked).lines) == lines


@pytest.mark.parametrize("month", ["", "2026", "2026-13", "2026-00", "march", "2026-3", "1026-03"])
def test_what_names_no_month_is_refused(store: Store, month: str) -> None:
    with pytest.raises(BadMonth):
        ask(store, "statement", month=month)


def test_csv_says_the_same(store: Store) -> None:
    rows = list(csv.reader(io.StringIO(ask(store, "export").content)))

    assert tuple(rows[0]) == COLUMNS
    assert rows[1] == ["2026-03", "", "free", "namespace:f00", "1", "5400", "1.5"]
    assert rows[4] == ["2026-03", "bank", "gpu", "github:7", "1", "43200", "12"]
    assert len(rows) == 5


def test_a_chart_is_svg_with_a_bar_for_each_project_and_donor(store: Store) -> None:
    drawn = ElementTree.fromstring(ask(store, "export", form="chart").content)

    texts = [each.text for each in drawn.findall("{*}text")]
    assert {"bank: 12", "acme: 5", "no budget: 1.5", "github:7", "15", "3.5"} < set(texts)
    bars = [each for each in drawn.findall("{*}rect") if each.get("height") == "16.0"]
    assert len(bars) == 4
    assert all(float(e.get("x", 0)) + float(e.get("width", 0)) < 720 for e in bars)


def test_a_chart_of_nothing_is_a_chart(store: Store) -> None:
    content = ask(store, "export", form="chart", month="2025-01").content

    assert "Nothing was used." in [each.text for each in ElementTree.fromstring(content)]


def test_entries_come_in_pages_the_latest_first(store: Store) -> None:
    every = ask(store, "entries")
    paged, cursor = [], None
    while True:
        page = ask(store, "entries", limit=3, cursor=cursor)
        paged += page.items
        cursor = page.next
        if cursor is None:
            break

    assert paged == list(every)
    assert [each.id for each in every] == sorted((each.id for each in every), reverse=True)


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ({"kind": "fund"}, ["fund", "fund"]),
        ({"admission": 1}, ["refund", "settle", "reserve"]),
        ({"project": "namespace:far#f00", "resource": ResourceName("free")},
         ["refund", "settle", "reserve"]),
        ({"donor": "bank", "since": "2026-03-11"}, ["refund", "settle"]),
        ({"donor": "bank", "until": "2026-03-11"}, ["reserve", "fund"]),
    ],
)  # fmt: skip
def test_entries_of_a_kind(store: Store, asked: dict[str, Any], kinds: list[str]) -> None:
    assert [str(each.kind) for each in ask(store, "entries", **asked)] == kinds


def test_the_example_in_the_documentation_is_what_is_shown(tmp_path: Path) -> None:
    with hosted_store(tmp_path, Clock(NOON)) as store:
        with store.database.note() as facts:
            lent(facts, budget("acme", 40), budget("bank", 300, period=Period.YEAR))
            granted(facts, FIT)
            granted(facts, OTHER)
            for project, hours in ((FIT, 24), (OTHER, 10), (FIT, 12.5)):
                _run(facts, project, "gpu", hours)
            admit(facts, 8, project=OTHER)
        page = (Path(__file__).parents[2] / "docs/explanation/ledger.md").read_text()
        for words, asked in (
            ("balances", {}), ("statement", {"month": "2026-03"}), ("entries", {"admission": 3}),
        ):  # fmt: skip
            options = "".join(f" --{name} {value}" for name, value in asked.items())
            shown = Shown(now=NOON)
            renderer(operations()[f"ledger {words}"].result)(ask(store, words, **asked), shown)
            assert f"$ condarium ledger {words}{options}\n{shown.text()}```" in page


OPERATIONS = ["balances", "entries", "statement", "export"]
REFUSED = [
    NOBODY_IN_PARTICULAR,
    person("newcomer"),
    person("borrower", ("borrower", R, "gpu")),
    person("runner", ("runner", R, "gpu")),
    person("owner", ("owner", ThingKind.CHANNEL, "gpu")),
    person("narrow", ("lender", R, "gpu"), scope=Scope(resources=frozenset({"free"}))),
    person("reader", ("lender", R, "gpu"),
           scope=Scope(permissions=frozenset({Permission.RESOURCE_READ}))),
]  # fmt: skip


@pytest.mark.parametrize("actor", REFUSED, ids=lambda actor: actor.name)
@pytest.mark.parametrize("words", OPERATIONS)
def test_who_lends_nothing_reads_nothing(store: Store, words: str, actor: Actor) -> None:
    for asked in ({}, {"resource": ResourceName("gpu")}):
        with pytest.raises((NotPermitted, NoSuchResource)):
            ask(store, words, actor, **asked)


def _resources(found: Any) -> set[str]:
    items = getattr(found, "lines", found)
    return {getattr(each, "resource", None) or each.target.resource for each in items}


@pytest.mark.parametrize("words", ["balances", "entries", "statement"])
def test_who_lends_a_resource_reads_its_part_and_an_auditor_all(store: Store, words: str) -> None:
    assert _resources(ask(store, words, LENDER)) == {"gpu"}
    assert _resources(ask(store, words, AUDITOR)) == {"gpu", "free"}
    assert _resources(ask(store, words, AUDITOR, resource=ResourceName("free"))) == {"free"}
    with pytest.raises(NotPermitted):
        ask(store, words, LENDER, resource=ResourceName("free"))


def test_a_projects_own_people_see_its_statement_alone(tmp_path: Path) -> None:
    with hosted_store(tmp_path, Clock(NOON)) as store:
        owner = store_with_administrator(store)
        for name in ("far", "lab"):
            owner("namespace create", name=name)
        with store.database.note() as facts:
            lent(facts)
            far = Project.parse(f"namespace:far#{facts.namespaces.id('far')}")
            _run(facts, FIT, "gpu", 3)
            _run(facts, far, "gpu", 2)
        user(owner, "ada", far="admin")
        user(owner, "ben", far="viewer", lab="admin")
        for name, revoke in (("bo", False), ("cy", True)):
            user(owner, name)
            asked = {"resource": ("gpu",), "purpose": "tests", "revoke": revoke}
            number = someone(store, name)("request create", project=BO, **asked).request.id
            owner("request approve", request=number)

        def used(name: str, project: str | None) -> list[int]:
            found = someone(store, name)("ledger statement", project=project)
            return [line.used for line in found.lines]

        assert used("bo", BO) == used("bo", "github:Lab/Fit") == [3 * CREDIT]
        assert used("ada", "namespace:far") == used("ada", with_id(far)) == [2 * CREDIT]
        assert used("ben", "namespace:lab") == []
        assert used("root0", with_id(far)) == [2 * CREDIT]
        for name, project in (
            ("ben", "namespace:far"), ("ada", BO), ("ada", "namespace:far#0"), ("cy", BO),
            ("bo", "namespace:far"), ("bo", "github:lab/fit#8"), ("bo", None),
        ):  # fmt: skip
            with pytest.raises(NotPermitted):
                used(name, project)


@pytest.mark.parametrize("actor", [OWNER, LENDER, AUDITOR], ids=lambda actor: actor.name)
def test_a_resource_that_is_not_there_is_told(store: Store, actor: Actor) -> None:
    with pytest.raises(CondariumError, match="there is no resource nothing"):
        ask(store, "balances", actor, resource=ResourceName("nothing"))


@pytest.mark.parametrize("words", OPERATIONS)
def test_all_of_it_looks_like_something(store: Store, words: str) -> None:
    shown = Shown(now=store.now(), width=100)
    renderer(operations()[f"ledger {words}"].result)(ask(store, words), shown)

    assert shown.text()
    assert all(len(line) <= 100 for line in shown.text().splitlines())
