"""Where an index elsewhere may send its readers: never to the files of this machine."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import zstandard
from tests.support.channel import Made
from tests.support.elsewhere import SHARD_INDEX, as_shards, change_records, elsewhere
from tests.support.hosting import ADA, create, hosted_store
from tests.support.server import ChannelServer

from condarium.channels.remote.importing import import_index
from condarium.channels.remote.refreshing import Refresher
from condarium.channels.remote.taking import may_name
from condarium.channels.remote.upstream import UpstreamFailed
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.packages import NoSuchPackageFile, find_package
from condarium.engine.network.errors import BadRepodata
from condarium.model.hosting.hosted import ChannelKind
from condarium.model.progress import Quiet
from condarium.model.view import ChannelName, View
from condarium.storage.store import Store

PACKAGES = [Made("tool", "1.0"), Made("lib", "1.0")]
FAR = ChannelName("far")

RULES = [
    ("https://a/", "https://b/", True),
    ("https://a/", "http://b/", False),
    ("http://a/", "https://b/", True),
    ("http://a/", "http://b/", True),
    ("http://a/", "file:///b/", False),
    ("https://a/", "FILE:///b/", False),
    ("https://a/", "ftp://b/", False),
    ("https://a/", "lib-1.0-0.conda", False),
    ("file:///a/", "file:///b/", True),
    ("file:///a/", "https://b/", True),
    ("ftp://a/", "ftp://b/", False),
]


@pytest.mark.parametrize(("url", "other", "may"), RULES)
def test_rules(url: str, other: str, may: bool) -> None:
    assert may_name(url, other) is may


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return elsewhere(tmp_path / "elsewhere", PACKAGES)


@pytest.fixture
def store(tmp_path: Path, folder: Path) -> Iterator[Store]:
    with hosted_store(tmp_path) as store, ChannelServer(folder) as server:
        create(store, "lab")
        create(store, "far", kind=ChannelKind.PROXY, upstream=server.url)
        yield store


def _upstream(store: Store) -> str:
    with store.database.read() as facts:
        return facts.channels.get(FAR).upstream or ""


def _base_url(folder: Path, place: str) -> None:
    path = folder / "noarch" / "repodata.json"
    index = json.loads(path.read_bytes())
    path.write_text(json.dumps({**index, "info": {"subdir": "noarch", "base_url": place}}))


@pytest.mark.parametrize("key", ["base_url", "shards_base_url"])
def test_a_shard_index_that_names_local_files(key: str, store: Store, folder: Path) -> None:
    as_shards(folder)
    path = folder / "noarch" / SHARD_INDEX
    index = msgspec.msgpack.decode(zstandard.decompress(path.read_bytes()))
    index["info"][key] = f"{folder.as_uri()}/noarch/"
    path.write_bytes(zstandard.compress(msgspec.msgpack.encode(index)))
    with pytest.raises(UpstreamFailed, match="may not name"):
        Refresher(store).behind(FAR)


def test_an_index_that_names_local_files(store: Store, folder: Path) -> None:
    _base_url(folder, f"{folder.as_uri()}/noarch/")
    with pytest.raises(UpstreamFailed, match="may not name"):
        Refresher(store).behind(FAR)
    with pytest.raises(BadRepodata, match="may not name"):
        import_index(store, ChannelName("lab"), _upstream(store), actor=ADA, progress=Quiet())


def test_a_record_that_names_a_local_file(store: Store, folder: Path) -> None:
    path = folder / "noarch" / "lib-1.0-0.conda"
    change_records(folder, "noarch", lib={"url": path.as_uri()})
    Refresher(store).behind(FAR)
    listing = Catalogue(store).open(View(channel=FAR))
    with store.database.read() as facts:
        find_package(store, facts, listing, "noarch", "tool-1.0-0.conda")
        with pytest.raises(NoSuchPackageFile):
            find_package(store, facts, listing, "noarch", path.name)


def test_a_folder_of_this_machine_may_name_a_server(store: Store, folder: Path) -> None:
    _base_url(folder, f"{_upstream(store)}/noarch/")
    imported = import_index(
        store, ChannelName("lab"), str(folder), fetch=True, actor=ADA, progress=Quiet()
    )
    assert imported.fetched > 0
