"""channel verify of a proxy: what it has fetched is looked at, whatever facts say of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.channel import Made
from tests.support.elsewhere import as_shards, elsewhere
from tests.support.hosting import create, hosted_store
from tests.support.server import ChannelServer

from condarium.channels.remote.pulling import ensure_bytes
from condarium.channels.remote.refreshing import Refresher
from condarium.channels.verifying import verify
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.packages import find_package
from condarium.model.hosting.hosted import ChannelKind
from condarium.model.hosting.verification import ChannelVerified
from condarium.model.progress import Quiet
from condarium.model.view import ChannelName, View
from condarium.storage.store import Store

FAR, LIB = ChannelName("far"), "lib-1.0-0.conda"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a proxy through which one of two packages was fetched, and one of two shards."""
    folder = elsewhere(tmp_path / "elsewhere", [Made("lib"), Made("tool")])
    as_shards(folder)
    with ChannelServer(folder) as server, hosted_store(tmp_path) as store:
        create(store, "far", kind=ChannelKind.PROXY, upstream=server.url)
        Refresher(store).behind(FAR)
        listing = Catalogue(store).open(View(channel=FAR))
        with store.database.read() as facts:
            channel, file = find_package(store, facts, listing, "noarch", LIB)
        ensure_bytes(store, channel, file)
        yield store


def verified(store: Store, *, read: bool = True) -> ChannelVerified:
    return verify(store, FAR, all_revisions=False, read=read, progress=Quiet())


def package(store: Store) -> str:
    with store.database.read() as facts:
        file = facts.holdings.file(facts.channels.get(FAR), "noarch", LIB)
    assert file is not None
    return file.sha256


def shard(store: Store) -> str:
    return Catalogue(store).open(View(channel=FAR)).names("noarch")["lib"].hex()


def test_what_was_fetched_is_counted(store: Store) -> None:
    found = verified(store)
    assert (found.problems, found.packages, found.shards) == ((), 1, 1)
    assert found.bytes > 0
    assert verified(store, read=False).ok


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [flip, Path.unlink, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("digest", [package, shard])
def test_damage_is_told(
    store: Store, digest: Callable[[Store], str], damage: Callable[[Path], object]
) -> None:
    name = digest(store)
    damage(store.layout.root / "blobs" / name[:2] / name[2:])
    (problem,) = verified(store).problems
    assert problem.kind == digest.__name__
    assert problem.where.startswith("noarch/lib")
    assert name in problem.expected
    assert "fetched again" in problem.hint
