"""The parts of the server that need no network: addresses, forms, caches."""

from pathlib import Path

import httpx
import pytest

from condarium.model.view import ChannelName, View
from condarium.server.content.addresses import (
    Address,
    FileAddress,
    FrontPage,
    NoSuchAddress,
    ShardAddress,
    parse_address,
)
from condarium.server.content.cache import Cache
from condarium.server.content.pages import asked_of
from condarium.server.content.spool import Spool
from condarium.server.doors.credentials import split_token
from condarium.server.multipart import BadForm, FileOfForm, boundary_of
from condarium.server.responses import FileBody
from condarium.settings import BadSetting, ServerSettings

LAB = View(channel=ChannelName("lab"))
DEV = View(channel=ChannelName("lab"), label="team/dev", as_of=12)


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/", FrontPage()),
        ("/lab", FileAddress(LAB, "", "")),
        ("/lab/", FileAddress(LAB, "", "")),
        ("/lab/linux-64/", FileAddress(LAB, "linux-64", "")),
        ("/lab/noarch/repodata.json", FileAddress(LAB, "noarch", "repodata.json")),
        ("/lab/channeldata.json", FileAddress(LAB, "", "channeldata.json")),
        ("/lab/label/team/dev/as-of/r12/osx-64/x", FileAddress(DEV, "osx-64", "x")),
        ("/lab/label/team/dev/as-of/r12/", FileAddress(DEV, "", "")),
        (f"/lab/shards/{'ab' * 32}.msgpack.zst", ShardAddress(LAB, b"\xab" * 32)),
    ],
)
def test_addresses_are_read_from_the_right(path: str, address: Address) -> None:
    assert parse_address(path) == address


@pytest.mark.parametrize(
    "path",
    [
        "//",
        "/noarch/repodata.json",
        "/lab/repodata.json",
        "/lab//noarch/x",
        "/lab/../noarch/x",
        "/lab/linux-65/x",
        "/LAB/noarch/x",
        "/lab/shards/x",
        f"/lab/shards/{'AB' * 32}.msgpack.zst",
        f"/lab/label/dev/shards/{'ab' * 32}.msgpack.zst",
        "/lab/as-of/r1/r2/noarch/x",
        "/lab/noarch/a\nb",
        "/lab/noarch/" + "a" * 2000,
    ],
)
def test_what_is_no_address(path: str) -> None:
    with pytest.raises(NoSuchAddress):
        parse_address(path)


def test_a_token_is_taken_off_a_path() -> None:
    assert split_token("/t/abc/lab/noarch/x") == ("/lab/noarch/x", "abc")
    assert split_token("/t/abc") == ("/", "abc")
    assert split_token("/tt/abc/x") == ("/tt/abc/x", None)


@pytest.mark.parametrize(
    ("query", "number"),
    [
        (b"page=3", 3),
        (b"page=0", 1),
        (b"page=-2", 1),
        (b"page=" + b"9" * 5000, 1),
        (b"page=\xd9\xa1", 1),
        (b"&".join(b"a%d=1" % field for field in range(50)) + b"&page=3", 1),
    ],
)
def test_any_query_asks_for_some_page(query: bytes, number: int) -> None:
    assert asked_of({}, query, "http").number == number


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({b"host": b"conda.test:8000"}, "http://conda.test:8000"),
        ({b"host": b"[::1]:8000"}, "http://[::1]:8000"),
        ({b"host": b"a.test", b"x-forwarded-host": b"evil.test"}, "http://a.test"),
        ({b"host": b"a.test", b"x-forwarded-proto": b"evil"}, "http://a.test"),
        ({b"host": b"a.test; rm -r"}, ""),
        ({}, ""),
    ],
)
def test_the_host_is_what_was_asked_for(headers: dict[bytes, bytes], origin: str) -> None:
    assert asked_of(headers, b"", "http").origin == origin


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://conda.test", "https://conda.test"),
        ("http://[::1]:8000/channels/", "http://[::1]:8000/channels"),
        ("", None),
    ],
)
def test_a_public_url_is_read(text: str, url: str | None) -> None:
    assert ServerSettings.read({"CONDARIUM_PUBLIC_URL": text}).public_url == url


@pytest.mark.parametrize(
    "text", ["conda.test", "ftp://a.test", "https://a b", "https://a?x", "http://"]
)
def test_what_is_no_public_url(text: str) -> None:
    with pytest.raises(BadSetting, match="CONDARIUM_PUBLIC_URL"):
        ServerSettings.read({"CONDARIUM_PUBLIC_URL": text})


CONTENT = bytes(range(256)) * 3 + b"\r\n--not-the-mark\r\n\r\n"


def form(**files: object) -> tuple[bytes, bytes]:
    """A body as a client sends it, and what stands between its parts."""
    request = httpx.Request("POST", "http://x", data={"note": "first"}, files=files)  # type: ignore[arg-type]
    boundary = boundary_of(request.headers["content-type"].encode())
    assert boundary is not None
    return request.read(), boundary


@pytest.mark.parametrize("step", [1, 2, 7, 100, 100_000])
def test_the_file_of_a_form_arrives_in_any_pieces(step: int) -> None:
    body, boundary = form(file=('a"b-1.0-0.conda', CONTENT), other=("second", b"ignored"))
    reading = FileOfForm(boundary)
    pieces = (body[at : at + step] for at in range(0, len(body), step))
    found = b"".join(piece for each in pieces for piece in reading.feed(each))
    reading.end()
    assert found == CONTENT
    assert reading.part
    assert reading.part.file_name in ('a"b-1.0-0.conda', "a%22b-1.0-0.conda")


def test_a_form_that_ends_too_early_is_no_form() -> None:
    body, boundary = form(file=("x", CONTENT))
    for stop in (0, 10, 200, len(body) - 60, len(body) - 5):
        reading = FileOfForm(boundary)
        assert len(b"".join(reading.feed(body[:stop]))) <= len(CONTENT)
        with pytest.raises(BadForm):
            reading.end()


def test_the_head_of_a_part_has_a_limit() -> None:
    reading = FileOfForm(b"mark")
    with pytest.raises(BadForm):
        list(reading.feed(b"--mark\r\nX: " + b"x" * 100_000))


def test_a_cache_keeps_what_was_used_last() -> None:
    cache: Cache[str] = Cache(10)
    for key in "abc":
        cache.keep(key, key.upper(), size=4)
    assert [cache.get(key) for key in "abc"] == [None, "B", "C"]
    cache.get("b")
    cache.keep("d", "D", size=4)
    assert [cache.get(key) for key in "bcd"] == ["B", None, "D"]
    cache.keep("huge", "H", size=100)
    assert cache.get("huge") is None


def test_large_bodies_are_files_while_somebody_holds_them() -> None:
    spool = Spool()
    assert spool.body(b"small") == b"small"
    bodies = [spool.body(b"x" * 300_000) for _ in range(40)]
    paths = [body.path for body in bodies if isinstance(body, FileBody)]
    assert len(paths) == 40
    assert all(path.stat().st_size == 300_000 for path in paths)
    del bodies
    assert 0 < sum(map(Path.exists, paths)) <= 17
    spool.close()
    assert not any(map(Path.exists, paths))
