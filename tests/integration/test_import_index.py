"""Taking over a channel that is elsewhere: its index in every form, its bytes now or later."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest
from tests.support.channel import Made
from tests.support.elsewhere import as_shards, as_zst, change_records, elsewhere, records_of
from tests.support.hosting import ADA, create, host, hosted_store
from tests.support.server import ChannelServer, Corrupt, Status, Truncate

from condarium.channels.changing.publishing import FileNameTaken
from condarium.channels.remote.importing import import_index
from condarium.channels.remote.pulling import UpstreamChanged, ensure_bytes
from condarium.channels.remote.upstream import UpstreamFailed, UpstreamLacks
from condarium.channels.shard import decode_shard
from condarium.channels.views.catalogue import Catalogue
from condarium.engine.network.errors import BadRepodata, NoSuchChannel
from condarium.errors import BadArguments
from condarium.model.hosting.hosted import HostedChannel, HostedFile
from condarium.model.hosting.imported import Imported
from condarium.model.progress import Quiet
from condarium.model.view import ChannelName, View
from condarium.storage.store import Store

LAB = ChannelName("lab")
PACKAGES = [
    Made("tool", "1.0", license="MIT", extra={"made_by": "hand"}),
    Made("tool", "2.0", depends=["lib >=1"]),
    Made("lib", "1.0", subdir="linux-64"),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with hosted_store(tmp_path) as store:
        create(store, "lab")
        yield store


@pytest.fixture(name="elsewhere")
def _elsewhere(tmp_path: Path) -> Path:
    return elsewhere(tmp_path / "elsewhere", PACKAGES)


@pytest.fixture
def server(elsewhere: Path) -> Iterator[ChannelServer]:
    with ChannelServer(elsewhere) as server:
        yield server


def take_over(store: Store, source: object, **options: Any) -> Imported:
    return import_index(store, LAB, str(source), actor=ADA, progress=Quiet(), **options)


def shown(store: Store, view: str = "lab") -> dict[str, dict[str, Any]]:
    """All records of a view by `subdir/file_name`, without our own timestamp."""
    listing = Catalogue(store).open(View.parse(view))
    found = {}
    for subdir, names in listing.maps.items():
        for digest in names.values():
            for file_name, record in decode_shard(store.blobs.get(digest.hex())).records.items():
                found[f"{subdir}/{file_name}"] = without_timestamp(record)
    return found


def without_timestamp(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "indexed_timestamp"}


def offered(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        f"{subdir}/{file_name}": without_timestamp(record)
        for subdir in ("noarch", "linux-64")
        for file_name, record in records_of(folder, subdir).items()
    }


def file_of(store: Store, subdir: str, file_name: str) -> tuple[HostedChannel, HostedFile]:
    with store.database.read() as facts:
        channel = facts.channels.get(LAB)
        file = facts.holdings.file(channel, subdir, file_name)
    assert file is not None
    return channel, file


FORMS: dict[str, Callable[[Path], None]] = {
    "json": lambda folder: None,
    "zst": as_zst,
    "zst of several frames": lambda folder: as_zst(folder, frames=3),
    "shards": as_shards,
    "shards and json": lambda folder: as_shards(folder, keep_whole=True),
}


@pytest.mark.parametrize("over_http", [True, False], ids=["http", "folder"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_index(
    form: str, over_http: bool, store: Store, elsewhere: Path, server: ChannelServer
) -> None:
    expected = offered(elsewhere)
    FORMS[form](elsewhere)
    imported = take_over(store, server.url if over_http else elsewhere)
    assert imported.revision == 1
    assert {part.subdir: part.added for part in imported.subdirs} == {"noarch": 2, "linux-64": 1}
    assert shown(store) == expected
    assert take_over(store, server.url if over_http else elsewhere).revision is None


@pytest.mark.parametrize("name", ["repodata.json", "repodata.json.zst"])
def test_one_index_file(name: str, store: Store, elsewhere: Path, server: ChannelServer) -> None:
    if name.endswith(".zst"):
        as_zst(elsewhere)
    assert take_over(store, elsewhere / "noarch" / name).subdirs[0].added == 2
    assert take_over(store, f"{server.url}/linux-64/{name}").subdirs[0].added == 1
    ensure_bytes(store, *file_of(store, "noarch", "tool-1.0-0.conda"))
    ensure_bytes(store, *file_of(store, "linux-64", "lib-1.0-0.conda"))


def test_a_file_that_says_no_subdir(store: Store, elsewhere: Path) -> None:
    path = elsewhere.parent / "mine.json"
    records = records_of(elsewhere, "noarch")
    path.write_text(json.dumps({"packages.conda": records}))
    with pytest.raises(BadRepodata, match="subdir"):
        take_over(store, path)
    assert take_over(store, path, subdirs=["noarch"]).subdirs[0].added == 2


def test_only_some_subdirs(store: Store, elsewhere: Path) -> None:
    assert [part.subdir for part in take_over(store, elsewhere, subdirs=["noarch"]).subdirs] == [
        "noarch"
    ]
    with pytest.raises(NoSuchChannel, match="win-64"):
        take_over(store, elsewhere, subdirs=["win-64"])
    with pytest.raises(BadArguments, match="linux64"):
        take_over(store, elsewhere, subdirs=["linux64"])


def test_a_label(store: Store, elsewhere: Path) -> None:
    take_over(store, elsewhere, label="new")
    assert shown(store) == {}
    assert len(shown(store, "lab/label/new")) == 3
    again = take_over(store, elsewhere)
    assert sum(part.changed for part in again.subdirs) == 3
    assert len(shown(store)) == 3


def test_bytes_on_first_use(store: Store, server: ChannelServer) -> None:
    take_over(store, server.url)
    assert server.count("*.conda") == 0
    channel, file = file_of(store, "noarch", "tool-1.0-0.conda")
    asking = [Thread(target=ensure_bytes, args=(store, channel, file)) for _ in range(8)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert store.blobs.size(file.sha256) == file.size
    assert server.count("*.conda") == 1
    assert left_over(store) == []


def test_bytes_at_once(store: Store, elsewhere: Path, server: ChannelServer) -> None:
    imported = take_over(store, server.url, fetch=True)
    sizes = [record["size"] for record in offered(elsewhere).values()]
    assert imported.fetched == sum(sizes)
    server.forget()
    ensure_bytes(store, *file_of(store, "noarch", "tool-1.0-0.conda"))
    assert server.count("*.conda") == 0
    assert left_over(store) == []


FAULTS = {
    "altered": (Corrupt(), UpstreamChanged),
    "cut short": (Truncate(at=0.5), UpstreamFailed),
    "deleted": (Status(404), UpstreamLacks),
    "broken": (Status(500), UpstreamFailed),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_upstream_fails(fault: str, store: Store, server: ChannelServer) -> None:
    """Nothing stays of what fails; it succeeds once upstream does."""
    what, error = FAULTS[fault]
    take_over(store, server.url)
    channel, file = file_of(store, "noarch", "tool-1.0-0.conda")
    server.fault("*.conda", what)
    with pytest.raises(error, match=r"tool-1\.0-0\.conda"):
        ensure_bytes(store, channel, file)
    assert not store.blobs.has(file.sha256)
    assert left_over(store) == []
    server.heal()
    ensure_bytes(store, channel, file)


def test_a_fetch_that_fails_imports_nothing(store: Store, server: ChannelServer) -> None:
    server.fault("lib-*.conda", Corrupt())
    with pytest.raises(UpstreamChanged):
        take_over(store, server.url, fetch=True)
    assert shown(store) == {}


def test_a_passing_fault_is_tried_again(store: Store, server: ChannelServer) -> None:
    take_over(store, server.url)
    server.fault("*.conda", Truncate(at=0.5, times=1))
    ensure_bytes(store, *file_of(store, "noarch", "tool-1.0-0.conda"))


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no version": ({"version": None}, "version"),
    "depends of another type": ({"depends": "lib"}, "depends"),
    "a hash that is none": ({"sha256": "abc"}, "sha256"),
    "a negative size": ({"size": -1}, "size"),
    "another name": ({"name": "other"}, "file name"),
    "another subdir": ({"subdir": "win-64"}, "subdir"),
    "a file of this machine": ({"url": "file:///etc/hostname"}, "file://"),
    "no SHA-256": ({"sha256": None}, "SHA-256"),
    "no hash at all": ({"sha256": None, "md5": None}, "SHA-256"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_records_are_left_out(
    bad: str, store: Store, elsewhere: Path, server: ChannelServer
) -> None:
    changes, reason = BAD[bad]
    change_records(elsewhere, "linux-64", lib=changes)
    imported = take_over(store, server.url)
    assert [(skipped.count, skipped.examples) for skipped in imported.skipped] == [
        (1, ("linux-64/lib-1.0-0.conda",))
    ]
    assert reason in imported.skipped[0].reason
    assert {name.partition("/")[0] for name in shown(store)} == {"noarch"}


def test_fetching_finds_out_a_sha256(store: Store, elsewhere: Path) -> None:
    expected = offered(elsewhere)
    change_records(elsewhere, "linux-64", lib={"sha256": None})
    assert not take_over(store, elsewhere, fetch=True).skipped
    assert shown(store) == expected


def test_a_record_with_its_own_url(store: Store, elsewhere: Path, server: ChannelServer) -> None:
    moved = elsewhere / "other" / "lib.conda"
    moved.parent.mkdir()
    (elsewhere / "linux-64" / "lib-1.0-0.conda").rename(moved)
    change_records(elsewhere, "linux-64", lib={"url": f"{server.url}/other/lib.conda"})
    take_over(store, server.url)
    ensure_bytes(store, *file_of(store, "linux-64", "lib-1.0-0.conda"))


def test_base_url(store: Store, elsewhere: Path, server: ChannelServer) -> None:
    path = elsewhere / "linux-64" / "repodata.json"
    index = json.loads(path.read_bytes())
    index["info"] = {"subdir": "linux-64", "base_url": "../packages"}
    path.write_text(json.dumps(index))
    (elsewhere / "packages").mkdir()
    (elsewhere / "linux-64" / "lib-1.0-0.conda").rename(elsewhere / "packages/lib-1.0-0.conda")
    take_over(store, server.url)
    ensure_bytes(store, *file_of(store, "linux-64", "lib-1.0-0.conda"))


def test_run_exports_are_merged(store: Store, elsewhere: Path) -> None:
    said = {"weak": ["lib >=1,<2"]}
    entries = {"packages.conda": {"lib-1.0-0.conda": {"run_exports": said}}}
    (elsewhere / "linux-64" / "run_exports.json").write_text(json.dumps(entries))
    take_over(store, elsewhere)
    assert shown(store)["linux-64/lib-1.0-0.conda"]["run_exports"] == said


def test_other_bytes_under_a_name(store: Store, elsewhere: Path) -> None:
    """Nothing at all is taken over then."""
    host(store, "lab", [replace(PACKAGES[2], license="BSD")])
    before = shown(store)
    with pytest.raises(FileNameTaken, match=r"lib-1\.0-0"):
        take_over(store, elsewhere)
    assert shown(store) == before


def test_the_timestamp_is_ours(store: Store, elsewhere: Path) -> None:
    change_records(elsewhere, "linux-64", lib={"indexed_timestamp": 1})
    take_over(store, elsewhere)
    _, file = file_of(store, "linux-64", "lib-1.0-0.conda")
    record = msgspec.json.decode(file.record)
    assert record["indexed_timestamp"] == file.indexed_at
    assert abs(store.now().timestamp() * 1000 - file.indexed_at) < 600_000


@pytest.mark.parametrize("content", [b"<html>sign in", b"\x28\xb5\x2f\xfdrubbish", b"[]"])
def test_what_is_no_index(content: bytes, store: Store, elsewhere: Path) -> None:
    (elsewhere / "noarch" / "repodata.json").write_bytes(content)
    with pytest.raises(BadRepodata):
        take_over(store, elsewhere)


def left_over(store: Store) -> list[Path]:
    locks = store.layout.locks.glob("pull-*")
    return [*store.layout.incoming.glob("*"), *locks]
