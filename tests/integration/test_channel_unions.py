"""Unions that merge: what their index says is what their URLs give."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.channel import Made
from tests.support.hosting import change, create, fact, host, hosted_store

from condarium.channels.shard import decode_shard
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.packages import find_package
from condarium.channels.views.reading import read_shard
from condarium.model.hosting.hosted import ChannelKind, UnionMode
from condarium.model.view import ChannelName, View
from condarium.storage.store import Store

FILE = "tool-1.0-0.conda"
MEMBERS = (ChannelName("a"), ChannelName("b"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Channels `a` and `b`, each with other bytes under one name: a's under `dev` only."""
    with hosted_store(tmp_path) as store:
        host(store, "a", [Made("tool", "1.0", files={"x": "a"})], labels=["dev"])
        host(store, "b", [Made("tool", "1.0", files={"x": "b"})])
        create(store, "both", kind=ChannelKind.UNION, members=MEMBERS, mode=UnionMode.MERGE)
        yield store


def shown(store: Store, view: str) -> str | None:
    """The SHA-256 that an index says."""
    listing = Catalogue(store).open(View.parse(view))
    digest = listing.names("noarch")["tool"]
    record = decode_shard(read_shard(store, listing, digest)).records.get(FILE)
    return None if record is None else str(record["sha256"])


def given(store: Store, view: str) -> tuple[str, str]:
    """Whose file a URL gives, and its SHA-256."""
    listing = Catalogue(store).open(View.parse(view))
    with store.database.read() as facts:
        channel, file = find_package(store, facts, listing, "noarch", FILE)
    return channel.name.name, file.sha256


def test_a_url_gives_the_file_whose_record_is_shown(store: Store) -> None:
    assert given(store, "both") == ("b", shown(store, "both"))
    assert given(store, "both/label/dev") == ("a", shown(store, "both/label/dev"))


def test_a_yanked_file_is_that_of_the_member_which_hides_it(store: Store) -> None:
    change(store, "b", "yank", opened=[fact("yank", "noarch", FILE)])
    assert shown(store, "both") is None
    assert given(store, "both")[0] == "b"
