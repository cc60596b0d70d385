"""Jobs that are followed while the database is not always there; turns that are given up."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from tests.support.people import Caller, someone, user

from condarium.access.identities import actor_of_token
from condarium.app import operations
from condarium.errors import DatabaseFailed
from condarium.jobs.asking import submitting, watching
from condarium.model.actor import Actor
from condarium.model.jobs import EventKind, Job, JobEvent
from condarium.server.rest import turns
from condarium.server.rest.deferred import Events
from condarium.server.rest.following import Following
from condarium.server.rest.turns import TooBusy, TookTooLong, Turn, Turns
from condarium.settings import Settings
from condarium.storage.failures import StoreBusy
from condarium.storage.store import Store

LIST = operations()["channel list"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    settings = Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store")
    with closing(Store(settings)) as store:
        yield store


@pytest.fixture
def job(store: Store) -> Job:
    return submitting.submit(store, Actor(name="ada"), operations()["gc"], {})


def say(store: Store, job: Job, count: int) -> None:
    said = [
        JobEvent(number=0, at=store.now(), kind=EventKind.SAY, text=str(each))
        for each in range(count)
    ]
    with store.database.note() as facts:
        facts.job_events.add(job.id, said)


def cancel(store: Store, job: Job) -> None:
    with store.database.note() as facts:
        facts.jobs.cancel(job.id, at=store.now(), by="ada")


async def followed(store: Store, job: Job, after: int = 0) -> list[int | str]:
    """The numbers of the events, and how the job ended."""
    following = Following(store)
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    try:
        async with asyncio.timeout(20):
            return [
                each.number if isinstance(each, JobEvent) else str(each.status)
                async for each in following.events(job.id, after, every=60, gone=gone)
                if each
            ]
    finally:
        following.stop()


@pytest.mark.parametrize("error", [StoreBusy(), DatabaseFailed("gone")])
def test_who_follows_a_job_goes_on_when_the_database_is_back(
    store: Store, job: Job, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    cancel(store, job)
    read, left = watching.job, iter([True, True])

    def failing(store: Store, number: int) -> Job:
        if next(left, False):
            raise error
        return read(store, number)

    monkeypatch.setattr(watching, "job", failing)
    assert asyncio.run(followed(store, job)) == [1, "cancelled"]


def test_of_many_events_all_are_told(store: Store, job: Job) -> None:
    say(store, job, 2500)
    cancel(store, job)
    assert asyncio.run(followed(store, job)) == [*range(1, 2502), "cancelled"]
    assert asyncio.run(followed(store, job, 2499)) == [2500, 2501, "cancelled"]
    assert [each.number for each in watching.latest_events(store, job.id, 2)] == [2500, 2501]


def test_asking_for_a_job_waits_where_changes_do() -> None:
    assert {Turn.of(each) for each in operations().values() if each.job} == {Turn.CHANGING}


def test_a_thread_that_still_works_has_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_QUEUE", 1)
    found, ended = Turns(0.05), Event()

    async def ask() -> None:
        async def receive() -> dict[str, str]:
            await asyncio.Event().wait()
            return {}

        with pytest.raises(TookTooLong):
            await found.run(LIST, lambda _: ended.wait(20), receive=receive)
        with pytest.raises(TooBusy):
            await found.run(LIST, lambda _: None, receive=receive)
        ended.set()
        async with asyncio.timeout(20):
            while True:
                try:
                    return await found.run(LIST, lambda _: None, receive=receive)
                except TooBusy:
                    await asyncio.sleep(0.01)

    asyncio.run(ask())
    found.stop()


def test_who_may_not_see_a_job_any_more_follows_it_no_longer(
    store: Store, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that was opened with a token ends when that is revoked."""
    monkeypatch.setattr("condarium.server.rest.deferred._OFTEN", 0.0)
    owner = Caller(store)
    user(owner, "ada")
    owner("access bind", subject="ada", role="administrator", platform=True)
    token = someone(store, "ada")("token create", name="ci")
    say(store, job, 3)
    following = Following(store)
    events = Events(job.id, 0, store, lambda: following)
    events.check(actor_of_token(store, token.secret))

    async def read() -> list[bytes]:
        found = []
        async for piece in events._pieces(asyncio.Event().wait):  # type: ignore[arg-type]
            found.append(piece)
            if len(found) == 2:
                await asyncio.to_thread(owner, "token revoke", id_=token.token.id)
        return found

    try:
        assert len(asyncio.run(asyncio.wait_for(read(), 20))) == 2
    finally:
        following.stop()
