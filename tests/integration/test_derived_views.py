"""Views that make shards of their own: after a publish, of what it changed alone."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.channel import Made
from tests.support.hosting import Clock, change, create, fact, host, hosted_store

from condarium.channels.shard import decode_shard
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.listing import Listing
from condarium.channels.views.reading import read_shard
from condarium.model.hosting.hosted import ChannelKind, UnionMode
from condarium.model.view import ChannelName, View
from condarium.storage.blobs import Blobs
from condarium.storage.store import Store

NAMES = ("one", "two", "three", "four")
VIEWS = ("both", "lab/cooldown/7d", "both/cooldown/7d")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """Two channels with the same names, each with an old file and a young one."""
    with hosted_store(tmp_path, clock) as store:
        for version in ("1.0", "2.0"):
            host(store, "lab", [Made(name, version) for name in NAMES])
            host(store, "far", [Made(name, f"{version}.1") for name in NAMES])
            clock.advance(timedelta(days=5))
        create(
            store,
            "both",
            kind=ChannelKind.UNION,
            members=(ChannelName("lab"), ChannelName("far")),
            mode=UnionMode.MERGE,
        )
        yield store


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The digests of blobs that are read."""
    digests: list[str] = []
    get = Blobs.get

    def counted(blobs: Blobs, digest: str) -> bytes:
        digests.append(digest)
        return get(blobs, digest)

    monkeypatch.setattr(Blobs, "get", counted)
    return digests


def records(store: Store, listing: Listing) -> dict[str, list[str]]:
    return {
        name: sorted(decode_shard(read_shard(store, listing, digest)).records)
        for name, digest in listing.names("noarch").items()
    }


@pytest.mark.parametrize("view", VIEWS)
def test_a_publish_makes_anew_what_it_changed_alone(
    store: Store, read: list[str], view: str
) -> None:
    catalogue = Catalogue(store)
    catalogue.open(View.parse(view))
    change(store, "lab", "yank", opened=[fact("yank", "noarch", "one-1.0-0.conda")])
    read.clear()
    listing = catalogue.open(View.parse(view))
    assert 0 < len(read) <= 4
    assert records(store, listing) == records(store, Catalogue(store).open(View.parse(view)))
    assert "one-1.0-0.conda" not in records(store, listing)["one"]


def test_what_comes_of_age_is_shown(store: Store, clock: Clock) -> None:
    """Though the shard that it is in did not change."""
    catalogue = Catalogue(store)
    before = records(store, catalogue.open(View.parse("lab/cooldown/7d")))
    assert before["two"] == ["two-1.0-0.conda"]
    clock.advance(timedelta(days=1, hours=23))
    assert records(store, catalogue.open(View.parse("lab/cooldown/7d"))) == before
    clock.advance(timedelta(hours=2))
    after = records(store, catalogue.open(View.parse("lab/cooldown/7d")))
    assert after["two"] == ["two-1.0-0.conda", "two-2.0-0.conda"]
