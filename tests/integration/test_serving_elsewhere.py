"""A server whose facts are in PostgreSQL and whose bytes are in a bucket."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.support.channel import Made, make_package
from tests.support.hosting import create
from tests.support.objectstore import Endpoint
from tests.support.postgresql import Server as Database
from tests.support.serving import Server, serve, shown

from condarium.settings import Settings
from condarium.storage.store import Store


@pytest.fixture
def server(
    tmp_path: Path,
    postgresql: Database,
    object_store: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Server]:
    for name, value in object_store.environ.items():
        monkeypatch.setenv(name, value)
    bucket = object_store.new_bucket()
    with postgresql.new_database() as url:
        environ = {"CONDARIUM_DATABASE": url, "CONDARIUM_BLOBS": f"s3://{bucket}"}
        settings = Settings.read({"HOME": str(tmp_path), **environ}, store=tmp_path / "store")
        store = Store(settings)
        create(store, "lab")
        store.close()
        with serve(tmp_path / "store", environ=os.environ, **environ) as server:
            yield server


def test_packages_come_from_the_bucket(server: Server, tmp_path: Path) -> None:
    package = make_package(Made("tool", "1.0"), into=tmp_path)
    for number in (201, 200):
        url = f"{server.url}/api/channels/lab/upload/{package.name}"
        got = httpx.post(url, content=package.read_bytes(), headers=server.bearer)
        assert got.status_code == number, got.text
    assert shown(server, "lab").keys() == {package.name}

    url = f"{server.url}/lab/noarch/{package.name}"
    first = httpx.get(url)
    assert (first.status_code, first.content) == (307, b"")
    assert "immutable" not in first.headers["cache-control"]
    whole = httpx.get(url, follow_redirects=True)
    assert whole.content == package.read_bytes()
    part = httpx.get(url, follow_redirects=True, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, package.read_bytes()[2:6])
    head = httpx.head(url)
    assert head.status_code == 200
    assert int(head.headers["content-length"]) == package.stat().st_size
    assert httpx.get(url, headers={"If-None-Match": head.headers["etag"]}).status_code == 304


def test_indexes_come_through_the_server(server: Server, tmp_path: Path) -> None:
    package = make_package(Made("tool", "1.0"), into=tmp_path)
    url = f"{server.url}/api/channels/lab/upload/{package.name}"
    httpx.post(url, content=package.read_bytes(), headers=server.bearer).raise_for_status()
    for name in ("repodata_shards.msgpack.zst", "repodata.json", "repodata.json.zst"):
        got = httpx.get(f"{server.url}/lab/noarch/{name}")
        assert (got.status_code, got.headers["x-condarium-revision"]) == (200, "r1")
        again = httpx.get(got.url, headers={"If-None-Match": got.headers["etag"]})
        assert again.status_code == 304
