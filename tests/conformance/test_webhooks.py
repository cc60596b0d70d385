"""Webhooks on SQLite and PostgreSQL: in whatever order, together or apart, at once or twice."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import permutations
from typing import Any

import pytest
from tests.support.borrowing import OWNER, project_of
from tests.support.github import GitHub, Webhook
from tests.support.people import Clock

from condarium.governance.github.deliveries import Delivery
from condarium.governance.github.jobs import forget, look_again, take, undecided
from condarium.governance.grants.granting import grant_in
from condarium.model.audit import walk
from condarium.model.governance.amounts import CREDIT, Period
from condarium.model.governance.grants import Lending
from condarium.model.governance.resources import Budget, ResourceKind
from condarium.model.governance.resources import Settings as Lent
from condarium.model.governance.workflow_job import read
from condarium.storage.store import Store


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now = datetime.now(UTC)
    return clock


@pytest.fixture
def github(store: Store) -> GitHub:
    github = GitHub()
    with store.database.note() as facts:
        for name in ("cpu", "gpu"):
            lent = Lent(kind=ResourceKind.RUNNER)
            facts.resources.add(name, lent, at=store.now(), by="owner")
            project = project_of(github.repository("lab/fit"))
            said: Any = {"actor": OWNER, "reason": "tests", "at": store.now()}
            grant_in(facts, name, project, Lending(), **said)
    return github


def _delivery(webhook: Webhook) -> Delivery:
    said = read(webhook.event, webhook.body)
    return Delivery(digest=sha256(webhook.body).hexdigest(), said=said)


def _story(github: GitHub, label: str = "gpu") -> tuple[dict[str, Any], list[Webhook]]:
    run = github.run(github.repository("lab/fit"), by=github.account("ada"))
    job = github.job(run, [label])
    return job, [github.requested(run), github.queued(job), github.completed(job)]


def _queued(github: GitHub, *labels: str) -> list[Delivery]:
    """Jobs of one run, and before them what is said of it."""
    run = github.run(github.repository("lab/fit"), by=github.account("ada"))
    jobs = [github.queued(github.job(run, [label])) for label in labels]
    return [_delivery(each) for each in [github.requested(run), *jobs]]


def _states(store: Store) -> dict[str, str]:
    with store.database.read() as facts:
        return {each.external: str(each.state) for each in facts.admissions.all()}


def test_every_order_ends_with_nothing_waiting_and_nothing_reserved(
    store: Store, github: GitHub
) -> None:
    for order in permutations(range(3)):
        _, webhooks = _story(github)
        for index in order:
            take(store, [_delivery(webhooks[index])])
    assert set(_states(store).values()) <= {"cancelled", "refused"}
    with store.database.read() as facts:
        assert all(each.balance == 0 for each in facts.ledger.balances())
        assert facts.runs.undecided() == []


def test_together_is_as_apart(store: Store, github: GitHub) -> None:
    webhooks = [each for _ in range(4) for each in _story(github)[1][:2]]
    answers = take(store, [_delivery(each) for each in [*webhooks, *webhooks]])
    outcomes = [each.outcome for each in answers]
    assert outcomes == ["noted", "admitted"] * 4 + ["already"] * 8
    assert list(_states(store).values()) == ["waiting"] * 4


def test_the_same_at_once_is_decided_once(store: Store, github: GitHub) -> None:
    _, (requested, queued, _) = _story(github)
    take(store, [_delivery(requested)])
    with ThreadPoolExecutor(8) as pool:
        taken = pool.map(lambda _: take(store, [_delivery(queued)])[0].outcome, range(8))
        assert sorted(taken) == ["admitted", *["already"] * 7]
    with store.database.read() as facts:
        assert [each.action for each in facts.audit.all()].count("admission decide") == 1


def test_what_was_put_off_is_looked_at_again_and_forgotten(
    store: Store, github: GitHub, clock: Clock
) -> None:
    _, (requested, queued, _) = _story(github)
    assert take(store, [_delivery(queued)])[0].outcome == "undecided"
    (again,) = undecided(store, 10)
    assert look_again(store, again).outcome == "undecided"
    clock.now += timedelta(hours=25)
    assert look_again(store, again).outcome == "refused"
    assert undecided(store, 10) == []
    clock.now += timedelta(days=8)
    take(store, [_delivery(requested)])
    clock.now += timedelta(days=8)
    forget(store)
    with store.database.read() as facts:
        said = again.said
        assert facts.runs.get(said.project.id, said.run, said.attempt) is None  # type: ignore[union-attr]
    assert take(store, [_delivery(queued)])[0].outcome == "refused"


def test_what_nothing_is_heard_of_keeps_no_other_waiting(
    store: Store, github: GitHub, clock: Clock
) -> None:
    for _ in range(3):
        take(store, [_delivery(_story(github)[1][1])])
    clock.now += timedelta(minutes=1)
    _, (_, queued, _) = _story(github)
    take(store, [_delivery(queued)])
    assert len(undecided(store, 3)) == 3
    assert [each.said for each in undecided(store, 3)] == [_delivery(queued).said]
    assert undecided(store, 3) == []
    clock.now += timedelta(seconds=30)
    assert len(undecided(store, 9)) == 1  # the older ones have longer pauses
    clock.now += timedelta(seconds=30)
    assert len(undecided(store, 9)) == 4


def test_two_jobs_of_a_batch_do_not_spend_the_same(store: Store, github: GitHub) -> None:
    with store.database.note() as facts:
        paid = Budget(
            id=0, donor="ada", amount=13 * CREDIT, period=Period.ONCE, starts_at=store.now()
        )
        gpu = facts.resources.get("gpu")
        facts.resources.add_budget(gpu, paid, at=store.now(), by="owner")
        (grant,) = facts.grants.all(resource="cpu")
        lending = Lending(quota=7 * CREDIT)
        said: Any = {"actor": OWNER, "reason": "tests", "at": store.now()}
        grant_in(facts, "cpu", grant.project, lending, **said)
    answers = take(store, _queued(github, "cpu", "cpu", "gpu", "gpu", "gpu"))
    outcomes = [each.outcome for each in answers[1:]]
    assert outcomes == ["admitted", "refused", "admitted", "admitted", "refused"]
    assert "quota: the job may cost 6 credits, and of the 7" in answers[2].reasons[0]
    assert "left are 1 of ada" in answers[5].reasons[0]
    with store.database.read() as facts:
        assert facts.ledger.unbalanced() == []
        reserved = [each.reserved for each in facts.admissions.all()]
    assert sorted(reserved) == [0, 0, *[6 * CREDIT] * 3]


def test_the_same_job_twice_in_a_batch_is_admitted_once(store: Store, github: GitHub) -> None:
    requested, queued = _queued(github, "gpu")
    other = replace(queued, digest="another body")
    answers = take(store, [requested, queued, queued, other])
    assert [each.outcome for each in answers[1:]] == ["admitted", "already", "admitted"]
    assert len({each.admission for each in answers[1:]}) == 1
    with store.database.read() as facts:
        assert [each.action for each in facts.audit.all()].count("admission decide") == 1


def test_a_whole_story_in_one_batch_the_wrong_way_round(store: Store, github: GitHub) -> None:
    _, webhooks = _story(github)
    answers = take(store, [_delivery(each) for each in reversed(webhooks)])
    assert [each.outcome for each in answers] == ["ended", "admitted", "noted"]
    assert set(_states(store).values()) == {"cancelled"}


def test_the_audit_log_of_a_batch_is_chained(store: Store, github: GitHub) -> None:
    take(store, _queued(github, "cpu", "gpu", "gpu"))
    with store.database.read() as facts:
        verified = walk(facts.audit.all(), facts.audit.head())
    assert verified.ok
    assert verified.entries >= 3


def test_a_service_is_asked_for_elsewhere(store: Store, github: GitHub) -> None:
    with store.database.note() as facts:
        lent = Lent(kind=ResourceKind.SERVICE)
        facts.resources.add("travis", lent, at=store.now(), by="owner")
    (_, alone, both) = take(store, _queued(github, "travis", "gpu"))
    assert (alone.outcome, both.outcome) == ("nothing", "admitted")
    assert len(_states(store)) == 1


def test_batches_and_steps_that_hold_a_resource_do_not_wait_in_a_circle(
    store: Store, github: GitHub
) -> None:
    batches = [_queued(github, *labels) for labels in [("cpu", "gpu"), ("gpu", "cpu")] * 12]

    def step(number: int) -> None:
        with store.database.change(OWNER, "test", str(number)) as facts:
            facts.resources.lock(("cpu", "gpu")[number % 2])

    with ThreadPoolExecutor(6) as pool:
        steps = [pool.submit(step, number) for number in range(48)]
        taken = [pool.submit(take, store, batch) for batch in batches]
        for each in [*steps, *taken]:
            each.result()
    assert list(_states(store).values()) == ["waiting"] * 48
