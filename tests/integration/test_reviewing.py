"""Requests as people review them: who may, what counts, and what a decision does."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.accounts import bind, make_token, make_user
from tests.support.people import Caller, Clock
from tests.support.review import PROJECT, Review

from condarium.access.identities import actor_of_token
from condarium.errors import BadInput, NotPermitted
from condarium.governance.grants.granting import ResourceRetired
from condarium.governance.requests.reviewing import ApprovedAlready, OwnRequest, WordsNeeded
from condarium.model.access.permissions import Permission
from condarium.model.access.principals import PrincipalKind, Scope
from condarium.model.actor import NOBODY_IN_PARTICULAR
from condarium.model.governance.amounts import CREDIT
from condarium.model.governance.grants import GrantState
from condarium.model.governance.projects import Project
from condarium.model.governance.requests import RequestOver, RequestState
from condarium.settings import Settings
from condarium.storage.governance.requests import NoSuchRequest
from condarium.storage.store import Store

BOTH = ("1 lender", "1 group:core")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lab(tmp_path: Path, clock: Clock) -> Iterator[Review]:
    settings = Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store")
    with closing(Store(settings, now=clock)) as store:
        yield Review(store)


def approve(lab: Review, name: str, number: int) -> RequestState:
    return lab(name)("request approve", request=number).request.state


def grants(lab: Review, resource: str) -> list[GrantState]:
    with lab.store.database.read() as facts:
        found = facts.grants.all(resource=resource, project=Project.parse(PROJECT))
    return [each.state(lab.store.now()) for each in found]


def test_the_last_approval_grants_everything_at_once(lab: Review, clock: Clock) -> None:
    lab.lend("gpu", *BOTH)
    lab.lend("arm")
    number = lab.ask("ada", "gpu", "arm", duration="90d", quota="60", pull_requests=True)
    assert approve(lab, "ben", number) is RequestState.OPEN
    assert grants(lab, "gpu") == grants(lab, "arm") == []
    clock.now += timedelta(days=1)
    found = lab("dan")("request approve", request=number, comment="fine")
    assert found.request.state is RequestState.APPROVED
    assert found.standing is None
    with lab.store.database.read() as facts:
        made = facts.grants.all(request=number)
    assert found.request.grants == tuple(each.id for each in made)
    assert {each.resource for each in made} == {"gpu", "arm"}
    for each in made:
        assert each.lending.expires_at == clock.now + timedelta(days=90)
        assert (each.lending.quota, each.granted_by) == (60_000_000, "dan")
        assert each.lending.conditions.pull_request
        assert each.decisions[0].reason == f"request {number}: tests"
    said = [(each.step, each.by, each.text) for each in found.request.events]
    assert said == [("approve", "ben", ""), ("approve", "dan", "fine")]


def test_an_approved_request_changes_the_grant_there_is(lab: Review, clock: Clock) -> None:
    lab.lend("gpu")
    approve(lab, "ben", lab.ask("ada", "gpu", duration="90d"))
    clock.now += timedelta(days=30)
    second = lab.ask("ada", "gpu", duration="90d", quota="5")
    found = lab("ben")("request approve", request=second).request
    assert found.grants == (1,)
    with lab.store.database.read() as facts:
        grant = facts.grants.get(1)
    assert [each.change for each in grant.decisions] == ["granted", "changed"]
    assert grant.lending.expires_at == clock.now + timedelta(days=90)


def test_what_a_request_does_not_speak_of_stays_and_reviewers_see_what_changes(
    lab: Review, clock: Clock
) -> None:
    lab.lend("gpu", "1 lender", "1 group:core")
    people = ["github:ada#7"]
    approve(lab, "ben", first := lab.ask("ada", "gpu", branch=["main"], quota="50", person=people))
    approve(lab, "dan", first)
    second = lab.ask("cleo", "gpu", branch=["dev"], use="5", duration="9d")
    until = f"{clock.now + timedelta(days=9):%FT%TZ}"
    said = [
        f"resource gpu: grant 1 is there: branch: main → dev; until: it is revoked → {until}; "
        "what is not named here stays"
    ]
    for name, step in (("ben", "show"), ("ben", "approve"), ("dan", "approve")):
        assert [*map(str, lab(name)(f"request {step}", request=second).findings)] == said
    with lab.store.database.read() as facts:
        lending = facts.grants.get(1).lending
    assert (lending.conditions.branches, lending.quota) == (("dev",), 50 * CREDIT)
    assert [str(each) for each in lending.conditions.people or ()] == ["github:ada"]
    detail = lab("ben")("grant show", grant=1)
    assert (detail.grant.by, detail.decisions[1].changed[0]) == ("ben, dan", "branch: main → dev")


def test_reviewers_are_told_of_a_project_without_an_id_and_of_budgets(lab: Review) -> None:
    lab.lend("gpu", "2 lender")
    lab.owner("resource add-budget", name="gpu", donor="acme", amount="100")
    number = lab.ask("ada", "gpu", project="github:lab/fit", use="40")
    nameless, budget = map(str, lab("ben")("request approve", request=number).findings)
    assert nameless.startswith("project: the id of github:lab/fit is not known")
    left = "resource gpu: 100 credits are left of its budgets until "
    assert budget.startswith(left)
    assert budget.endswith("; expected: 40 a month")


def test_a_request_to_revoke_revokes(lab: Review, clock: Clock) -> None:
    lab.lend("gpu")
    approve(lab, "ben", lab.ask("ada", "gpu"))
    assert grants(lab, "gpu") == [GrantState.ACTIVE]
    clock.now += timedelta(days=1)
    number = lab.ask("cleo", "gpu", revoke=True, purpose="it moved away")
    assert grants(lab, "gpu") == [GrantState.ACTIVE]
    found = lab("ben")("request approve", request=number).request
    assert (grants(lab, "gpu"), found.grants) == ([GrantState.REVOKED], (1,))


def test_one_person_fills_one_need(lab: Review) -> None:
    lab.lend("gpu", *BOTH)
    number = lab.ask("ada", "gpu")
    found = lab("eve")("request approve", request=number)
    assert [str(each) for each in found.standing.missing] == ["1 approval of group core for gpu"]
    with pytest.raises(ApprovedAlready, match="group core"):
        approve(lab, "eve", number)
    assert approve(lab, "ben", number) is RequestState.APPROVED  # eve's is core's then


def test_whoever_asked_does_not_review(lab: Review) -> None:
    lab.lend("gpu", "1 lender")
    lab.lend("arm", "1 group:core")
    own = lab.ask("eve", "gpu", "arm")
    for step in ("approve", "deny"):
        reason = {"reason": "no"} if step == "deny" else {}
        with pytest.raises(OwnRequest, match="eve asked for it"):
            lab("eve")(f"request {step}", request=own, **reason)
    assert lab("eve")("request show", request=own).standing.counted == ()


@pytest.mark.parametrize("linked", ["eve", "cleo"])
def test_nor_with_another_account_of_theirs(lab: Review, linked: str) -> None:
    """Whichever of both was said to be the other, or a third one both."""
    lab.lend("gpu")
    number = lab.ask("ada", "gpu")
    for name in {"ada", "eve"} - {linked}:
        lab.owner("user link", name=linked, person=f"user:{name}")
    with pytest.raises(OwnRequest):
        approve(lab, "eve", number)
    assert approve(lab, "ben", number) is RequestState.APPROVED


def test_two_accounts_of_one_person_are_one_approval(lab: Review) -> None:
    lab.lend("gpu", "2 lender")
    lab.owner("user link", name="ben", person="user:eve")
    number = lab.ask("ada", "gpu")
    assert approve(lab, "ben", number) is RequestState.OPEN
    with pytest.raises(ApprovedAlready):
        approve(lab, "eve", number)


def test_what_one_person_is_by_either_account_counts_once(lab: Review) -> None:
    lab.lend("gpu", "1 lender", "1 group:core")
    lab.owner("user link", name="dan", person="user:ben")
    number = lab.ask("ada", "gpu")
    assert approve(lab, "dan", number) is RequestState.OPEN
    assert approve(lab, "ben", number) is RequestState.OPEN
    with pytest.raises(ApprovedAlready):
        approve(lab, "ben", number)
    assert approve(lab, "eve", number) is RequestState.APPROVED


def test_a_role_that_is_lost_in_the_middle_no_longer_counts(lab: Review) -> None:
    lab.lend("gpu", *BOTH)
    number = lab.ask("ada", "gpu")
    approve(lab, "ben", number)
    lab.end_lender("ben", "gpu")
    assert approve(lab, "dan", number) is RequestState.OPEN
    missing = lab("ada")("request show", request=number).standing.missing
    assert [str(each) for each in missing] == ["1 approval of a lender of gpu"]
    with pytest.raises(NotPermitted, match="no rule of gpu wants ben's approval"):
        approve(lab, "ben", number)
    assert approve(lab, "eve", number) is RequestState.APPROVED


def test_nor_does_a_membership_or_an_account_that_ended(lab: Review) -> None:
    lab.lend("gpu", "1 lender", "1 group:core", "1 group:core")
    number = lab.ask("ada", "gpu")
    for name in ("dan", "eve"):
        approve(lab, name, number)
    lab.leave("dan")
    lab.owner("user disable", name="eve")
    assert approve(lab, "ben", number) is RequestState.OPEN
    counts = [each.count for each in lab("ben")("request show", request=number).standing.missing]
    assert counts == [2]
    lab.owner("user enable", name="eve")
    lab.join("cleo")
    assert approve(lab, "cleo", number) is RequestState.APPROVED


def test_a_role_that_comes_back_counts_again_and_a_rule_that_eases_does_at_once(
    lab: Review,
) -> None:
    lab.lend("gpu", "2 lender")
    number = lab.ask("ada", "gpu")
    approve(lab, "ben", number)
    lab.owner("resource change", name="gpu", rule=["1 lender"])
    assert approve(lab, "ben", number) is RequestState.APPROVED


def test_an_administrator_is_a_lender_of_everything_and_in_no_group(lab: Review) -> None:
    lab.lend("gpu")
    lab.lend("arm", "1 group:core")
    assert approve(lab, "root0", lab.ask("ada", "gpu")) is RequestState.APPROVED
    with pytest.raises(NotPermitted):
        approve(lab, "root0", lab.ask("ada", "arm"))


def test_the_owner_of_the_store_is_one_person(lab: Review) -> None:
    lab.lend("gpu", "2 lender")
    asked = {"project": PROJECT, "resource": ["gpu"], "purpose": "tests"}
    own = lab.owner("request create", **asked).request.id
    with pytest.raises(OwnRequest):
        lab.owner("request approve", request=own)
    lab.owner("request withdraw", request=own)
    number = lab.ask("ada", "gpu")
    assert lab.owner("request approve", request=number).request.state is RequestState.OPEN
    assert approve(lab, "ben", number) is RequestState.APPROVED


def test_a_machine_reviews_nothing(lab: Review) -> None:
    """Or whoever asked could have it approve."""
    lab.lend("gpu")
    with lab.store.database.note() as facts:
        facts.principals.add(PrincipalKind.SERVICE, "ci", at=lab.store.now(), by="ada")
    lab.make_lender("ci", "gpu")
    with pytest.raises(NotPermitted, match="an account of no person"):
        approve(lab, "ci", lab.ask("ada", "gpu"))


def test_a_narrowed_token_reviews_what_it_reaches(lab: Review) -> None:
    lab.lend("gpu")
    lab.lend("arm")
    number = lab.ask("ada", "gpu", "arm")
    every = frozenset({Permission.RESOURCE_LEND, Permission.RESOURCE_READ, Permission.SIGNED_IN})

    def holding(*names: str, permissions: frozenset[Permission] | None = None) -> Caller:
        scope = Scope(resources=frozenset(names) or None, permissions=permissions)
        secret = make_token(lab.store, "ben", scope=scope)
        return Caller(lab.store, actor_of_token(lab.store, secret))

    for caller in (
        holding("gpu"),
        holding(permissions=every - {Permission.RESOURCE_LEND}),
        holding("gpu", permissions=every),
    ):
        with pytest.raises(NotPermitted):
            caller("request approve", request=number)
    found = holding("gpu", "arm", permissions=every)("request approve", request=number)
    assert found.request.state is RequestState.APPROVED


def test_a_denial_says_why_and_is_the_end(lab: Review) -> None:
    lab.lend("gpu")
    number = lab.ask("ada", "gpu")
    with pytest.raises(NotPermitted):
        lab("cleo")("request deny", request=number, reason="no")
    with pytest.raises(WordsNeeded):
        lab("ben")("request deny", request=number, reason="  ")
    found = lab("ben")("request deny", request=number, reason="too long").request
    assert (found.state, found.events[-1].text) == (RequestState.DENIED, "too long")
    for step in ("approve", "withdraw"):
        with pytest.raises(RequestOver, match="is denied already"):
            lab("root0")(f"request {step}", request=number)
    assert lab("ada")("request comment", request=number, text="a pity").request.events[-1].text


def test_a_request_is_withdrawn_by_whoever_asked_or_an_administrator(lab: Review) -> None:
    lab.lend("gpu")
    for name in ("ada", "root0"):
        number = lab.ask("ada", "gpu")
        with pytest.raises(NotPermitted):
            lab("ben")("request withdraw", request=number)
        found = lab(name)("request withdraw", request=number, reason="in error").request
        assert found.state is RequestState.WITHDRAWN
    with pytest.raises(RequestOver):
        approve(lab, "ben", number)
    assert grants(lab, "gpu") == []


def test_what_was_retired_meanwhile_is_not_granted(lab: Review) -> None:
    lab.lend("arm")
    lab.lend("gpu")
    number = lab.ask("ada", "arm", "gpu")
    lab.owner("resource retire", name="gpu")
    with pytest.raises(ResourceRetired):
        approve(lab, "ben", number)
    assert grants(lab, "arm") == []
    assert lab("ada")("request show", request=number).request.events == ()


def test_what_is_hidden_is_hidden(lab: Review) -> None:
    lab.lend("secret", public=False)
    lab.lend("gpu")
    bind(lab.store, "ada", "borrower", "resource", "secret")
    hidden = lab.ask("ada", "gpu", "secret", person=["user:ada"])
    seen = lab.ask("ada", "gpu", project="github:lab/other#1", person=["user:ada", "user:ben"])
    for step, given in (
        ("show", {}),
        ("approve", {}),
        ("withdraw", {}),
        ("comment", {"text": "hm"}),
        ("deny", {"reason": "no"}),
    ):
        with pytest.raises(NoSuchRequest):
            lab("cleo")(f"request {step}", request=hidden, **given)
    assert [each.id for each in lab("cleo")("request list")] == [seen]
    for name in ("ada", "ben", "root0"):
        assert [each.id for each in lab(name)("request list")] == [seen, hidden]
    anybody = Caller(lab.store, NOBODY_IN_PARTICULAR)
    found = anybody("request show", request=seen)
    assert found.request.lending.conditions.people is None
    assert "2 people" in found.conditions
    people = lab("ben")("request show", request=seen).request.lending.conditions.people
    assert [each.name for each in people] == ["ada", "ben"]
    for step, given in (("approve", {}), ("comment", {"text": "hm"}), ("withdraw", {})):
        with pytest.raises(NotPermitted):
            anybody(f"request {step}", request=seen, **given)


def test_lists(lab: Review, clock: Clock) -> None:
    lab.lend("gpu", *BOTH)
    lab.lend("arm")
    asked = [
        lab.ask("ada", "gpu"),
        lab.ask("ada", "arm"),
        lab.ask("ben", "arm", project="github:lab/other"),
        lab.ask("cleo", "gpu", project="github:lab/third#7"),
    ]
    approve(lab, "ben", asked[1])

    def listed(name: str, **given: object) -> list[int]:
        return [each.id for each in lab(name)("request list", **given)]

    assert listed("dan") == asked[::-1]
    assert listed("dan", state="approved") == [asked[1]]
    assert listed("dan", resource="arm") == [asked[2], asked[1]]
    assert listed("dan", project="github:lab/fit#12") == [asked[1], asked[0]]
    assert listed("dan", project="github:lab/FIT") == [asked[1], asked[0]]
    assert listed("ada", mine=True) == [asked[1], asked[0]]
    assert listed("dan", to_review=True) == [asked[3], asked[0]]
    assert listed("ben", to_review=True) == [asked[3], asked[0]]
    assert listed("ada", to_review=True) == []
    first = lab("dan")("request list", limit=3)
    rest = lab("dan")("request list", limit=3, cursor=first.next)
    assert [each.id for each in (*first, *rest)] == asked[::-1]
    assert rest.next is None


def test_every_step_is_in_the_audit_log(lab: Review) -> None:
    lab.lend("gpu")
    number = lab.ask("ada", "gpu")
    lab("cleo")("request comment", request=number, text="please")
    lab("ben")("request approve", request=number, comment="welcome")
    entries = lab.owner("audit search", action="request")
    said = [(each.actor, each.action, each.detail) for each in entries]
    assert (
        "ada",
        "request create",
        {"resources": "gpu", "reason": "tests", "request": "1"},
    ) in said
    assert ("cleo", "request comment", {"reason": "please"}) in said
    done = {"reason": "welcome", "state": "approved", "grants": "1"}
    assert ("ben", "request approve", done) in said


def test_words_have_a_limit(lab: Review) -> None:
    lab.lend("gpu")
    number = lab.ask("ada", "gpu")
    with pytest.raises(BadInput, match="found 4001 characters"):
        lab("cleo")("request comment", request=number, text="x" * 4001)


def test_somebody_new_without_a_role_cannot_approve(lab: Review) -> None:
    lab.lend("gpu")
    make_user(lab.store, "fay", None)
    with pytest.raises(NotPermitted):
        approve(lab, "fay", lab.ask("ada", "gpu"))
