"""gc and channels: what any revision needs stays, what nothing needs goes."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.channel import Made
from tests.support.hosting import ADA, Clock, host, hosted_store

from condarium.channels.changing import creating, yanking
from condarium.channels.encodings import Encodings
from condarium.channels.shard import decode_shard
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.reading import read_shard
from condarium.environments.collecting import collect
from condarium.model.progress import Quiet
from condarium.model.view import ChannelName, View
from condarium.storage.store import Store

LAB = ChannelName("lab")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with hosted_store(tmp_path, clock) as store:
        host(store, "lab", [Made("tool", "1.0"), Made("lib", "1.0")])
        yield store


def gc(store: Store) -> set[str]:
    """Collect, and give what is left."""
    collect(store, dry_run=False, actor=ADA, progress=Quiet())
    return {blob.digest for blob in store.blobs}


def shown(store: Store, view: str) -> set[str]:
    listing = Catalogue(store).open(View.parse(view))
    return {
        file_name
        for names in listing.maps.values()
        for digest in names.values()
        for file_name in decode_shard(read_shard(store, listing, digest)).records
    }


def test_all_that_an_earlier_revision_needs_stays(store: Store) -> None:
    yanking.remove_packages(store, LAB, ["tool"], dry_run=False, reason="", actor=ADA)
    left = gc(store)
    with store.database.read() as facts:
        assert facts.holdings.blobs() <= left
    assert shown(store, "lab/as-of/r1") == {"tool-1.0-0.conda", "lib-1.0-0.conda"}
    assert shown(store, "lab") == {"lib-1.0-0.conda"}


def test_a_removed_channel_leaves_nothing(store: Store) -> None:
    Encodings(store, Catalogue(store)).get(View.parse("lab"), "noarch", "repodata.json")
    creating.remove(store, LAB, actor=ADA)
    assert gc(store) == set()


def test_what_a_view_made_goes_a_week_after_it_was_last_shown(store: Store, clock: Clock) -> None:
    host(store, "lab", [Made("tool", "1.1")])
    clock.advance(timedelta(days=8))
    host(store, "lab", [Made("tool", "2.0")])
    yanking.yank(store, LAB, ["tool ==1.1"], dry_run=False, reason="", actor=ADA)
    before = {blob.digest for blob in store.blobs}
    assert shown(store, "lab/cooldown/7d") == {"tool-1.0-0.conda", "lib-1.0-0.conda"}
    made = {blob.digest for blob in store.blobs} - before
    assert len(made) == 1
    assert gc(store) >= made
    clock.advance(timedelta(days=8))
    assert not made & gc(store)


def test_what_a_killed_process_was_fetching_goes(store: Store) -> None:
    store.layout.incoming.mkdir()
    half = store.layout.incoming / "half"
    half.write_bytes(b"half")
    gc(store)
    assert not half.exists()
