"""Decisions about grants, on SQLite and on PostgreSQL: who may make them, and what they do."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.people import Caller, Clock, someone, store_with_administrator, user

from condarium.errors import BadArguments, BadName, NotPermitted
from condarium.governance.grants.deciding import BadCommit, BadCondition, NotSuspended
from condarium.governance.grants.granting import (
    EndsBeforeItBegins,
    GrantedAlready,
    GrantOver,
    GrantStands,
    ReasonNeeded,
    ResourceRetired,
)
from condarium.governance.grants.listing import public
from condarium.model.governance.amounts import BadAmount
from condarium.model.governance.listed import ListedGrant
from condarium.model.governance.projects import BadPerson, BadProject, Person, PersonKind
from condarium.model.instants import BadInstant
from condarium.storage.governance.grants import NoSuchGrant
from condarium.storage.governance.resources import NoSuchResource
from condarium.storage.store import Store

TOOL, OTHER = "github:lab/tool#77", "github:lab/other#78"
COMMIT = "0123456789abcdef" * 2 + "01234567"
DAY = timedelta(days=1)


@pytest.fixture
def owner(store: Store) -> Caller:
    """Who owns a store that lends gpu and big, and secretly vault; ada lends gpu."""
    owner = store_with_administrator(store)
    owner("resource create", name="gpu", kind="runner", provider="acme")
    owner("resource create", name="big", kind="runner", provider="acme")
    owner("resource create", name="vault", kind="runner", provider="bank", private=True)
    for name in ("ada", "ben"):
        user(owner, name)
    owner("access bind", subject="ada", role="lender", resource="gpu")
    return owner


def lend(caller: Caller, *resources: str, project: str = TOOL, **given: Any) -> list[int]:
    wanted = resources or ("gpu",)
    made = caller("grant create", resource=wanted, project=project, reason="tests", **given)
    return [each.id for each in made.grants]


def states(caller: Caller) -> dict[int, str]:
    return {each.id: str(each.state) for each in caller("grant list")}


def changes(caller: Caller, number: int) -> list[str]:
    return [each.change for each in caller("grant show", grant=number).decisions]


def test_a_grants_life(owner: Caller, clock: Clock) -> None:
    (number,) = lend(owner, for_="10d", quota="40", branch=["main"])
    owner("grant change", grant=number, quota="none", branch=["none"], reason="more")
    owner("grant suspend", grant=number, reason="wait")
    owner("grant change", grant=number, pull_requests="yes", reason="and more")
    assert states(owner) == {number: "suspended"}
    owner("grant resume", grant=number, reason="go on")
    clock.now += 11 * DAY
    assert states(owner) == {number: "expired"}
    owner("grant renew", grant=number, for_="5d", reason="again")
    detail = owner("grant show", grant=number)
    assert str(detail.grant.state) == "active"
    assert detail.grant.quota is None
    assert detail.grant.conditions == ("pull requests too",)
    owner("grant revoke", grant=[number], reason="the end")
    assert changes(owner, number) == [
        *("granted", "changed", "suspended", "changed", "resumed", "renewed", "revoked")
    ]
    made = owner("grant show", grant=number).decisions
    assert made[1].changed == ("branch: main → any", "quota: 40 a month → none")
    assert made[3].changed == ("pull requests: no → yes",)
    assert [len(each.changed) for each in made] == [0, 2, 0, 1, 0, 1, 0]
    for name, given in (
        ("grant renew", {"for_": "5d"}), ("grant resume", {}), ("grant suspend", {}),
        ("grant change", {"quota": "1"}),
    ):  # fmt: skip
        with pytest.raises(GrantOver):
            owner(name, grant=number, reason="no", **given)
    assert owner("grant revoke", grant=[number], reason="again").grants == ()


def test_who_has_a_grant_gets_no_second_one(owner: Caller, clock: Clock) -> None:
    (number,) = lend(owner, for_="10d")
    assert lend(owner, for_="10d") == [number]
    assert changes(owner, number) == ["granted"]
    assert lend(owner, project="github:lab/renamed#77", for_="10d") == [number]
    with pytest.raises(
        GrantStands, match=f"grant {number} .* until: 2.* → it is revoked"
    ) as raised:
        lend(owner, "big", "gpu")
    assert raised.value.grant == number
    assert states(owner) == {number: "active"}
    assert changes(owner, number) == ["granted"]
    assert lend(owner, project="github:lab/tool#99") != [number]  # another one of this name
    clock.now += 30 * DAY
    (other,) = lend(owner)
    assert other != number
    with pytest.raises(GrantedAlready):
        owner("grant renew", grant=number, for_="5d", reason="which is in the way")


def test_a_project_that_had_no_id_gets_the_one_that_is_said(owner: Caller) -> None:
    made = owner("grant create", resource=["gpu"], project="github:lab/tool", reason="tests")
    assert made.grants[0].flags == ("no id: admits nothing",)
    assert "the id of github:lab/tool is not known" in made.warnings[0]
    (number,) = lend(owner)
    assert [(each.id, each.project) for each in owner("grant list")] == [(number, TOOL)]


def test_what_cannot_be_is_refused_and_changes_nothing(owner: Caller) -> None:
    owner("resource create", name="old", kind="runner")
    owner("resource retire", name="old")
    lend(owner)
    gpu = {"resource": ["gpu"], "project": TOOL}
    for name, given, error in (
        ("grant create", {"resource": ["gpu"], "project": "lab"}, BadProject),
        ("grant create", {"resource": ["nothing"], "project": TOOL}, NoSuchResource),
        ("grant create", {**gpu, "reason": " "}, ReasonNeeded),
        ("grant create", {**gpu, "reason": "x" * 3000}, ReasonNeeded),
        ("grant create", {**gpu, "quota": "much"}, BadAmount),
        ("grant create", {**gpu, "quota": "-1"}, BadAmount),
        ("grant create", {**gpu, "person": ["ada"]}, BadPerson),
        ("grant create", {**gpu, "branch": ["a b"]}, BadCondition),
        ("grant create", {**gpu, "role": ["\x1b"]}, BadCondition),
        ("grant create", {**gpu, "until": "soon"}, BadInstant),
        ("grant create", {**gpu, "until": "1d"}, EndsBeforeItBegins),
        ("grant create", {**gpu, "for_": "0s"}, EndsBeforeItBegins),
        ("grant create", {**gpu, "for_": "1d", "until": "2027-01-01"}, BadArguments),
        ("grant create", {**gpu, "quota": "3"}, GrantStands),
        ("grant create", {"resource": ["old"], "project": TOOL}, ResourceRetired),
        ("grant show", {"grant": 99}, NoSuchGrant),
        ("grant change", {"grant": 1}, BadArguments),
        ("grant renew", {"grant": 1}, BadArguments),
        ("grant renew", {"grant": 1, "until": "2020-01-01"}, EndsBeforeItBegins),
        ("grant resume", {"grant": 1}, NotSuspended),
        ("grant revoke", {}, BadArguments),
        ("grant revoke", {"grant": [1], "project": TOOL}, BadArguments),
        ("grant revoke", {"grant": [1, 99]}, NoSuchGrant),
        ("grant approve-commit", {"grant": 1, "commit": COMMIT[:12]}, BadCommit),
        ("grant approve-commit", {"grant": 1, "commit": COMMIT.upper()}, BadCommit),
        ("grant list", {"resource": "nothing"}, NoSuchResource),
        ("grant list", {"resource": "GPU"}, BadName),
    ):
        decides = not name.endswith((" list", " show", "-commit"))
        with pytest.raises(error):
            owner(name, **{**({"reason": "tests"} if decides else {}), **given})
    assert states(owner) == {1: "active"}
    assert changes(owner, 1) == ["granted"]


def test_who_does_not_lend_decides_nothing_and_sees_no_people(owner: Caller, store: Store) -> None:
    (number,) = lend(owner, person=["github:ada#12"])
    (hidden,) = lend(owner, "vault")
    ben, ada = someone(store, "ben"), someone(store, "ada")
    for name, given in (
        ("grant change", {"quota": "1"}), ("grant renew", {"for_": "1d"}), ("grant suspend", {}),
        ("grant resume", {}),
    ):  # fmt: skip
        with pytest.raises(NotPermitted):
            ben(name, grant=number, reason="mine", **given)
        with pytest.raises(NoSuchGrant):
            ben(name, grant=hidden, reason="mine", **given)
    for given, error in (
        ({"grant": [number]}, NotPermitted),
        ({"grant": [hidden]}, NoSuchGrant),
        ({"resource": "gpu"}, NotPermitted),
    ):
        with pytest.raises(error):
            ben("grant revoke", reason="mine", **given)
    assert ben("grant revoke", reason="mine", provider="bank").grants == ()
    with pytest.raises(NotPermitted):
        ben("grant approve-commit", grant=number, commit=COMMIT)
    with pytest.raises(NoSuchGrant):
        ben("grant show", grant=hidden)
    assert [each.id for each in ben("grant list")] == [number]
    assert ben("grant show", grant=number).grant.people == ()
    assert "1 person" in ben("grant show", grant=number).grant.conditions
    assert ada("grant show", grant=number).grant.people == ("github:ada#12",)
    assert owner("grant show", grant=hidden).grant.resource == "vault"


def test_a_lender_revokes_no_more_than_they_lend(owner: Caller, store: Store) -> None:
    others, mine = lend(owner, "gpu", "big")  # which are made by name
    ada = someone(store, "ada")
    for given in ({"project": TOOL}, {"provider": "acme"}, {"grant": [mine, others]}):
        with pytest.raises(NotPermitted):
            ada("grant revoke", reason="all", **given)
    assert states(owner) == {mine: "active", others: "active"}
    assert ada("grant revoke", reason="mine", resource="gpu").grants == (mine,)


def test_those_whose_jobs_it_is_for_approve_commits(owner: Caller, store: Store) -> None:
    (number,) = lend(owner, person=["github:ben-elsewhere#31"])
    ben = someone(store, "ben")
    with pytest.raises(NotPermitted):
        ben("grant approve-commit", grant=number, commit=COMMIT)
    with store.database.note() as facts:
        person = Person(kind=PersonKind.GITHUB, name="ben-elsewhere", id="31")
        identifier = facts.principals.get("ben").id
        facts.identities.link(person, identifier, at=store.now(), by="owner")
    assert ben("grant approve-commit", grant=number, commit=COMMIT).changed
    assert not ben("grant approve-commit", grant=number, commit=COMMIT).changed
    assert ben("grant show", grant=number).approved == (COMMIT,)
    assert ben("grant withdraw-commit", grant=number, commit=COMMIT).withdrawn == 1
    with pytest.raises(NotPermitted):
        ben("grant withdraw-commit", grant=number, commit=COMMIT)
    assert owner("grant withdraw-commit", grant=number, commit=COMMIT).withdrawn == 0
    assert ben("grant show", grant=number).approved == ()
    (entry,) = [
        each for each in owner("audit search", action="grant approve-commit") if each.actor == "ben"
    ][:1]
    assert entry.detail["commit"] == COMMIT


def test_notices_are_given_once_and_are_seen_in_the_lists(owner: Caller, clock: Clock) -> None:
    (ends,) = lend(owner, for_="30d")
    (unused,) = lend(owner, "big")
    assert owner("grant review-due") == ()
    clock.now += 20 * DAY
    assert [(each.grant, each.notice) for each in owner("grant review-due")] == [
        (ends, "ends on 2026-03-31")
    ]
    assert owner("grant review-due") == ()
    assert [each.id for each in owner("grant list", expiring="14d")] == [ends]
    clock.now += 200 * DAY
    assert [each.grant for each in owner("grant review-due")] == [unused]
    assert [each.id for each in owner("grant list", unused=True)] == [unused]
    assert owner("grant show", grant=unused).grant.flags == ("unused for 220 days",)
    assert changes(owner, ends) == ["granted", "noticed"]


def test_lists_come_in_pages_whatever_is_filtered(owner: Caller) -> None:
    numbers = [lend(owner, project=f"github:lab/p{each}#{each}")[0] for each in range(7)]
    owner("grant revoke", grant=numbers[1::2], reason="tests")
    found, cursor = [], None
    while True:
        page = owner("grant list", state="active", limit=2, cursor=cursor)
        found += [each.id for each in page]
        if (cursor := page.next) is None:
            break
    assert found == numbers[::2]


def test_the_list_of_an_instant_is_what_had_been_decided_by_then(
    owner: Caller, store: Store, clock: Clock
) -> None:
    """Decide at random, and keep what is public after each step: later it can be asked for."""
    chance, seen = random.Random(5), {}
    projects = [f"github:lab/p{each}#{each}" for each in range(3)]
    for _ in range(25):
        clock.now += timedelta(hours=chance.randint(1, 40))
        _decide_something(owner, chance, projects)
        seen[clock.now] = _shown(public(store))
    assert len({tuple(each) for each in seen.values()}) > 8
    for at, then in seen.items():
        assert _shown(public(store, at=at)) == then
        assert _shown(owner("access public", at=at.isoformat())) >= then
    assert not public(store, at=datetime(2020, 1, 1, tzinfo=UTC)).grants


def test_a_day_is_all_of_it(owner: Caller, store: Store, clock: Clock) -> None:
    clock.now = datetime(2026, 3, 1, 9, tzinfo=UTC)
    lend(owner, "gpu", project="github:lab/tool#1")
    clock.now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    owner("grant revoke", project="github:lab/tool", reason="tests")
    lend(owner, "gpu", project="github:lab/brief#2")
    clock.now = datetime(2026, 3, 2, 11, tzinfo=UTC)
    owner("grant revoke", project="github:lab/brief", reason="tests")
    days = {
        "2026-02-28": [],
        "2026-03-01": [("github:lab/tool#1", "active")],
        "2026-03-02": [("github:lab/brief#2", "revoked"), ("github:lab/tool#1", "revoked")],
        "2026-03-02T10:00:00Z": [("github:lab/brief#2", "active")],
        "2026-03-03": [],
    }
    for day, expected in days.items():
        found = owner("access public", at=day)
        assert [(each.project, str(each.state)) for each in found.grants] == expected, day
    assert found.since == datetime(2026, 3, 3, tzinfo=UTC)


def _decide_something(owner: Caller, chance: random.Random, projects: list[str]) -> None:
    there = [each.id for each in owner("grant list")]
    if not there or chance.random() < 0.4:
        resource = chance.choice(["gpu", "big", "vault"])
        with suppress(GrantStands):
            lend(owner, resource, project=chance.choice(projects), for_=chance.choice(["2d", "9d"]))
        return
    name = chance.choice(["grant suspend", "grant resume", "grant change", "grant revoke"])
    number = chance.choice(there)
    given = {"grant change": {"quota": "2"}}.get(name, {})
    with suppress(GrantOver, NotSuspended):
        owner(name, grant=[number] if "revoke" in name else number, reason="tests", **given)


def _shown(found: Any) -> list[tuple[Any, ...]]:
    return [_facts(each) for each in found.grants]


def _facts(each: ListedGrant) -> tuple[Any, ...]:
    return each.id, each.resource, each.project, str(each.state), each.until, each.quota


def test_many_who_decide_at_once_make_one_grant_and_no_number_twice(
    owner: Caller, store: Store
) -> None:
    def give(hours: int) -> None:
        try:
            lend(owner, for_=f"{hours}h")
        except GrantStands as error:
            owner("grant renew", grant=error.grant, for_=f"{hours}h", reason="tests")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(give, range(1, 9)))
    (number,) = states(owner)
    with store.database.read() as facts:
        decisions = facts.grants.get(number).decisions
    assert [each.number for each in decisions] == list(range(1, 9))
    assert [each.at for each in decisions] == sorted(each.at for each in decisions)
