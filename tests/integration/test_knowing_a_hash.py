"""To know the hash of another channel's bytes gives no access to them, whatever an index says."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx
import msgspec
import pytest
import zstandard
from tests.support.channel import Made
from tests.support.elsewhere import SHARD_INDEX, as_shards, change_records, elsewhere
from tests.support.hosting import ADA, create, host, hosted_store
from tests.support.server import ChannelServer
from tests.support.serving import serve

from condarium.channels.encodings.joining import shards_of
from condarium.channels.mirroring import mirror
from condarium.channels.remote.importing import import_index
from condarium.channels.remote.pulling import UpstreamChanged, has_bytes
from condarium.channels.remote.refreshing import Refresher
from condarium.channels.remote.upstream import UpstreamFailed
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.reading import read_shard
from condarium.model.document import Document
from condarium.model.hosting.hosted import ChannelKind, Filter
from condarium.model.progress import Quiet
from condarium.model.view import MAIN, ChannelName, View
from condarium.storage.store import Store

SECRET = Made("secret", "1.0", files={"key": "private"})
PUBLIC = Made("secret", "1.0", files={"key": "another file of this name"})
FILE = "secret-1.0-0.conda"


@dataclass(frozen=True)
class Place:
    """A store whose channel `hidden` is private, and a channel elsewhere with other bytes."""

    store: Store
    folder: Path
    server: ChannelServer
    package: str
    shard: bytes

    def proxy(self, **filtered: tuple[str, ...]) -> None:
        create(
            self.store,
            "far",
            kind=ChannelKind.PROXY,
            upstream=self.server.url,
            filter=Filter(**filtered),  # type: ignore[arg-type]  # its fields are all of this type
        )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    folder = elsewhere(tmp_path / "elsewhere", [PUBLIC])
    with hosted_store(tmp_path) as store, ChannelServer(folder) as server:
        create(store, "hidden", public=False)
        create(store, "lab")
        published = host(store, "hidden", [SECRET])
        assert published is not None
        listing = Catalogue(store).open(View(channel=ChannelName("hidden"), label=MAIN))
        digest = published.files[0].sha256
        change_records(folder, "noarch", secret={"sha256": digest, "size": None})
        yield Place(store, folder, server, digest, listing.names("noarch")["secret"])


def test_a_record_that_is_taken_over(place: Place) -> None:
    import_index(place.store, ChannelName("lab"), place.server.url, actor=ADA, progress=Quiet())
    with serve(place.store.layout.root) as server:
        answer = httpx.get(f"{server.url}/lab/noarch/{FILE}")
    assert answer.status_code == 502, "it was fetched, and has another hash"
    with pytest.raises(UpstreamChanged):
        import_index(
            place.store,
            ChannelName("lab"),
            place.server.url,
            fetch=True,
            actor=ADA,
            progress=Quiet(),
        )


def test_whoever_has_the_bytes_may_give_them_to_a_channel(place: Place) -> None:
    import_index(place.store, ChannelName("lab"), place.server.url, actor=ADA, progress=Quiet())
    host(place.store, "lab", [SECRET])
    with place.store.database.read() as facts:
        lab = facts.channels.get(ChannelName("lab"))
        file = facts.holdings.file(lab, "noarch", FILE)
    assert file is not None
    assert has_bytes(place.store, lab, file)


def test_a_lock(place: Place) -> None:
    url = f"{place.server.url}/noarch/{FILE}#sha256:{place.package}"
    lock = Document("explicit.txt", f"# platform: linux-64\n@EXPLICIT\n{url}\n".encode())
    with pytest.raises(UpstreamChanged):
        mirror(
            place.store,
            ChannelName("lab"),
            lock,
            platforms=["linux-64"],
            actor=ADA,
            progress=Quiet(),
        )


def test_a_record_of_a_proxy(place: Place) -> None:
    as_shards(place.folder)
    place.proxy()
    with serve(place.store.layout.root) as server:
        answer = httpx.get(f"{server.url}/far/noarch/{FILE}")
    assert answer.status_code == 502


def test_a_shard_of_a_proxy(place: Place) -> None:
    _name_in_index(place.folder, place.shard)
    place.proxy()
    Refresher(place.store).behind(ChannelName("far"))
    listing = Catalogue(place.store).open(View(channel=ChannelName("far")))
    assert listing.names("noarch") == {"secret": place.shard}
    with pytest.raises(UpstreamFailed):
        read_shard(place.store, listing, place.shard)
    with pytest.raises(UpstreamFailed):
        list(shards_of(place.store, listing, "noarch"))


def test_a_shard_of_a_proxy_that_filters(place: Place) -> None:
    _name_in_index(place.folder, place.shard)
    place.proxy(exclude=("secret >=9",))
    with pytest.raises(UpstreamFailed):
        Refresher(place.store).behind(ChannelName("far"))


def test_what_is_pulled_is_a_shard(place: Place) -> None:
    content = b"no shard at all"
    digest = sha256(content)
    _name_in_index(place.folder, digest.digest())
    (place.folder / "noarch" / "s" / f"{digest.hexdigest()}.msgpack.zst").write_bytes(content)
    place.proxy()
    Refresher(place.store).behind(ChannelName("far"))
    listing = Catalogue(place.store).open(View(channel=ChannelName("far")))
    with pytest.raises(UpstreamFailed, match="not a shard"):
        read_shard(place.store, listing, digest.digest())
    assert not place.store.blobs.has(digest.hexdigest())


def _name_in_index(folder: Path, digest: bytes) -> None:
    """Have the index elsewhere name any digest as the shard of `secret`."""
    as_shards(folder)
    path = folder / "noarch" / SHARD_INDEX
    index = msgspec.msgpack.decode(zstandard.decompress(path.read_bytes()))
    index["shards"]["secret"] = digest
    path.write_bytes(zstandard.compress(msgspec.msgpack.encode(index)))
