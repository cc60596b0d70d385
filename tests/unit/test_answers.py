"""Answers that are given again: to the same one, while nothing changes, and not for long."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from condarium.model.access.principals import Principal, PrincipalKind, Scope
from condarium.model.actor import Actor
from condarium.server.responses import Response
from condarium.server.rest import answers
from condarium.server.rest.answers import Answers
from condarium.settings import Settings
from condarium.storage.store import Store

ASKED = {"path": "/api/v1/environments", "query_string": b"limit=50"}
ANSWER = Response.json([])


def principal(name: str, scope: Scope | None = None) -> Actor:
    who = Principal(kind=PrincipalKind.USER, id=name, name=name, scope=scope or Scope())
    return Actor(name=name, principal=who)


ADA = principal("ada")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store"))) as store:
        yield store


@pytest.fixture
def kept(store: Store) -> Answers:
    """Ada was answered just now."""
    kept = Answers(store)
    kept.keep(ASKED, ADA, kept.version, ANSWER)
    return kept


def test_the_same_one_is_given_the_same_answer_from_wherever_they_ask(kept: Answers) -> None:
    assert kept.find(ASKED, ADA) is ANSWER
    elsewhere = Actor(name="ada", principal=ADA.principal, address="192.0.2.1")
    assert kept.find(ASKED, elsewhere) is ANSWER


@pytest.mark.parametrize(
    "other",
    [
        principal("ben"),
        principal("ada", Scope(channels=frozenset({"lab"}))),
        Actor(name="ada"),
    ],
)
def test_nobody_else_is(kept: Answers, other: Actor) -> None:
    assert kept.find(ASKED, other) is None


def test_another_question_has_another_answer(kept: Answers) -> None:
    assert kept.find({**ASKED, "query_string": b"limit=51"}, ADA) is None


def test_any_change_ends_it(kept: Answers, store: Store) -> None:
    with store.database.change(ADA, "test", "it"):
        pass
    assert kept.find(ASKED, ADA) is None


def test_when_its_time_is_over_one_makes_it_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(answers.time, "monotonic", lambda: now[0])
    kept = Answers(store)
    kept.keep(ASKED, ADA, kept.version, ANSWER)
    now[0] += 1.1
    assert kept.find(ASKED, ADA) is None
    assert kept.find(ASKED, ADA) is ANSWER
    now[0] += 5
    assert kept.find(ASKED, ADA) is None


def test_what_went_wrong_is_not_kept(store: Store) -> None:
    kept = Answers(store)
    kept.keep(ASKED, ADA, kept.version, Response(status=503))
    assert kept.find(ASKED, ADA) is None


def test_who_asks_while_it_is_made_has_the_same_one(store: Store) -> None:
    async def ask() -> None:
        kept, begun = Answers(store), asyncio.Event()

        async def work() -> Response:
            await begun.wait()
            return ANSWER

        first = kept.make(ASKED, ADA, work())
        assert kept.being_made(ASKED, ADA) is first
        assert kept.being_made(ASKED, principal("ben")) is None
        with store.database.change(ADA, "test", "it"):
            pass
        assert kept.being_made(ASKED, ADA) is None, "it may not tell of the change"
        begun.set()
        assert await first is ANSWER
        assert kept.find(ASKED, ADA) is None

    asyncio.run(ask())


def test_a_failure_is_told_to_who_asked_meanwhile_and_not_kept(store: Store) -> None:
    async def fail() -> Response:
        raise ValueError("it")

    async def ask() -> None:
        kept = Answers(store)
        made = kept.make(ASKED, ADA, fail())
        with pytest.raises(ValueError, match="it"):
            await made
        assert kept.being_made(ASKED, ADA) is None

    asyncio.run(ask())
