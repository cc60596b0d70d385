"""What clients download: addresses, headers, conditional requests, ranges, private channels."""

import base64
import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from tests.support.channel import Made
from tests.support.hosting import change, create, fact, host, hosted_store
from tests.support.serving import Server, serve

from condarium.channels.shard import decode_shard, decompress
from condarium.storage.store import Store

TOOL = "/lab/noarch/tool-1.0-0.conda"
INDEX = "/lab/noarch/repodata_shards.msgpack.zst"
YEAR = "max-age=31536000, immutable"


@dataclass
class Served:
    store: Store
    server: Server
    http: httpx.Client


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A store of three revisions, and a server that has it open at the same time."""
    folder = tmp_path_factory.mktemp("content")
    large = Made("large", "1.0", subdir="linux-64", files={"x": Random(1).randbytes(3_000_000)})
    with hosted_store(folder) as store:
        host(store, "lab", [Made("tool", "1.0"), large])
        host(store, "lab", [Made("tool", "2.0")], labels=["dev"])
        host(store, "lab", [Made("tool", "3.0")])
        create(store, "secret", public=False)
        host(store, "secret", [Made("hidden", "1.0")])
        with serve(folder / "store") as server, httpx.Client(base_url=server.url) as client:
            yield Served(store, server, client)


@pytest.mark.parametrize(
    ("path", "media_type", "cache_control", "revision"),
    [
        (INDEX, "application/zstd", "public, no-cache", "r3"),
        ("/lab/noarch/repodata.json", "application/json", "public, no-cache", "r3"),
        ("/lab/noarch/repodata.json.zst", "application/zstd", "public, no-cache", "r3"),
        ("/lab/linux-64/run_exports.json", "application/json", "public, no-cache", "r3"),
        ("/lab/channeldata.json", "application/json", "public, no-cache", "r3"),
        ("/lab/notices.json", "application/json", "public, no-cache", "r3"),
        ("/lab/label/dev/noarch/repodata.json", "application/json", "public, no-cache", "r3"),
        ("/lab/as-of/r1/noarch/repodata.json", "application/json", f"public, {YEAR}", "r1"),
        (f"/lab/as-of/r2{INDEX[4:]}", "application/zstd", f"public, {YEAR}", "r2"),
        (f"/lab/as-of/r2/cooldown/1d{INDEX[4:]}", "application/zstd", "public, no-cache", "r2"),
        (
            "/lab/as-of/r2/cooldown/1d/noarch/repodata.json",
            "application/json",
            f"public, {YEAR}",
            "r2",
        ),
        (TOOL, "application/octet-stream", f"public, {YEAR}", "r3"),
    ],
)
def test_a_file_says_what_it_is(
    served: Served, path: str, media_type: str, cache_control: str, revision: str
) -> None:
    got = served.http.get(path)
    assert got.status_code == 200
    assert got.headers["content-type"] == media_type
    assert got.headers["cache-control"] == cache_control
    assert got.headers["x-condarium-revision"] == revision
    assert int(got.headers["content-length"]) == len(got.content) > 0
    assert "content-encoding" not in got.headers
    assert got.headers["etag"]


def test_a_view_leads_to_its_shards(served: Served) -> None:
    found = set()
    for view in ("lab", "lab/label/dev", "lab/as-of/r1"):
        index = served.http.get(f"/{view}/noarch/repodata_shards.msgpack.zst")
        read = msgspec.msgpack.decode(decompress(index.content))
        url = index.url.join(read["info"]["shards_base_url"])
        digest = read["shards"]["tool"].hex()
        got = served.http.get(f"{url}{digest}.msgpack.zst")
        assert got.headers["cache-control"] == f"public, {YEAR}"
        assert got.headers["x-condarium-revision"] == "r3"
        assert sha256(got.content).hexdigest() == digest
        found |= decode_shard(got.content).records.keys()
    assert found == {"tool-1.0-0.conda", "tool-2.0-0.conda", "tool-3.0-0.conda"}


def test_what_another_process_publishes_is_seen_at_once(served: Served) -> None:
    create(served.store, "quick")
    before = served.http.get("/quick/noarch/repodata_shards.msgpack.zst")
    for number in range(1, 4):
        host(served.store, "quick", [Made("new", f"{number}.0")])
        fresh = served.http.get(
            "/quick/noarch/repodata_shards.msgpack.zst",
            headers={"If-None-Match": before.headers["etag"]},
        )
        assert (fresh.status_code, fresh.headers["x-condarium-revision"]) == (200, f"r{number}")
        before = fresh


def test_an_index_that_a_revision_does_not_touch_keeps_its_etag(served: Served) -> None:
    host(served.store, "still", [Made("one", "1.0")])
    path = "/still/noarch/repodata_shards.msgpack.zst"
    first = served.http.get(path)
    host(served.store, "still", [Made("other", "1.0", subdir="linux-64")])
    again = served.http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.headers["x-condarium-revision"]) == (304, "r2")


def test_past_views_stay_the_same(served: Served) -> None:
    host(served.store, "past", [Made("one", "1.0"), Made("two", "1.0")])
    files = ("noarch/repodata_shards.msgpack.zst", "noarch/repodata.json", "channeldata.json")
    before = [served.http.get(f"/past/as-of/r1/{file}").content for file in files]
    yank = fact("yank", "noarch", "one-1.0-0.conda")
    change(served.store, "past", "yank", opened=[yank])
    host(served.store, "past", [Made("two", "2.0")])
    assert [served.http.get(f"/past/as-of/r1/{file}").content for file in files] == before
    now = served.http.get("/past/noarch/repodata.json").json()
    assert now["packages.conda"].keys() == {"two-1.0-0.conda", "two-2.0-0.conda"}
    assert served.http.get("/past/noarch/one-1.0-0.conda").status_code == 200


@pytest.mark.parametrize("path", [TOOL, INDEX, "/lab/noarch/repodata.json.zst"])
def test_conditional_requests(served: Served, path: str) -> None:
    whole = served.http.get(path)
    etag = whole.headers["etag"]
    for asked in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        got = served.http.get(path, headers={"If-None-Match": asked, "Range": "bytes=0-1"})
        assert (got.status_code, got.content) == (304, b"")
        for name in ("etag", "cache-control", "x-condarium-revision"):
            assert got.headers[name] == whole.headers[name]
    assert served.http.get(path, headers={"If-None-Match": '"other"'}).content == whole.content


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=10-", slice(10, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=5-5", slice(5, 6)),
        ("bytes=3-99999999", slice(3, None)),
        ("bytes=-99999999", slice(None)),
    ],
)
@pytest.mark.parametrize("path", [TOOL, INDEX, "/lab/linux-64/large-1.0-0.conda"])
def test_ranges(served: Served, path: str, asked: str, wanted: slice) -> None:
    whole = served.http.get(path).content
    got = served.http.get(path, headers={"Range": asked})
    start, stop, _ = wanted.indices(len(whole))
    assert (got.status_code, got.content) == (206, whole[wanted])
    assert got.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole)}"
    assert int(got.headers["content-length"]) == len(got.content)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("bytes=99999999-", 416),
        ("bytes=-0", 416),
        ("bytes=0-1,4-5", 200),
        ("bytes=9-3", 200),
        ("bytes=-", 200),
        ("items=0-1", 200),
        ("bytes=a-b", 200),
    ],
)
def test_ranges_that_cannot_be_given(served: Served, asked: str, status: int) -> None:
    whole = served.http.get(TOOL).content
    got = served.http.get(TOOL, headers={"Range": asked})
    assert got.status_code == status
    if status == 416:
        assert got.headers["content-range"] == f"bytes */{len(whole)}"
    else:
        assert got.content == whole


def test_a_range_goes_on_only_with_the_same_bytes(served: Served) -> None:
    etag = served.http.get(TOOL).headers["etag"]
    part = {"Range": "bytes=1-2"}
    assert served.http.get(TOOL, headers={**part, "If-Range": etag}).status_code == 206
    assert served.http.get(TOOL, headers={**part, "If-Range": '"x"'}).status_code == 200


@pytest.mark.parametrize("path", [TOOL, INDEX, "/lab/noarch/repodata.json", "/healthz"])
def test_head_has_the_headers_of_get(served: Served, path: str) -> None:
    got, head = served.http.get(path), served.http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    own = {"date": "", "x-request-id": ""}
    assert {**head.headers, **own} == {**got.headers, **own}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/lab/osx-64/repodata.json", "no-such-address"),
        ("/lab/linux-65/repodata.json", "no-such-address"),
        ("/lab/noarch/none-1.0-0.conda", "no-such-package-file"),
        ("/lab/noarch/repodata.json.bz2", "no-such-encoding"),
        ("/lab/as-of/r99/noarch/repodata.json", "no-such-revision"),
        ("/lab/as-of/never/noarch/repodata.json", "no-such-address"),
        ("/lab/as-of/2999-01-01T00:00:00Z/noarch/repodata.json", "not-yet"),
        (f"/lab/shards/{'0' * 64}.msgpack.zst", "no-such-address"),
        (f"/lab/shards/{'0' * 63}.msgpack.zst", "no-such-address"),
        ("/none/noarch/repodata.json", "no-channel-here"),
        ("/lab/label/slip/noarch/repodata.json", "no-such-label"),
    ],
)
def test_what_is_not_there(served: Served, path: str, code: str) -> None:
    got = served.http.get(path)
    assert (got.status_code, got.json()["code"]) == (404, code)
    assert got.headers["content-type"] == "application/problem+json"
    assert got.json()["detail"]
    assert "immutable" not in got.headers["cache-control"]


def test_a_label_that_nothing_has_is_told_with_those_that_there_are(served: Served) -> None:
    got = served.http.get("/lab/label/slip/noarch/repodata_shards.msgpack.zst")
    assert "its labels are dev, main" in got.json()["detail"]


def test_it_is_ready_while_the_database_answers(served: Served) -> None:
    got = served.http.get("/readyz")
    assert (got.status_code, got.text) == (200, "ready\n")


@pytest.mark.parametrize("query", ["page=" + "9" * 5000, "&".join(["a=1"] * 50)])
def test_strange_queries_get_a_page(served: Served, query: str) -> None:
    assert served.http.get(f"/lab/noarch/?{query}").status_code == 200


def test_every_channel_has_a_noarch(served: Served) -> None:
    create(served.store, "empty")
    assert served.http.get("/empty/noarch/repodata.json").json()["packages"] == {}
    assert served.http.get("/empty/noarch/repodata_shards.msgpack.zst").status_code == 200


def test_other_methods_are_told_which_there_are(served: Served) -> None:
    got = served.http.delete(TOOL)
    assert (got.status_code, got.headers["allow"]) == (405, "GET, HEAD")


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


SECRETS = (
    "noarch/repodata.json",
    "noarch/repodata_shards.msgpack.zst",
    "noarch/hidden-1.0-0.conda",
)


@pytest.mark.parametrize("file", SECRETS)
def test_a_private_channel_is_read_with_a_token(served: Served, file: str) -> None:
    token = served.server.token
    ways = [{"X-API-Key": token}, basic("me", token), basic(token, ""), served.server.bearer]
    found = [served.http.get(f"/secret/{file}", headers=headers) for headers in ways]
    found.append(served.http.get(f"/t/{token}/secret/{file}"))
    for got in found:
        assert got.status_code == 200
        assert got.headers["cache-control"].startswith("private, ")


@pytest.mark.parametrize("file", SECRETS)
def test_a_private_channel_looks_as_if_it_were_not_there(served: Served, file: str) -> None:
    for headers in ({}, served.server.bearer):  # the second so that the answer is at hand
        served.http.get(f"/secret/{file}", headers=headers)
    hidden, absent = (served.http.get(f"/{name}/{file}") for name in ("secret", "absent"))
    assert hidden.status_code == absent.status_code == 404
    assert hidden.text.replace("secret", "absent") == absent.text
    own = {"date": "", "x-request-id": ""}
    assert {**hidden.headers, **own} == {**absent.headers, **own}


def test_a_wrong_token_is_refused_where_one_is_needed(served: Served) -> None:
    for headers in (
        basic("me", "wrong"),
        {"Authorization": "Bearer wrong"},
        {"X-API-Key": "wrong"},
    ):
        got = served.http.get("/secret/noarch/repodata.json", headers=headers)
        assert got.status_code == 401
        assert "Basic" in got.headers["www-authenticate"]
        assert served.http.get(TOOL, headers=headers).status_code == 200
    assert served.http.get("/t/wrong/secret/noarch/repodata.json").status_code == 401
    assert served.http.get("/t/wrong/absent/noarch/repodata.json").status_code == 401


def test_the_hash_of_a_shard_opens_no_other_channel(served: Served) -> None:
    index = served.http.get(
        "/secret/noarch/repodata_shards.msgpack.zst", headers=served.server.bearer
    )
    digest = msgspec.msgpack.decode(decompress(index.content))["shards"]["hidden"].hex()
    name = f"shards/{digest}.msgpack.zst"
    assert served.http.get(f"/secret/{name}", headers=served.server.bearer).status_code == 200
    assert served.http.get(f"/secret/{name}").status_code == 404
    assert served.http.get(f"/lab/{name}").status_code == 404


def test_a_channel_that_becomes_private_is_so_at_once(served: Served) -> None:
    host(served.store, "turn", [Made("one", "1.0")])
    assert served.http.get("/turn/noarch/repodata.json").status_code == 200
    with served.store.database.read() as facts:
        name = facts.channels.all()[-1].name
    assert str(name) == "turn"
    with served.store.database.note() as facts:
        facts.channels.change(name, public=False)
    assert served.http.get("/turn/noarch/repodata.json").status_code == 404
    assert served.http.get("/turn/noarch/one-1.0-0.conda").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/lab/../secret/noarch/repodata.json",
        "/lab/%2e%2e/secret/noarch/repodata.json",
        "/lab/noarch/..%2f..%2fcondarium.db",
        "/lab/noarch/../../condarium.db",
        "//lab/noarch/repodata.json",
        "/lab//noarch/repodata.json",
        "/lab/label/a//b/noarch/repodata.json",
        "/lab/noarch/%00",
        "/lab/noarch/x%0d%0aSet-Cookie:%20a=b",
        "/lab/noarch/%ff%fe.conda",
        "/%ff/noarch/repodata.json",
        "/lab/label/" + "a" * 300 + "/noarch/repodata.json",
        "/lab/noarch/" + "a" * 5000,
        "/t/",
        "/t//lab/",
        "/lab/shards/../noarch/repodata.json",
        "/admin-token",
        "/api/",
        "/api/channels/lab/upload/",
    ],
)
def test_hostile_paths_lead_nowhere(served: Served, path: str) -> None:
    where = urlsplit(served.server.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
    connection.putrequest("GET", path, skip_accept_encoding=True)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status in (400, 404)
    assert "set-cookie" not in answer.headers
    assert served.server.token.encode() not in answer.read()
    connection.close()


def test_heads_may_be_cached_for_a_while(tmp_path: Path) -> None:
    with hosted_store(tmp_path) as store:
        host(store, "lab", [Made("tool", "1.0")])
        with serve(tmp_path / "store", CONDARIUM_MAX_AGE="60") as server:
            assert (
                httpx.get(f"{server.url}{INDEX}").headers["cache-control"] == "public, max-age=60"
            )
            past = httpx.get(f"{server.url}/lab/as-of/r1/noarch/repodata.json")
            assert past.headers["cache-control"] == f"public, {YEAR}"
