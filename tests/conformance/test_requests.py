"""Requests as facts, and two who take a step at once, on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from tests.support.people import Clock
from tests.support.review import PROJECT, Review

from condarium.errors import CondariumError, Conflict
from condarium.model.governance.grants import Conditions, Lending
from condarium.model.governance.projects import Person, Project
from condarium.model.governance.requests import (
    Asked,
    Request,
    RequestEvent,
    RequestState,
    Step,
)
from condarium.storage.governance.requests import NoSuchRequest
from condarium.storage.governance.resources import NoSuchResource
from condarium.storage.store import Store


@pytest.fixture
def lab(store: Store) -> Review:
    return Review(store)


def asked(clock: Clock) -> Request:
    people = (Person.parse("github:ada#7"), Person.parse("user:ben"))
    return Request(
        id=0,
        asked=Asked.REVOKE,
        project=Project.parse(PROJECT),
        resources=("arm", "gpu"),
        purpose="tests",
        duration=timedelta(days=90),
        use=40_000_000,
        lending=Lending(conditions=Conditions(people=people, branches=("main",)), quota=5),
        at=clock.now,
        by="ada",
        principal="f00",
    )


def test_what_is_asked_is_kept(lab: Review, clock: Clock) -> None:
    lab.lend("gpu")
    lab.lend("arm")
    wanted = asked(clock)
    with lab.store.database.note() as facts:
        added = facts.requests.add(wanted)
        assert added == replace(wanted, id=1)
        with pytest.raises(NoSuchRequest):
            facts.requests.get(2)
        with pytest.raises(NoSuchResource):
            facts.requests.add(replace(wanted, resources=("gpu", "none")))


def test_steps_have_numbers_and_a_decision_its_instant(lab: Review, clock: Clock) -> None:
    lab.lend("gpu")
    with lab.store.database.note() as facts:
        facts.requests.add(replace(asked(clock), resources=("gpu",)))
        for text in ("one", "two"):
            event = RequestEvent(
                number=0, at=clock.now, step=Step.COMMENT, by="ben", principal=None, text=text
            )
            facts.requests.step(1, event)
        facts.requests.decide(1, RequestState.DENIED, at=clock.now)
    with lab.store.database.read() as facts:
        found = facts.requests.get(1)
    assert [(each.number, each.text) for each in found.events] == [(1, "one"), (2, "two")]
    assert (found.state, found.decided_at) == (RequestState.DENIED, clock.now)


def test_of_two_who_approve_at_once_the_second_one_decides(lab: Review) -> None:
    """Neither must see the state before the other one's approval and leave it at that."""
    lab.lend("gpu", "2 lender")
    for round_ in range(6):
        number = lab.ask("ada", "gpu", project=f"github:lab/fit{round_}#{round_}")
        states = _at_once(lab, number, ("ben", "approve"), ("eve", "approve"))
        assert sorted(map(str, states)) == ["approved", "open"]
        found = lab("ada")("request show", request=number).request
        assert (found.state, len(found.grants)) == (RequestState.APPROVED, 1)


def test_of_two_last_approvals_one_decides_and_the_other_comes_late(lab: Review) -> None:
    lab.lend("gpu", "1 lender")
    for round_ in range(6):
        number = lab.ask("ada", "gpu", project=f"github:lab/fit{round_}#{round_}")
        states = _at_once(lab, number, ("ben", "approve"), ("eve", "approve"), ("ada", "withdraw"))
        found = lab("ada")("request show", request=number).request
        assert [each for each in states if not isinstance(each, Conflict)] == [found.state]
        assert len(found.grants) == (found.state is RequestState.APPROVED)
        assert len(found.events) == 1


def test_of_two_who_ask_for_the_same_at_once_one_asks(lab: Review) -> None:
    lab.lend("gpu")
    barrier = Barrier(2)

    def ask(name: str) -> int | CondariumError:
        barrier.wait()
        try:
            return lab.ask(name, "gpu")
        except CondariumError as error:
            return error

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(ask, ("ada", "cleo")))
    assert sum(isinstance(each, Conflict) for each in found) == 1
    assert len(lab("ada")("request list")) == 1


def _at_once(
    lab: Review, number: int, *steps: tuple[str, str]
) -> list[RequestState | CondariumError]:
    barrier = Barrier(len(steps))

    def take(who_and_what: tuple[str, str]) -> RequestState | CondariumError:
        caller = lab(who_and_what[0])
        barrier.wait()
        try:
            state: RequestState = caller(f"request {who_and_what[1]}", request=number).request.state
        except CondariumError as error:
            return error
        return state

    with ThreadPoolExecutor() as pool:
        return list(pool.map(take, steps))
