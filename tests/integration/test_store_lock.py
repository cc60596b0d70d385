"""The store's lock: between all who have the same facts, on this machine or another."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread

import pytest
from tests.support.channel import Made
from tests.support.hosting import ADA, host, hosted_store
from tests.support.postgresql import Server

from condarium.channels.changing import creating
from condarium.environments.collecting import collect
from condarium.model.progress import Quiet
from condarium.model.view import ChannelName
from condarium.storage.store import Store


@pytest.fixture(params=["one folder", "sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Two stores with the same facts and blobs: of one folder, or of two with facts elsewhere."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in [*folders, tmp_path / "blobs"]:
        folder.mkdir()
    environ = {"CONDARIUM_BLOBS": (tmp_path / "blobs").as_uri()}
    with ExitStack() as held:
        match request.param:
            case "one folder":
                folders, environ = [folders[0]] * 2, {}
            case "sqlite":
                environ["CONDARIUM_DATABASE"] = f"sqlite:///{tmp_path}/facts.db"
            case _:
                server: Server = request.getfixturevalue("postgresql")
                environ["CONDARIUM_DATABASE"] = held.enter_context(server.new_database())
        first, second = (held.enter_context(hosted_store(each, **environ)) for each in folders)
        yield first, second


class Collecting(Thread):
    """Somebody who wants a store alone; `waits` is set once others have it."""

    def __init__(self, store: Store) -> None:
        super().__init__(daemon=True)
        self.store = store
        self.waits, self.has = Event(), Event()
        self.start()

    def run(self) -> None:
        with self.store.alone(waiting=self.waits.set):
            self.has.set()


def test_who_shares_keeps_out_who_wants_it_alone(stores: tuple[Store, Store]) -> None:
    one, two = stores
    with one.shared(), two.shared():
        gc = Collecting(two)
        assert gc.waits.wait(30)
        assert two.try_alone() is None
        with one.shared():  # whom the holder waits for is let in
            assert not gc.has.is_set()
    assert gc.has.wait(30)


def test_who_has_it_alone_keeps_out_all_others(stores: tuple[Store, Store]) -> None:
    one, two = stores
    shares, waits = Event(), Event()

    def share() -> None:
        with two.shared(waiting=waits.set):
            shares.set()

    with one.alone():
        assert two.try_alone() is None
        sharing = Thread(target=share, daemon=True)
        sharing.start()
        assert waits.wait(30)
        assert not shares.is_set()
    assert shares.wait(30)
    sharing.join(30)
    held = two.try_alone()
    assert held is not None
    with held:
        assert one.try_alone() is None


def test_one_after_another_does_not_keep_it_for_ever(stores: tuple[Store, Store]) -> None:
    """There is always somebody who shares it, but none for long."""
    one, two = stores
    ending = Event()

    def share() -> None:
        while not ending.is_set():
            with one.shared():
                time.sleep(0.05)

    busy = [Thread(target=share, daemon=True) for _ in range(4)]
    for each in busy:
        each.start()
    time.sleep(0.1)
    assert Collecting(two).has.wait(30)
    ending.set()
    for each in busy:
        each.join(30)


def test_gc_waits_for_bytes_to_be_named(stores: tuple[Store, Store]) -> None:
    """Bytes that nothing named are there when somebody puts them again, so they are not put."""
    one, two = stores
    host(one, "old", [Made("tool", "1.0")])
    creating.remove(one, ChannelName("old"), actor=ADA)
    (digest,) = {blob.digest for blob in one.blobs if blob.size > 500} or {""}
    with two.shared():
        gc = Thread(
            target=lambda: collect(one, dry_run=False, actor=ADA, progress=Quiet()), daemon=True
        )
        gc.start()
        published = host(two, "new", [Made("tool", "1.0")])
        assert gc.is_alive()
    gc.join(30)
    assert published is not None
    assert published.files[0].sha256 == digest
    assert two.blobs.has(digest)
