"""Many instants of one revision: what is kept of them is kept once, or not at all."""

import gc
import weakref
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.channel import Made
from tests.support.hosting import Clock, host, hosted_store

from condarium.channels.encodings import Encodings
from condarium.channels.views.catalogue import Catalogue
from condarium.model.view import ChannelName, View
from condarium.server.content.addresses import FileAddress
from condarium.server.content.downloads import Downloads
from condarium.settings import ServerSettings
from condarium.storage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    clock = Clock()
    with hosted_store(tmp_path, clock) as store:
        host(store, "lab", [Made("tool", "1.0")])
        clock.advance(timedelta(days=1))
        yield store


def instants(store: Store, count: int) -> list[View]:
    last = store.now() - timedelta(hours=1)
    return [
        View(channel=ChannelName("lab"), as_of=last - timedelta(seconds=number))
        for number in range(count)
    ]


def test_their_index_is_one(store: Store) -> None:
    catalogue = Catalogue(store)
    downloads = Downloads(store, catalogue, Encodings(store, catalogue), ServerSettings())
    bodies = [
        downloads.get(
            catalogue.open(view), FileAddress(view, "noarch", "repodata_shards.msgpack.zst")
        ).body
        for view in instants(store, 100)
    ]
    downloads.close()
    assert len({id(body) for body in bodies}) == 1


def test_their_listings_are_not_kept_for_their_encodings(store: Store) -> None:
    catalogue = Catalogue(store)
    encodings = Encodings(store, catalogue)
    opened = []
    for view in instants(store, 200):
        encodings.get(view, "noarch", "repodata.json")
        opened.append(weakref.ref(catalogue.open(view)))
    gc.collect()
    assert sum(listing() is not None for listing in opened) < 100
