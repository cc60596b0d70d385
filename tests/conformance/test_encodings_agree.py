"""Every encoding of a view says the same, whichever view it is."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import rattler
import zstandard
from tests.support.channel import Made
from tests.support.hosting import Clock, change, create, fact, host, hosted_store, patch

from condarium.channels.encodings import CHANNEL_FILES, SUBDIR_FILES, Encodings, NoSuchEncoding
from condarium.channels.shard import decode_shard
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.reading import read_shard
from condarium.model.hosting.hosted import ChannelKind, UnionMode
from condarium.model.view import ChannelName, View
from condarium.storage.store import Store

VIEWS = (
    *("lab", "lab/label/dev", "lab/label/empty"),
    *("lab/as-of/r0", "lab/as-of/r1", "lab/as-of/r3", "lab/as-of/2026-03-01T12:00:00Z"),
    *("lab/cooldown/1d", "lab/label/dev/as-of/r4/cooldown/1h"),
    *("far", "first", "merged", "merged/label/dev"),
)
RULES = """
if:
  name: tool
then:
  - add_depends: text >=1
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Channels with labels, yanks, a patch and days between; two days have passed since."""
    clock = Clock()
    with hosted_store(tmp_path_factory.mktemp("lab"), clock) as store:
        host(store, "lab", [Made("tool", "1.0"), Made("text", "1.0", subdir="linux-64")])
        clock.advance(timedelta(hours=6))
        host(store, "lab", [Made("tool", "2.0"), Made("tool-more", "1.0")], labels=["dev"])
        patch(store, "lab", RULES)
        yank = fact("yank", "noarch", "tool-1.0-0.conda")
        change(store, "lab", "yank", opened=[yank])
        host(store, "far", [Made("tool", "3.0"), Made("far", "1.0", subdir="osx-arm64")])
        members = (ChannelName("lab"), ChannelName("far"))
        for name, mode in (("first", UnionMode.FIRST), ("merged", UnionMode.MERGE)):
            create(store, name, kind=ChannelKind.UNION, members=members, mode=mode)
        clock.advance(timedelta(days=2))
        host(store, "lab", [Made("young", "1.0", subdir="linux-64")])
        yield store


class Reader:
    def __init__(self, store: Store) -> None:
        self.store, self.catalogue = store, Catalogue(store)
        self.encodings = Encodings(store, self.catalogue)

    def bytes(self, view: View, subdir: str, file_name: str) -> bytes:
        found = self.encodings.get(view, subdir, file_name)
        content = self.store.blobs.get(found.digest)
        assert len(content) == found.size
        assert found.revision == self.catalogue.open(view).revision
        return content

    def json(self, view: View, subdir: str, file_name: str) -> Any:
        return json.loads(self.bytes(view, subdir, file_name))


@pytest.mark.parametrize("address", VIEWS)
def test_all_encodings_say_what_the_shards_say(store: Store, address: str, tmp_path: Path) -> None:
    reader, view = Reader(store), View.parse(address)
    listing = reader.catalogue.open(view)
    described = reader.json(view, "", "channeldata.json")
    assert described["subdirs"] == sorted(listing.subdirs)
    found: dict[str, set[str]] = {}
    for subdir in listing.subdirs:
        records, removed = _in_shards(store, reader, view, subdir)
        repodata = reader.json(view, subdir, "repodata.json")
        exports = reader.json(view, subdir, "run_exports.json")
        sections = ("packages", "packages.conda")
        assert {k: v for section in sections for k, v in repodata[section].items()} == records
        assert repodata["removed"] == removed
        assert {name for section in sections for name in exports[section]} == set(records)
        for file_name in ("repodata.json", "run_exports.json"):
            packed = reader.bytes(view, subdir, f"{file_name}.zst")
            unpacked = zstandard.ZstdDecompressor().decompress(packed)
            assert unpacked == reader.bytes(view, subdir, file_name)
        assert _as_rattler_reads(reader.bytes(view, subdir, "repodata.json"), subdir, tmp_path) == {
            (record["name"], record["version"]) for record in records.values()
        }
        for record in records.values():
            found.setdefault(record["name"], set()).add(subdir)
    assert {name: set(each["subdirs"]) for name, each in described["packages"].items()} == found
    assert reader.json(view, "", "notices.json") == {"notices": []}


@pytest.mark.parametrize("address", VIEWS)
def test_a_view_made_again_has_the_same_bytes(store: Store, address: str) -> None:
    view = View.parse(address)
    reader = Reader(store)
    listing = reader.catalogue.open(view)
    wanted = [(subdir, name) for subdir in listing.subdirs for name in SUBDIR_FILES]
    wanted += [("", name) for name in CHANNEL_FILES]
    first = [reader.bytes(view, *each) for each in wanted]
    with store.database.note() as facts:
        for subdir in (*listing.subdirs, ""):
            for address in VIEWS:
                facts.encodings.forget(listing.channel, address, subdir)
    assert [Reader(store).bytes(view, *each) for each in wanted] == first


@pytest.mark.parametrize(
    ("subdir", "file_name"),
    [
        ("win-64", "repodata.json"),
        ("noarch", "channeldata.json"),
        ("", "repodata.json"),
        ("noarch", "other.json"),
    ],
)
def test_there_is_no_other_file(store: Store, subdir: str, file_name: str) -> None:
    with pytest.raises(NoSuchEncoding):
        Reader(store).encodings.get(View.parse("lab"), subdir, file_name)


def test_the_same_state_is_not_made_twice(store: Store) -> None:
    """As of r2 nothing of linux-64 has changed since r1: one blob serves both."""
    reader = Reader(store)
    one, two = (
        reader.encodings.get(View.parse(f"lab/as-of/r{number}"), "linux-64", "repodata.json.zst")
        for number in (1, 2)
    )
    assert (one.digest, one.revision, two.revision) == (two.digest, "r1", "r2")
    with store.database.read() as facts:
        assert one.digest in facts.encodings.blobs()
        assert facts.encodings.named([one.digest, "0" * 64]) == {one.digest}


def _in_shards(
    store: Store, reader: Reader, view: View, subdir: str
) -> tuple[dict[str, Any], list[str]]:
    records: dict[str, Any] = {}
    removed: list[str] = []
    listing = reader.catalogue.open(view)
    for digest in listing.names(subdir).values():
        shard = decode_shard(read_shard(store, listing, digest))
        records.update({name: dict(each) for name, each in shard.records.items()})
        removed += shard.removed
    for record in records.values():
        record.pop("run_exports", None)
    return records, sorted(removed)


def _as_rattler_reads(content: bytes, subdir: str, folder: Path) -> set[tuple[str, str]]:
    file = folder / f"{subdir}.json"
    file.write_bytes(content)
    with rattler.SparseRepoData(rattler.Channel("https://a.test/x"), subdir, file) as data:
        return {
            (name, str(record.version))
            for name in data.package_names()
            for record in data.load_records(rattler.PackageName(name))
        }
