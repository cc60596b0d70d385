"""What is checked as somebody asks: everything that is wrong is said together, before anything is
asked."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.accounts import bind, make_token
from tests.support.people import Caller, Clock
from tests.support.review import PROJECT, Review

from condarium.access.identities import actor_of_token
from condarium.errors import BadArguments, BadSpec, NotPermitted
from condarium.governance.requests.requesting import RequestStopped
from condarium.model.access.permissions import Permission
from condarium.model.access.principals import Scope
from condarium.model.actor import NOBODY_IN_PARTICULAR
from condarium.model.document import Document
from condarium.model.governance.amounts import Period
from condarium.model.governance.projects import Person, PersonKind
from condarium.model.governance.resources import Budget
from condarium.settings import Settings
from condarium.storage.store import Store

CREDIT = 1_000_000
ASKED: dict[str, Any] = {"project": PROJECT, "resource": ["gpu"], "purpose": "tests"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lab(tmp_path: Path, clock: Clock) -> Iterator[Review]:
    settings = Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store")
    with closing(Store(settings, now=clock)) as store:
        found = Review(store)
        found.lend("gpu")
        yield found


def findings(lab: Review, name: str = "ada", **given: Any) -> tuple[list[str], list[str]]:
    """What stops a request, and what is worth knowing."""
    checked = lab(name)("request check", **{**ASKED, **given})
    stops = [str(each) for each in checked.findings if each.stops]
    assert checked.ok is not bool(stops)
    return stops, [str(each) for each in checked.findings if not each.stops]


UNSURE = "project: that github:lab/fit has the id 12 could not be checked here"


def test_a_request_that_nothing_is_wrong_with(lab: Review) -> None:
    assert findings(lab) == ([], [UNSURE])
    found = lab("ada")("request create", **ASKED)
    assert [str(each) for each in found.findings] == [UNSURE]
    assert (found.request.id, found.request.by, found.request.state) == (1, "ada", "open")
    assert [str(each) for each in found.standing.missing] == ["1 approval of a lender of gpu"]


def test_everything_is_said_together_and_nothing_is_asked(lab: Review) -> None:
    wrong = {
        "project": "namespace:nowhere",
        "resource": ["gpu", "gqu"],
        "purpose": " ",
        "duration": "5m",
        "person": ["user:nobody"],
    }
    stops, _ = findings(lab, **wrong)
    assert stops == [
        "person: there is no user nobody",
        "project: there is no namespace nowhere",
        "resource gqu: there is none of this name",
        "purpose: found 0 characters; expected 1 to 4000",
        "duration: found 0.0833 hours; expected from an hour to 3660 days",
    ]
    with pytest.raises(RequestStopped) as caught:
        lab("ada")("request create", **wrong)
    assert [str(each) for each in caught.value.findings] == stops
    assert all(each in caught.value.message for each in stops)
    assert list(lab("ada")("request list")) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"duration": "4000d"}, "duration: found 4000 days; expected from an hour to 3660 days"),
        ({"purpose": "x" * 4001}, "purpose: found 4001 characters; expected 1 to 4000"),
        ({"branch": ["x" * 256]}, "conditions: expected words of 1 to 255 characters"),
        ({"event": [""]}, "conditions: expected words of 1 to 255 characters"),
        ({"role": ["r"] * 101}, "conditions: found 101 of them; expected at most 100"),
        ({"project": "namespace:lab"}, "project: there is no namespace lab"),
        ({"revoke": True}, "resource gpu: github:lab/fit has no grant of it to revoke"),
    ],
)
def test_what_stops(lab: Review, given: dict[str, Any], said: str) -> None:
    assert findings(lab, **given)[0] == [said]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"project": "github:lab/fit"}, "project: the id of github:lab/fit is not known"),
        ({"person": ["github:ada"]}, "person: the id of github:ada is not known"),
        ({"event": ["pull_request"]}, "conditions: event pull_request is named, and pull requests"),
        ({"fork_approval": True}, "conditions: forks are named, and pull requests are not"),
        ({"use": "9", "quota": "8"}, "quota: 8 credits are less than the use that is expected"),
    ],
)
def test_what_is_worth_knowing(lab: Review, given: dict[str, Any], said: str) -> None:
    stops, notes = findings(lab, **given)
    assert stops == []
    assert notes[-1].startswith(said)


def test_names_become_ids(lab: Review) -> None:
    lab.owner("namespace create", name="lab")
    bind(lab.store, "ada", "viewer", "namespace", "lab")
    found = lab("ada")(
        "request create", **{**ASKED, "project": "namespace:lab", "person": ["user:BEN"]}
    ).request
    with lab.store.database.read() as facts:
        assert found.project.id == str(facts.namespaces.id("lab"))
    (person,) = found.lending.conditions.people
    assert person.id == lab.ids["ben"]


@pytest.mark.parametrize(
    "given", [{"project": "namespace:lab#999"}, {"person": ["user:ben#somebody-else"]}]
)
def test_another_id_behind_a_name_is_not_taken(lab: Review, given: dict[str, Any]) -> None:
    lab.owner("namespace create", name="lab")
    bind(lab.store, "ada", "viewer", "namespace", "lab")
    ((said,), _) = findings(lab, **given)
    assert "has the id" in said


def test_a_namespace_that_one_does_not_see_is_not_there(lab: Review) -> None:
    lab.owner("namespace create", name="lab")
    there, absent = (findings(lab, project=f"namespace:{name}") for name in ("lab", "bal"))
    assert there[0] == ["project: there is no namespace lab"]
    assert absent[0] == ["project: there is no namespace bal"]


def test_a_resource_that_one_does_not_see_is_not_there(lab: Review) -> None:
    lab.lend("secret", public=False)
    assert findings(lab, resource=["secret"])[0] == ["resource secret: there is none of this name"]
    bind(lab.store, "ada", "borrower", "resource", "secret")
    assert findings(lab, resource=["secret"])[0] == []


def test_nothing_more_is_lent_of_what_is_retired(lab: Review) -> None:
    lab.owner("resource retire", name="gpu")
    assert findings(lab)[0] == ["resource gpu: it is retired: nothing more is lent of it"]


def test_terms_are_accepted_by_whoever_asks_and_by_the_people_named(lab: Review) -> None:
    with lab.store.database.note() as facts:
        facts.terms.publish("fair", "Be fair.", at=lab.store.now(), by="owner")
    lab.lend("arm", terms="fair")
    given = {"resource": ["arm"], "person": ["github:ada#7", "github:zoe#9"]}
    missing = "has not accepted version 1 of the terms fair"
    everybody = [
        f"resource arm: {who} {missing}" for who in ("user:ada", "github:ada", "github:zoe")
    ]
    assert findings(lab, **given)[0] == everybody

    def accept(*people: Person) -> None:
        with lab.store.database.note() as facts:
            for each in people:
                facts.terms.accept(each, "fair", 1, at=lab.store.now())

    ada = Person(kind=PersonKind.GITHUB, name="ada", id="7")
    with lab.store.database.note() as facts:
        facts.identities.link(ada, lab.ids["ada"], at=lab.store.now(), by="owner")
    accept(ada)
    assert findings(lab, **given)[0] == everybody[2:]
    accept(Person(kind=PersonKind.GITHUB, name="zoe", id="9"))
    assert findings(lab, **given)[0] == []
    with lab.store.database.note() as facts:
        facts.terms.publish("fair", "Be fairer.", at=lab.store.now(), by="owner")
    assert len(findings(lab, **given)[0]) == 3


def give(lab: Review, amount: int, *, days: int | None = None, since: int = 0) -> None:
    now = lab.store.now()
    with lab.store.database.note() as facts:
        budget = Budget(
            id=0,
            donor="donor",
            amount=amount * CREDIT,
            period=Period.MONTH,
            starts_at=now + timedelta(days=since),
            ends_at=now + timedelta(days=days) if days else None,
        )
        facts.resources.add_budget(facts.resources.get("gpu"), budget, at=now, by="owner")


def test_budgets_are_looked_at(lab: Review, clock: Clock) -> None:
    give(lab, 12, days=60)
    assert findings(lab, use="12", duration="59d") == ([], [UNSURE])
    _, notes = findings(lab, use="40", duration="61d")
    assert notes[1:] == [
        "resource gpu: 12 credits are left of its budgets, and 40 a month are asked for; "
        "the next period begins at 2026-04-01T00:00:00Z",
        "resource gpu: its last budget ends at 2026-04-30T12:00:00Z, before the request does",
    ]
    clock.now += timedelta(days=61)
    assert findings(lab)[0] == ["resource gpu: no budget pays for it now; no other one follows"]
    give(lab, 1, since=2)
    said = "resource gpu: no budget pays for it now; the next period begins at"
    assert findings(lab)[1][1].startswith(said)


def test_what_is_granted_already(lab: Review) -> None:
    first = lab.ask("ada", "gpu", duration="90d", quota="10")
    lab("ben")("request approve", request=first)
    said_less = {"duration": "1d"}  # of a quota, nothing: so that stays as well
    for given in ({"duration": "90d", "quota": "10"}, {"duration": "1d", "quota": "3"}, said_less):
        ((said,), _) = findings(lab, **given)
        assert said.startswith("resource gpu: grant 1 covers all of it already, until 2026-05-30")
    for more, what in (
        ({"duration": "91d"}, "until: 2026-05-30T12:00:00Z → 2026-05-31T12:00:00Z"),
        ({"duration": "90d", "quota": "11"}, "quota: 10 a month → 11 a month"),
        ({"quota": "10"}, "until: 2026-05-30T12:00:00Z → it is revoked"),
    ):
        said = f"resource gpu: grant 1 is there: {what}; what is not named here stays"
        assert findings(lab, **more) == ([], [UNSURE, said])
    assert findings(lab, revoke=True)[0] == []


def test_the_same_is_asked_once(lab: Review) -> None:
    lab.lend("arm")
    lab.ask("ada", "gpu")
    said = "project: request 1 is open and asks for gpu already"
    assert findings(lab, "cleo", resource=["arm", "gpu"])[0] == [said]
    assert findings(lab, "cleo", project="github:LAB/Fit")[0] == [said]
    assert findings(lab, resource=["arm"])[0] == findings(lab, project="github:lab/o#1")[0] == []
    lab("ada")("request withdraw", request=1)
    assert findings(lab)[0] == []


def test_a_file_says_it_all_or_options_do(lab: Review) -> None:
    text = f"version: 1\nproject: {PROJECT}\nresources: [gpu]\npurpose: tests\nduration: 90d\n"
    file = Document(name="request.yml", content=text.encode())
    found = lab("ada")("request create", file=file).request
    assert (found.duration, found.resources) == (timedelta(days=90), ("gpu",))
    with pytest.raises(BadArguments, match="a file and options"):
        lab("ada")("request create", file=file, branch=["main"])
    with pytest.raises(BadArguments, match="who asks for what"):
        lab("ada")("request create", project=PROJECT)
    with pytest.raises(BadSpec, match=r"request.yml:1:1"):
        lab("ada")("request create", file=Document(name="request.yml", content=b"verson: 1"))


def test_who_may_ask(lab: Review) -> None:
    lab.owner("namespace create", name="lab")
    for step in ("check", "create"):
        with pytest.raises(NotPermitted):
            Caller(lab.store, NOBODY_IN_PARTICULAR)(f"request {step}", **ASKED)
        for scope in (
            Scope(namespaces=frozenset({"lab"})),
            Scope(permissions=frozenset({Permission.RESOURCE_READ})),
        ):
            secret = make_token(lab.store, "ada", scope=scope)
            with pytest.raises(NotPermitted):
                Caller(lab.store, actor_of_token(lab.store, secret))(f"request {step}", **ASKED)
    secret = make_token(lab.store, "ada", scope=Scope(resources=frozenset({"gpu"})))
    caller = Caller(lab.store, actor_of_token(lab.store, secret))
    assert caller("request create", **ASKED).request.by == "ada"
