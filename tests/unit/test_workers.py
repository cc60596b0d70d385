"""Who makes what is not at hand: nobody waits for another's encodings, and no queue is endless."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from condarium.server.content.workers import Busy, Workers
from condarium.server.problems import problem


@contextmanager
def workers() -> Iterator[tuple[Workers, Event]]:
    """Workers, and what those who encode wait for."""
    found, go_on = Workers(), Event()
    try:
        yield found, go_on
    finally:
        go_on.set()
        found.stop()


def waiting(event: Event) -> None:
    assert event.wait(30)


def test_who_wants_the_same_waits_for_one() -> None:
    made = []

    def make() -> None:
        made.append(1)

    async def want() -> None:
        await asyncio.gather(*(found.encode("lab", make) for _ in range(100)))
        await found.encode("lab", make)

    with workers() as (found, _):
        asyncio.run(want())
    assert len(made) == 2


def test_nothing_else_waits_while_encodings_are_made() -> None:
    async def want() -> None:
        making = [asyncio.create_task(found.encode(key, lambda: waiting(go_on))) for key in "abcd"]
        await asyncio.sleep(0)
        assert await found.run(lambda: "quick") == "quick"
        assert await found.run(lambda: "patient", patient=True) == "patient"
        go_on.set()
        await asyncio.gather(*making)

    with workers() as (found, go_on):
        asyncio.run(want())


def test_of_too_many_the_last_are_told_to_come_again() -> None:
    async def want() -> None:
        making = [
            asyncio.create_task(found.encode(key, lambda: waiting(go_on))) for key in range(40)
        ]
        await asyncio.sleep(0)
        refused = [each.exception() for each in making if each.done()]
        assert len(refused) == 8
        for error in refused:
            assert isinstance(error, Busy)
            assert problem(error).status == 503
            assert b"retry-after" in dict(problem(error).headers)
        go_on.set()
        await asyncio.gather(*(each for each in making if not each.done()))
        await found.encode(0, lambda: None)

    with workers() as (found, go_on):
        asyncio.run(want())


def test_a_failure_is_told_to_all_who_wait_and_passes() -> None:
    def fail() -> None:
        raise LookupError("a shard")

    async def want() -> None:
        told = await asyncio.gather(
            *(found.encode("lab", fail) for _ in range(3)), return_exceptions=True
        )
        assert [type(each) for each in told] == [LookupError] * 3
        await found.encode("lab", lambda: None)

    with workers() as (found, _):
        asyncio.run(want())


def test_who_goes_away_leaves_the_others_waiting() -> None:
    async def want() -> None:
        first, second = (
            asyncio.create_task(found.encode("lab", lambda: waiting(go_on))) for _ in range(2)
        )
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go_on.set()
        await second

    with workers() as (found, go_on):
        asyncio.run(want())
