"""Clocks that go back, writers that take long, and two who make the same channel."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from tests.support.channel import Made
from tests.support.hosting import ADA, NOON, Clock, host, hosted_store
from tests.support.postgresql import Server

from condarium.channels.changing import creating, yanking
from condarium.model.view import ChannelName
from condarium.server.problems import problem, status_of
from condarium.storage import sqlite
from condarium.storage.failures import StoreBusy
from condarium.storage.hosting.channels import ChannelExists
from condarium.storage.store import Store

LAB = ChannelName("lab")


def test_a_stores_clock_never_goes_back(tmp_path: Path) -> None:
    clock = Clock()
    with hosted_store(tmp_path, clock) as store:
        assert store.now() == NOON
        clock.advance(-timedelta(hours=1))
        assert store.now() == NOON
        clock.advance(timedelta(hours=2))
        assert store.now() == NOON + timedelta(hours=1)


def test_who_waits_for_another_change_in_vain_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_PATIENCE", timedelta(milliseconds=50))
    with hosted_store(tmp_path) as store:
        host(store, "lab", [Made("tool", "1.0")])
        with _writing(store), pytest.raises(StoreBusy, match="takes long") as found:
            yanking.yank(store, LAB, ["tool"], dry_run=False, reason="", actor=ADA)
        assert yanking.yank(store, LAB, ["tool"], dry_run=False, reason="", actor=ADA).files
    assert status_of(found.value) == 503
    assert (b"retry-after") in {name for name, _ in problem(found.value).headers}


@contextmanager
def _writing(store: Store) -> Iterator[None]:
    import sqlite3

    with closing(sqlite3.connect(store.layout.database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        with hosted_store(tmp_path) as store:
            yield store
        return
    server: Server = request.getfixturevalue("postgresql")
    with (
        server.new_database() as url,
        hosted_store(tmp_path, CONDARIUM_DATABASE=url) as store,
    ):
        yield store


def test_of_all_who_make_one_channel_at_once_one_does(store: Store) -> None:
    store.database  # noqa: B018 - opened before
    together = Barrier(4)

    def make(_: int) -> bool:
        together.wait(30)
        try:
            creating.create(store, LAB, public=True, description="", actor=ADA)
        except ChannelExists:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(make, range(4))) == [False, False, False, True]
