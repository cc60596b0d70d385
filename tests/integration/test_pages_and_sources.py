"""What a server shows to people, and the archive of sources that it gives."""

import hashlib
from collections.abc import Iterator

import httpx
import pytest
from tests.support.channel import Made, make_package
from tests.support.serving import Server, serve

from condarium.client import Client

ARCHIVE = b"the source of something\n" * 1000
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()
URL = "https://example.org/releases/thing-1.0.tar.gz?raw=1"
SECRET = b"the source of a secret"
HIDDEN = hashlib.sha256(SECRET).hexdigest()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "thing-1.0.tar.gz").write_bytes(ARCHIVE)
    (folder / "secret.tar.gz").write_bytes(SECRET)
    tool = make_package(Made("tool", "1.0", license="MIT"), into=folder / "made")
    with Client(folder / "store") as client:
        client.channel.create("lab", public=True, description="for <all>")
        client.channel.create("den")
        client.channel.create("both", public=True, union=["lab"])
        client.channel.create("all", public=True, union=["both"])
        client.channel.publish("lab", [tool], label=["main", "team/dev"])
        client.channel.source.add(folder / "thing-1.0.tar.gz", url=[URL], public=True)
        client.channel.source.add(folder / "secret.tar.gz", url=[URL])
    with serve(folder / "store") as server:
        yield server


@pytest.mark.parametrize(
    "path",
    ["/", "/lab/", "/lab/noarch/", "/lab/label/team/dev/", "/lab/as-of/r1/noarch/", "/lab/?q=tool"],
)
def test_a_page_is_html_that_runs_nothing_of_others(server: Server, path: str) -> None:
    got = httpx.get(f"{server.url}{path}")
    assert got.status_code == 200
    assert got.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in got.headers["content-security-policy"]
    assert "for <all>" not in got.text


def test_a_page_says_what_there_is_and_how_it_is_used(server: Server) -> None:
    page = httpx.get(f"{server.url}/lab/")
    assert "tool" in page.text
    assert f"{server.url}/lab" in page.text
    assert page.headers["x-condarium-revision"] == "r1"
    files = httpx.get(f"{server.url}/lab/noarch/")
    assert 'href="tool-1.0-0.conda"' in files.text


def test_a_package_of_a_union_may_become_that_of_another_member(server: Server) -> None:
    file = "noarch/tool-1.0-0.conda"
    assert "immutable" in httpx.head(f"{server.url}/lab/{file}").headers["cache-control"]
    for union, revision in (("both", "lab@r1"), ("all", "both@(lab@r1)")):
        got = httpx.head(f"{server.url}/{union}/{file}")
        assert (got.status_code, got.headers["cache-control"]) == (200, "public, no-cache")
        assert got.headers["x-condarium-revision"] == revision


def test_a_page_that_did_not_change_is_not_sent_again(server: Server) -> None:
    first = httpx.get(f"{server.url}/lab/")
    again = httpx.get(f"{server.url}/lab/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/lab", "/lab/noarch", "/lab/label/team/dev", "/lab/as-of/r1"])
def test_without_its_slash_a_page_has_moved(server: Server, path: str) -> None:
    for url in (f"{server.url}{path}", f"{server.with_token}{path}"):
        got = httpx.get(url)
        assert got.status_code == 308
        followed = httpx.get(url, follow_redirects=True)
        assert str(followed.url) == f"{url}/"
        assert followed.status_code == 200


def test_private_channels_are_on_no_page_of_others(server: Server) -> None:
    assert 'href="den/"' not in httpx.get(f"{server.url}/").text
    assert httpx.get(f"{server.url}/den/").status_code == 404
    assert httpx.get(f"{server.with_token}/den/").status_code == 200


@pytest.mark.parametrize("path", ["", "noarch/", "noarch/repodata_shards.msgpack.zst"])
def test_a_label_that_nothing_ever_had_is_not_there(server: Server, path: str) -> None:
    got = httpx.get(f"{server.url}/lab/label/team/stable/{path}")
    assert (got.status_code, got.json()["code"]) == (404, "no-such-label")


@pytest.mark.parametrize(
    "path",
    [
        DIGEST,
        f"{DIGEST}/any-name.tar.gz",
        f"url/{URL}",
        f"url/{URL.replace('://', ':/')}",
    ],
)
def test_a_source_is_had_by_its_hash_and_by_its_url(server: Server, path: str) -> None:
    got = httpx.get(f"{server.url}/source/{path}")
    assert (got.status_code, got.content) == (200, ARCHIVE)
    assert ("immutable" in got.headers["cache-control"]) == ("url/" not in path)
    assert "thing-1.0.tar.gz" in got.headers["content-disposition"]
    part = httpx.get(f"{server.url}/source/{path}", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, ARCHIVE[10:20])


@pytest.mark.parametrize("path", [HIDDEN, "0" * 64, "url/https://example.org/other", "nothing", ""])
def test_what_is_private_or_unknown_is_not_there(server: Server, path: str) -> None:
    got = httpx.get(f"{server.url}/source/{path}")
    assert (got.status_code, got.json()["code"]) == (404, "no-such-source")


@pytest.mark.parametrize("path", [HIDDEN, f"url/{URL}"])
def test_a_private_source_is_had_with_a_token(server: Server, path: str) -> None:
    got = httpx.get(f"{server.url}/source/{path}", headers=server.bearer)
    assert (got.status_code, got.content) == (200, SECRET)
    assert got.headers["cache-control"].startswith("private")
