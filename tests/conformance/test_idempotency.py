"""Requests that may come twice: what changed something is not done twice, whoever dies when."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from condarium.errors import Refused
from condarium.model.access.principals import Principal, PrincipalKind
from condarium.model.actor import Actor, RequestClaim
from condarium.server.responses import Response
from condarium.server.rest import idempotency
from condarium.server.rest.idempotency import AnswerLost, IdempotencyKeyInUse, Once, once
from condarium.settings import Settings
from condarium.storage.idempotency import ABANDONED, RequestTakenOver
from condarium.storage.store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = Actor(name="ada")


class Killed(BaseException):
    """The process is gone: what it would have done next, it does not."""


@dataclass
class Clock:
    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(idempotency, "_PATIENCE", 0)
    settings = Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store")
    with closing(Store(settings, now=clock)) as store:
        yield store


def asked(store: Store) -> Once:
    claim = RequestClaim(by="ada", key="k", at=store.now())
    return Once(claim=claim, request="r")


def answer(
    store: Store, this: Once, then: Callable[[], None] = lambda: None, *, permitted: bool = True
) -> Response:
    """Answer a request that makes one change, after which something happens."""

    def make() -> Response:
        actor = replace(ADA, request=this.claim)
        with store.database.change(actor, "try", "it"):
            pass
        then()
        return Response.of(b"{}", media_type="application/json")

    def check() -> None:
        if not permitted:
            raise Refused

    return this.answer(store, make, secret=False, check=check)


def changes(store: Store) -> int:
    with store.database.read() as facts:
        return sum(each.action == "try" for each in facts.audit.all())


def killed() -> None:
    raise Killed


def die_instead_of_forgetting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Once, "forget", lambda *_: None)


def test_who_died_between_the_change_and_its_answer_has_changed_it_once(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_instead_of_forgetting(monkeypatch)
    with pytest.raises(Killed):
        answer(store, asked(store), killed)
    for later in (timedelta(), ABANDONED * 2):
        clock.at += later
        with pytest.raises(AnswerLost):
            answer(store, asked(store))
    assert changes(store) == 1


def test_who_died_before_the_change_is_followed_by_another_after_a_while(
    store: Store, clock: Clock
) -> None:
    asked(store).begin(store)
    with pytest.raises(IdempotencyKeyInUse):
        answer(store, asked(store))
    clock.at += ABANDONED * 2
    assert answer(store, asked(store)).status == 200
    assert changes(store) == 1


def test_who_was_taken_for_dead_changes_nothing_any_more(store: Store, clock: Clock) -> None:
    slow = asked(store)
    slow.begin(store)
    clock.at += ABANDONED * 2
    answer(store, asked(store))
    with (
        pytest.raises(RequestTakenOver),
        store.database.change(replace(ADA, request=slow.claim), "try", "it"),
    ):
        pass
    slow.forget(store)  # of the other one nothing is forgotten
    assert answer(store, asked(store)).status == 200
    assert changes(store) == 1


def test_an_answer_is_given_again_to_who_may_still_ask(store: Store) -> None:
    first = answer(store, asked(store))
    assert answer(store, asked(store)).body == first.body
    with pytest.raises(Refused):
        answer(store, asked(store), permitted=False)
    assert changes(store) == 1


def test_a_key_is_of_one_token() -> None:
    ada = Principal(kind=PrincipalKind.USER, id="1", name="ada")
    actors = [Actor(name="ada", principal=ada, token=token) for token in (None, "a", "b")]
    sent = {b"idempotency-key": b"k"}
    found = [once(sent, actor, "gc", {}, at=NOON) for actor in actors]
    assert len({each.claim.by for each in found if each}) == 3
