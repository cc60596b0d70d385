"""Admissions on SQLite and PostgreSQL: what is reserved, who gets a credential, what it is good
for, and what becomes of a job that falls silent."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.lending import ADA, COMMIT, LAB, job
from tests.support.people import Clock

from condarium.errors import BadArguments
from condarium.governance.admission import admissions, leases
from condarium.governance.admission.admitting import admit
from condarium.governance.admission.credentials import CredentialRefused, offer_next, redeem
from condarium.governance.admission.ending import end_in
from condarium.governance.grants.revoking import Which, revoke
from condarium.model.actor import Actor
from condarium.model.audit import Outcome
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.amounts import CREDIT, Period, cost_of
from condarium.model.governance.grants import (
    Conditions,
    GrantChange,
    GrantDecision,
    Lending,
)
from condarium.model.governance.projects import Project
from condarium.model.governance.resources import Budget, ResourceKind
from condarium.model.governance.resources import Settings as Lent
from condarium.model.secret import Secret
from condarium.storage.store import Store

LENA = Actor(name="lena")
OTHER = Project.parse("github:bo/other#12")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STATE = AdmissionState


def lend(store: Store, name: str = "gpu", *, budget: int | None = None, **settings: Any) -> None:
    """Lend a resource, an hour of which costs a credit, and for an hour at most."""
    lent = Lent(**{"kind": ResourceKind.RUNNER, "longest_job": HOUR, **settings})
    now = store.now()
    with store.database.note() as facts:
        facts.resources.add(name, lent, at=now, by="lena")
        if budget is not None:
            given = Budget(id=0, donor="d", amount=budget, period=Period.ONCE, starts_at=now)
            facts.resources.add_budget(facts.resources.get(name), given, at=now, by="lena")


def grant(store: Store, project: Project = LAB, of: str = "gpu", **lending: Any) -> int:
    decision = GrantDecision(
        number=1,
        at=store.now(),
        change=GrantChange.GRANTED,
        by="lena",
        principal=None,
        reason="why not",
        lending=Lending(**lending),
    )
    with store.database.note() as facts:
        return facts.grants.add(of, project, decision).id


def ask(store: Store, external: str, **said: Any) -> Admission:
    admitted = admit(store, job(**said), source="github", external=external, actor=LENA)
    assert admitted is not None
    return admitted


def now_of(store: Store, number: int) -> Admission:
    with store.database.read() as facts:
        return facts.admissions.get(number)


def present(store: Store, secret: str, **given: Any) -> Admission:
    usual = {"resource": "gpu", "project": LAB, "commit": COMMIT, "runner": "", "actor": LENA}
    return redeem(store, Secret(secret), **{**usual, **given})


def refusals(store: Store) -> list[str]:
    with store.database.read() as facts:
        found = [each for each in facts.audit.all() if each.outcome is Outcome.REFUSED]
    return [each.detail["reasons"] for each in found]


def balances(store: Store) -> dict[str, int]:
    with store.database.read() as facts:
        assert not facts.ledger.unbalanced()
        return {str(each.kind): each.balance for each in facts.ledger.balances()}


def test_what_is_admitted_reserves_what_it_may_cost(store: Store) -> None:
    lend(store, budget=3 * CREDIT, factor=2 * CREDIT)
    number = grant(store)
    found = ask(store, "1", time=HOUR / 2, branch="x" * 300)
    assert (found.state, found.grant, found.reserved) == (STATE.WAITING, number, CREDIT)
    assert found.time == HOUR / 2
    assert found.person == ADA
    assert balances(store) == {"gift": -3 * CREDIT, "budget": 2 * CREDIT, "reserved": CREDIT}
    assert ask(store, "1", branch="another") == found
    assert balances(store)["budget"] == 2 * CREDIT


def test_a_refusal_is_kept_with_its_reasons(store: Store) -> None:
    lend(store)
    found = ask(store, "1")
    assert found.state is STATE.REFUSED
    assert found.reasons[0] == "github:lab/tool has no grant of gpu"
    grant(store, project=replace(LAB, id="99"))
    assert "its id is 99, not 11" in ask(store, "2").reasons[1]
    assert ask(store, "1") == found
    assert admit(store, job(labels=("x",)), source="github", external="3", actor=LENA) is None


def test_a_budget_that_is_spent_refuses(store: Store) -> None:
    lend(store, budget=CREDIT)
    grant(store)
    assert ask(store, "1").state is STATE.WAITING
    found = ask(store, "2")
    assert (found.state, found.reserved) == (STATE.REFUSED, 0)
    assert "budget: the job may cost 1 credits on gpu, and left are 0 of d" in found.reasons[0]


def test_a_quota_is_of_its_period_and_of_one_grant(store: Store, clock: Clock) -> None:
    lend(store)
    grant(store, quota=CREDIT, period=Period.MONTH)
    first = ask(store, "1")
    refused = ask(store, "2")
    assert "of the 1 of grant 1, 0 are left until 2026-04-01T00:00:00Z" in refused.reasons[0]
    second = grant(store)
    assert ask(store, "3").grant == second
    with store.database.note() as facts:
        end_in(facts, first, STATE.ENDED, at=store.now(), seconds=0)
    assert ask(store, "4").grant == 1
    clock.now += timedelta(days=31)
    assert ask(store, "5").grant == 1


def test_a_quota_is_not_new_where_it_is_granted_anew(store: Store, clock: Clock) -> None:
    lend(store)
    number = grant(store, quota=CREDIT, period=Period.MONTH)
    ask(store, "1")
    running = present(store, offer_next(store, "gpu", runner="", actor=LENA).secret)
    clock.now += HOUR
    admissions.end(store, running.id, None, LENA)
    revoke(store, which=Which(numbers=(number,)), reason="over", running=False, actor=LENA)
    grant(store, quota=CREDIT, period=Period.MONTH)
    assert "of the 1 of grant 2, 0 are left" in ask(store, "2").reasons[0]
    clock.now += timedelta(days=31)
    assert ask(store, "3").grant == 2


def test_two_at_once_do_not_spend_the_same_last_credits(store: Store) -> None:
    lend(store, budget=3 * CREDIT)
    grant(store)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda each: ask(store, str(each)), range(8)))
    assert sorted(str(each.state) for each in found) == ["refused"] * 5 + ["waiting"] * 3
    assert balances(store)["reserved"] == 3 * CREDIT


def test_the_same_job_at_once_is_admitted_once(store: Store) -> None:
    lend(store, budget=3 * CREDIT)
    grant(store)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: ask(store, "the same"), range(6)))
    assert len({each.id for each in found}) == 1
    assert balances(store)["reserved"] == CREDIT


def test_two_runners_at_once_never_get_the_same_job(store: Store) -> None:
    lend(store, capacity=4)
    grant(store)
    for number in range(6):
        ask(store, str(number))
    with ThreadPoolExecutor(6) as pool:
        offers = list(pool.map(lambda _: offer_next(store, "gpu", runner="", actor=LENA), range(6)))
    got = [each.admission.id for each in offers if each.admission]
    assert sorted(got) == [1, 2, 3, 4]
    assert len({each.secret for each in offers if each.admission}) == 4
    with ThreadPoolExecutor(4) as pool:
        secret = offers[0].secret or next(each.secret for each in offers if each.secret)
        results = list(pool.map(lambda _: _tried(store, secret), range(4)))
    assert sorted(results) == ["the credential was used already"] * 3 + ["yes"]


def _tried(store: Store, secret: str) -> str:
    try:
        present(store, secret)
    except CredentialRefused as error:
        return error.message
    return "yes"


def test_a_credential_is_redeemed_once(store: Store) -> None:
    lend(store)
    grant(store)
    ask(store, "1", labels=("gpu", "run-7"))
    offer = offer_next(store, "gpu", runner="r1", actor=LENA)
    assert offer.admission is not None
    assert offer.secret.startswith("condarium_job_")
    assert offer.admission.labels == ("gpu", "run-7")
    running = present(store, offer.secret, commit=COMMIT.upper())
    assert (running.state, running.runner) == (STATE.RUNNING, "r1")
    assert running.lease_until == store.now() + leases.LEASE
    with pytest.raises(CredentialRefused, match="was used already"):
        present(store, offer.secret)
    assert offer_next(store, "gpu", runner="", actor=LENA).admission is None
    assert refusals(store) == ["was used already"]


WRONG: dict[str, dict[str, Any]] = {
    "is for another project": {"project": OTHER},
    "is for another project ": {"project": replace(LAB, id="99")},
    "is for another commit": {"commit": "d" * 40},
    "is for another resource": {"resource": "big"},
    "is for another runner": {"runner": "r2"},
}


def test_a_credential_is_good_for_one_thing(store: Store) -> None:
    lend(store)
    lend(store, "big")
    grant(store)
    for reason, given in WRONG.items():
        ask(store, reason)
        secret = offer_next(store, "gpu", runner="r1", actor=LENA).secret
        for _ in range(2):
            with pytest.raises(CredentialRefused, match=reason.strip()):
                present(store, secret, **given)
        assert present(store, secret).state is STATE.RUNNING
    assert refusals(store) == [reason.strip() for reason in WRONG for _ in range(2)]


def test_the_third_wrong_presentation_makes_it_void(store: Store) -> None:
    lend(store)
    grant(store)
    ask(store, "1")
    secret = offer_next(store, "gpu", runner="", actor=LENA).secret
    for _ in range(3):
        with pytest.raises(CredentialRefused, match="another commit"):
            present(store, secret, commit="d" * 40)
    with pytest.raises(CredentialRefused, match="is void"):
        present(store, secret)
    again = offer_next(store, "gpu", runner="", actor=LENA)
    assert again.admission is not None
    assert present(store, again.secret).id == again.admission.id


def test_a_credential_that_is_none_is_refused(store: Store) -> None:
    lend(store)
    for secret in ("", "condarium_job_x", "x" * 5000, "\N{SNOWMAN}"):
        with pytest.raises(CredentialRefused, match="none of this server's"):
            present(store, secret)
    with pytest.raises(BadArguments, match="is not known"):
        present(store, "x", project=replace(LAB, id=None))


def test_a_credential_expires_and_the_job_waits_again(store: Store, clock: Clock) -> None:
    lend(store)
    grant(store)
    ask(store, "1")
    first = offer_next(store, "gpu", runner="", actor=LENA)
    clock.now += timedelta(minutes=10)
    with pytest.raises(CredentialRefused, match="has expired"):
        present(store, first.secret)
    second = offer_next(store, "gpu", runner="", actor=LENA)
    assert second.admission is not None
    with pytest.raises(CredentialRefused, match="a newer one is in its place"):
        present(store, first.secret)
    assert present(store, second.secret).state is STATE.RUNNING


def test_revoking_makes_a_credential_void(store: Store) -> None:
    lend(store, budget=CREDIT)
    number = grant(store)
    ask(store, "1")
    secret = offer_next(store, "gpu", runner="", actor=LENA).secret
    revoke(store, which=Which(numbers=(number,)), reason="over", running=False, actor=LENA)
    with pytest.raises(CredentialRefused, match="cancelled, or its grant revoked"):
        present(store, secret)
    assert balances(store)["budget"] == CREDIT
    assert offer_next(store, "gpu", runner="", actor=LENA).admission is None


def test_what_waits_on_a_grant_that_ends_is_cancelled(store: Store, clock: Clock) -> None:
    lend(store, budget=CREDIT)
    grant(store, expires_at=clock.now + HOUR)
    found = ask(store, "1")
    clock.now += HOUR
    assert offer_next(store, "gpu", runner="", actor=LENA).admission is None
    cancelled = now_of(store, found.id)
    assert cancelled.state is STATE.CANCELLED
    assert cancelled.why == "grant 1 ended before its turn came"
    assert balances(store)["budget"] == CREDIT


def test_a_job_costs_what_it_took(store: Store, clock: Clock) -> None:
    lend(store, budget=2 * CREDIT)
    grant(store)
    ask(store, "1")
    running = present(store, offer_next(store, "gpu", runner="", actor=LENA).secret)
    clock.now += timedelta(minutes=3)
    admissions.heartbeat(store, running.id, LENA)
    clock.now += timedelta(minutes=3)
    ended = admissions.end(store, running.id, None, LENA)
    assert (ended.state, ended.cost) == (STATE.ENDED, CREDIT // 10)
    assert admissions.end(store, running.id, 0, LENA) == ended
    assert balances(store)["used"] == CREDIT // 10


def test_a_runner_says_how_long_it_took_but_never_more(store: Store, clock: Clock) -> None:
    lend(store)
    grant(store)
    for said, cost in ((36, CREDIT // 100), (-5, 0), (10**9, CREDIT // 20)):
        ask(store, str(said))
        running = present(store, offer_next(store, "gpu", runner="", actor=LENA).secret)
        clock.now += timedelta(minutes=3)
        assert admissions.end(store, running.id, said, LENA).cost == cost


def test_what_falls_silent_is_lost_and_costs_as_long_as_its_lease_went_on(
    store: Store, clock: Clock
) -> None:
    lend(store, budget=CREDIT)
    grant(store)
    ask(store, "1")
    running = present(store, offer_next(store, "gpu", runner="", actor=LENA).secret)
    clock.now += timedelta(minutes=3)
    admissions.heartbeat(store, running.id, LENA)
    clock.now += timedelta(minutes=5)
    assert leases.expire(store) == ()
    clock.now += timedelta(seconds=1)
    (lost,) = leases.expire(store)
    assert (lost.id, lost.state, lost.cost) == (running.id, STATE.LOST, cost_of(8 * MINUTE, CREDIT))
    assert leases.expire(store) == ()
    with pytest.raises(admissions.NotRunning, match="is lost; expected one that is running"):
        admissions.heartbeat(store, running.id, LENA)
    assert balances(store)["used"] == lost.cost
    clock.now += timedelta(minutes=36, seconds=-1)
    ended = admissions.end(store, running.id, None, LENA)
    assert (ended.state, ended.cost) == (STATE.ENDED, cost_of(44 * MINUTE, CREDIT))
    assert admissions.end(store, running.id, None, LENA) == ended
    assert balances(store)["used"] == ended.cost


def test_a_lost_job_that_goes_on_is_charged_no_more_than_there_is(
    store: Store, clock: Clock
) -> None:
    lend(store, budget=CREDIT)
    grant(store)
    ask(store, "1")
    running = present(store, offer_next(store, "gpu", runner="", actor=LENA).secret)
    clock.now += HOUR / 2
    (lost,) = leases.expire(store)
    assert ask(store, "2", time=HOUR * 0.75).state is STATE.WAITING
    ended = admissions.end(store, running.id, None, LENA)
    assert (ended.state, ended.cost) == (STATE.ENDED, lost.cost)
    assert "0.416666 credits were not charged" in ended.flagged


def test_a_job_costs_what_it_did_when_it_was_admitted(store: Store, clock: Clock) -> None:
    lend(store, budget=CREDIT)
    grant(store)
    ask(store, "1")
    running = present(store, offer_next(store, "gpu", runner="", actor=LENA).secret)
    with store.database.note() as facts:
        lent = facts.resources.get("gpu")
        facts.resources.change(lent, replace(lent.settings, factor=1), at=store.now())
    clock.now += HOUR / 4
    assert admissions.end(store, running.id, None, LENA).cost == CREDIT // 4


def test_what_has_ended_meanwhile_is_not_ended_again(store: Store) -> None:
    lend(store)
    grant(store)
    found = ask(store, "1")
    with store.database.note() as facts:
        assert end_in(facts, found, STATE.ENDED, at=store.now())
        assert end_in(facts, found, STATE.CANCELLED, at=store.now()) is None


def test_no_more_than_a_quota_is_admitted_however_many_ask_at_once(store: Store) -> None:
    lend(store)
    grant(store, quota=2 * CREDIT)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda each: ask(store, str(each)), range(6)))
    assert sorted(str(each.state) for each in found) == ["refused"] * 4 + ["waiting"] * 2


def test_a_job_never_has_more_time_than_it_was_admitted_for(store: Store, clock: Clock) -> None:
    lend(store)
    grant(store)
    ask(store, "1", time=timedelta(minutes=6))
    running = present(store, offer_next(store, "gpu", runner="", actor=LENA).secret)
    clock.now += timedelta(minutes=4)
    heard = admissions.heartbeat(store, running.id, LENA)
    assert heard.started_at is not None
    assert heard.lease_until == heard.started_at + timedelta(minutes=6)
    clock.now += timedelta(minutes=2)
    with pytest.raises(admissions.TimeOver):
        admissions.heartbeat(store, running.id, LENA)
    clock.now += timedelta(seconds=1)
    (over,) = leases.expire(store)
    assert (over.state, over.cost) == (STATE.ENDED, CREDIT // 10)
    assert over.ended_at == heard.lease_until
    assert admissions.end(store, running.id, None, LENA) == over


def test_what_waits_says_why(store: Store) -> None:
    lend(store, capacity=1)
    grant(store)
    suspended = grant(store, OTHER)
    first, second = ask(store, "1"), ask(store, "2")
    third = ask(store, "3", project=OTHER)
    with store.database.note() as facts:
        last = facts.grants.get(suspended).decisions[-1]
        facts.grants.decide(suspended, replace(last, number=2, change=GrantChange.SUSPENDED))
    assert admissions.show(store, first.id, LENA).waits == "nothing: it is next"
    assert admissions.show(store, second.id, LENA).waits == "1 older job goes before it"
    assert admissions.show(store, third.id, LENA).waits == f"its grant {suspended} is suspended"
    offer_next(store, "gpu", runner="", actor=LENA)
    assert "gpu runs 1 of 1" in admissions.show(store, second.id, LENA).waits


def test_a_queue_of_workers_is_not_offered_to_runners(store: Store) -> None:
    lend(store, kind=ResourceKind.QUEUE)
    with pytest.raises(BadArguments, match="queue of workers"):
        offer_next(store, "gpu", runner="", actor=LENA)


def test_a_condition_in_the_database_is_that_of_the_decision(store: Store) -> None:
    """The few rows that are read for a job decide as all of them would."""
    lend(store, label="GPU-Big".lower())
    grant(store, conditions=Conditions(branches=("main",)))
    assert ask(store, "1", labels=("GPU-big",)).state is STATE.WAITING
    assert ask(store, "2", labels=("GPU-big",), branch="x").state is STATE.REFUSED
    fake = ask(store, "3", labels=("gpu-b\N{CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I}g",))
    assert (fake.state, fake.resource) == (STATE.REFUSED, None)
