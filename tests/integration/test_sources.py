"""The archive of sources: kept by hash, found by hash and by URL."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.server import ChannelServer, Truncate

from condarium.channels.remote.upstream import UpstreamFailed
from condarium.channels.sources import NoSuchSource
from condarium.client import Client
from condarium.errors import BadArguments, CondariumError
from condarium.model.hosting.source import BadSource
from condarium.storage.blobs import Blobs

ARCHIVE = b"the source of something\n" * 1000
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()
URL = "https://example.org/releases/thing-1.0.tar.gz"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    (tmp_path / "store" / "locks").mkdir(parents=True)
    with Client(tmp_path / "store") as client:
        yield client


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "upstream"
    folder.mkdir()
    path = folder / "thing-1.0.tar.gz"
    path.write_bytes(ARCHIVE)
    return path


def blobs_in(tmp_path: Path) -> set[str]:
    folder = tmp_path / "store" / "blobs"
    return {blob.digest for blob in Blobs.in_folder(folder)} if folder.exists() else set()


def test_a_file_is_found_by_its_hash_and_by_every_url(client: Client, archive: Path) -> None:
    mirror = "https://mirror.example.org/thing-1.0.tar.gz"
    added = client.channel.source.add(archive, url=[URL], public=True)
    again = client.channel.source.add(archive, url=[URL, mirror], public=True)
    third = client.channel.source.add(archive, url=[mirror], public=True)
    assert [each.status for each in (added, again, third)] == [
        "added",
        "url added",
        "there already",
    ]
    for name in (DIGEST, DIGEST.upper(), URL, mirror):
        found = client.channel.source.show(name)
        assert (found.sha256, found.size) == (DIGEST, len(ARCHIVE))
    assert {seen.url for seen in third.source.urls} == {URL, mirror}
    assert client.channel.source.list("MIRROR.example") == client.channel.source.list()
    assert client.channel.source.list("other") == ()


def test_what_is_at_a_url_is_fetched(client: Client, archive: Path) -> None:
    with ChannelServer(archive.parent) as server:
        url = f"{server.url}/thing-1.0.tar.gz"
        added = client.channel.source.add(url=[url], sha256=f"sha256:{DIGEST}")
    assert added.source.file_name == "thing-1.0.tar.gz"
    assert client.channel.source.show(url).sha256 == DIGEST


def test_the_latest_archive_at_a_url_is_the_one_that_it_names(
    client: Client, archive: Path
) -> None:
    client.channel.source.add(archive, url=[URL])
    archive.write_bytes(b"upstream made the tag anew")
    changed = client.channel.source.add(archive, url=[URL])
    assert client.channel.source.show(URL).sha256 == changed.source.sha256 != DIGEST
    assert changed.warnings == (f"{URL} had other bytes before: SHA-256 {DIGEST}",)
    assert client.channel.source.show(DIGEST).sha256 == DIGEST


def test_gc_leaves_sources(client: Client, archive: Path, tmp_path: Path) -> None:
    client.channel.source.add(archive)
    client.gc()
    assert blobs_in(tmp_path) == {DIGEST}


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({}, BadArguments, "neither a file nor a URL"),
        ({"url": ["thing.tar.gz"]}, BadSource, "an http or https URL"),
        ({"url": ["https://ada:secret@example.org/x"]}, BadSource, "credentials in it"),
        ({"file": True, "sha256": "abc"}, BadSource, "64 hexadecimal digits"),
        ({"file": True, "sha256": "0" * 64}, BadSource, f"found SHA-256 {DIGEST}; expected 0000"),
        ({"url": ["http://127.0.0.1:9/x.tar.gz"]}, UpstreamFailed, "cannot fetch x.tar.gz"),
    ],
    ids=["nothing", "no-url", "credentials", "no-hash", "other-hash", "unreachable"],
)
def test_what_is_refused_leaves_nothing(
    client: Client,
    archive: Path,
    tmp_path: Path,
    arguments: dict[str, object],
    error: type[CondariumError],
    says: str,
) -> None:
    given = {**arguments, "file": archive} if "file" in arguments else arguments
    with pytest.raises(error, match=says) as raised:
        client.channel.source.add(**given)
    assert "secret" not in str(raised.value)
    assert client.channel.source.list() == ()
    assert blobs_in(tmp_path) == set()


def test_half_an_answer_is_not_kept(client: Client, archive: Path, tmp_path: Path) -> None:
    with ChannelServer(archive.parent) as server:
        server.fault("*", Truncate(at=0.5))
        with pytest.raises(UpstreamFailed):
            client.channel.source.add(url=[f"{server.url}/thing-1.0.tar.gz"])
    assert blobs_in(tmp_path) == set()


@pytest.mark.parametrize("name", ["0" * 64, "https://example.org/other", "thing"])
def test_an_unknown_source_is_said_to_be_unknown(client: Client, archive: Path, name: str) -> None:
    client.channel.source.add(archive)
    with pytest.raises(NoSuchSource) as raised:
        client.channel.source.show(name)
    assert name in raised.value.message
    assert "channel source list" in (raised.value.hint or "")
