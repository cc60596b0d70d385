"""Any number of publishers and readers of one channel, at once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.builder import Commands
from tests.support.channel import Made, make_package
from tests.support.hosting import host, hosted_store
from tests.support.objectstore import Endpoint
from tests.support.postgresql import Server as Postgresql

from condarium.channels.shard import decode_shard
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.reading import read_shard
from condarium.model.view import ChannelName, View
from condarium.storage.store import Store

LAB = ChannelName("lab")


@pytest.fixture(params=["SQLite and files", "PostgreSQL and S3"])
def run(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: Postgresql, object_store: Endpoint
) -> Iterator[Commands]:
    """Commands on a store with an empty channel."""
    with postgresql.new_database() as url:
        elsewhere = {
            "CONDARIUM_DATABASE": url,
            "CONDARIUM_BLOBS": f"s3://{object_store.new_bucket()}",
            **object_store.environ,
        }
        environ = elsewhere if request.param.startswith("PostgreSQL") else {}
        run = Commands(tmp_path / "store", home=tmp_path, environ=environ)
        assert run("channel", "create", "lab").code == 0
        yield run


def pair(number: int, folder: Path) -> list[str]:
    """Two packages that are published together."""
    made = [Made(name, f"{number}.0") for name in ("left", "right")]
    return [str(make_package(each, into=folder)) for each in made]


def check(run: Commands, revisions: int) -> None:
    found = run("channel", "verify", "lab", "--all-revisions").result
    assert (found["problems"], found["revision"]) == ([], revisions)


def test_publishers_at_once_make_a_revision_each(run: Commands, tmp_path: Path) -> None:
    packages = [pair(number, tmp_path / "made") for number in range(4)]
    running = [run.start("channel", "publish", "lab", *files) for files in packages]
    results = [each.wait().result for each in running]
    assert sorted(each["revision"] for each in results) == [1, 2, 3, 4]
    check(run, 4)


def test_the_same_file_is_published_once(run: Commands, tmp_path: Path) -> None:
    files = pair(1, tmp_path / "made")
    running = [run.start("channel", "publish", "lab", *files) for _ in range(4)]
    results = [each.wait().result for each in running]
    told = sorted(str(each["revision"]) for each in results)
    assert told == ["1", "None", "None", "None"]
    check(run, 1)


def test_of_two_files_of_one_name_one_is_refused(run: Commands, tmp_path: Path) -> None:
    packages = [
        make_package(Made("same", files={"share/same": text}), into=tmp_path / text)
        for text in ("one", "other")
    ]
    running = [run.start("channel", "publish", "lab", str(each)) for each in packages]
    done = [each.wait() for each in running]
    assert sorted(each.code for each in done) == [0, 4]
    refused = next(each for each in done if each.code)
    assert refused.problem["code"] == "file-name-taken"
    check(run, 1)


@dataclass
class Readers:
    """Sixteen who look at a channel all the time, and see whole revisions only."""

    seen: set[str] = field(default_factory=set)
    stop: threading.Event = field(default_factory=threading.Event)

    def read(self, store: Store, catalogue: Catalogue) -> None:
        while not self.stop.is_set():
            listing = catalogue.open(View(channel=LAB))
            versions = [
                {
                    record["version"]
                    for record in decode_shard(read_shard(store, listing, digest)).records.values()
                }
                for digest in listing.names("noarch").values()
            ]
            assert len(versions) in (0, 2)
            assert not versions or versions[0] == versions[1], listing.revision
            self.seen.add(listing.revision)


def test_readers_see_whole_revisions_while_others_publish(tmp_path: Path) -> None:
    with hosted_store(tmp_path) as store:
        host(store, "lab")
        catalogue, readers = Catalogue(store), Readers()
        run = Commands(tmp_path / "store", home=tmp_path)
        packages = [pair(number, tmp_path / "made") for number in range(6)]
        with ThreadPoolExecutor(16) as pool:
            reading = [pool.submit(readers.read, store, catalogue) for _ in range(16)]
            for files in packages:
                assert run("channel", "publish", "lab", *files).code == 0
            readers.stop.set()
            for each in reading:
                each.result()
        assert catalogue.open(View(channel=LAB)).number == 6
        assert len(readers.seen) > 1
        check(run, 6)
