"""The test server keeps its word: it serves well, and fails exactly as it was told to."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.server import (
    ChannelServer,
    Corrupt,
    Lie,
    Reset,
    ServerProcess,
    Slow,
    Stall,
    Status,
    Truncate,
    Vanish,
    WrongLength,
)

BODY = bytes(range(256)) * 40


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ChannelServer]:
    (tmp_path / "noarch").mkdir()
    (tmp_path / "noarch" / "a-1.0-0.conda").write_bytes(BODY)
    with ChannelServer(tmp_path) as running:
        yield running


Reply = tuple[int, bytes, dict[str, str]]


def get(server: ChannelServer, *, method: str = "GET", timeout: float = 5, **headers: str) -> Reply:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=timeout)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, "/noarch/a-1.0-0.conda", headers=names)
        reply = connection.getresponse()
        return reply.status, reply.read(), dict(reply.headers)
    finally:
        connection.close()


def test_a_file_arrives_whole_and_the_request_is_noted(server: ChannelServer) -> None:
    assert get(server)[:2] == (200, BODY)
    assert [(r.method, r.path, r.status, r.bytes) for r in server.requests] == [
        ("GET", "/noarch/a-1.0-0.conda", 200, len(BODY))
    ]
    assert server.count("*.conda") == server.count("noarch/a-*") == 1
    assert server.count("*.tar.bz2") == 0


def test_a_client_that_knows_the_etag_is_told_nothing_changed(server: ChannelServer) -> None:
    headers = get(server)[2]
    assert headers["Cache-Control"] == "no-cache"
    assert get(server, If_None_Match=headers["ETag"])[:2] == (304, b"")


def test_a_changed_file_has_another_etag(server: ChannelServer) -> None:
    old = get(server)[2]["ETag"]
    (server.root / "noarch" / "a-1.0-0.conda").write_bytes(b"new")
    assert get(server, If_None_Match=old)[:2] == (200, b"new")


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", BODY[:10]),
        ("bytes=100-", BODY[100:]),
        ("bytes=-5", BODY[-5:]),
        ("bytes=5-99999999", BODY[5:]),
    ],
)
def test_a_part_of_a_file_can_be_asked_for(server: ChannelServer, asked: str, part: bytes) -> None:
    assert get(server, Range=asked)[:2] == (206, part)


def test_a_part_beyond_the_end_is_refused(server: ChannelServer) -> None:
    assert get(server, Range="bytes=99999999-")[0] == 416


def test_head_tells_the_length_and_sends_nothing(server: ChannelServer) -> None:
    status, body, headers = get(server, method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(BODY)))


def test_a_connection_serves_many_requests(server: ChannelServer) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    for path in ("/noarch/a-1.0-0.conda", "/missing", "/noarch/a-1.0-0.conda"):
        connection.request("GET", path)
        connection.getresponse().read()
    connection.close()
    assert [r.status for r in server.requests] == [200, 404, 200]


def test_nothing_outside_the_folder_is_served(server: ChannelServer) -> None:
    (server.root.parent / "secret").write_text("x")
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    connection.request("GET", "/../secret")
    assert connection.getresponse().status == 404
    connection.close()


def test_a_fault_ends_after_its_times_and_spares_other_paths(server: ChannelServer) -> None:
    server.fault("*.tar.bz2", Vanish())
    server.fault("*.conda", Status(503, times=2))
    assert [get(server)[0] for _ in range(4)] == [503, 503, 200, 200]


def test_healing_ends_all_faults(server: ChannelServer) -> None:
    server.fault("*", Vanish())
    assert get(server)[0] == get(server, method="HEAD")[0] == 404
    server.heal()
    assert get(server)[0] == 200


def test_a_truncated_answer_breaks_off(server: ChannelServer) -> None:
    server.fault("*.conda", Truncate(at=0.25))
    with pytest.raises(http.client.IncompleteRead) as broken:
        get(server)
    assert broken.value.partial == BODY[: len(BODY) // 4]


def test_a_corrupt_answer_has_the_right_length_and_other_bytes(server: ChannelServer) -> None:
    server.fault("*.conda", Corrupt(count=16))
    body = get(server)[1]
    assert len(body) == len(BODY)
    assert sum(a != b for a, b in zip(body, BODY, strict=True)) == 16


def test_a_stalled_answer_never_ends(server: ChannelServer) -> None:
    server.fault("*.conda", Stall(60))
    with pytest.raises(TimeoutError):
        get(server, timeout=0.05)


def test_a_reset_is_a_reset(server: ChannelServer) -> None:
    server.fault("*.conda", Reset(after=100))
    with pytest.raises(ConnectionResetError):
        get(server)


def test_a_short_length_makes_a_short_body(server: ChannelServer) -> None:
    server.fault("*.conda", WrongLength(by=-10))
    assert get(server)[1] == BODY[:-10]


def test_a_long_length_breaks_off(server: ChannelServer) -> None:
    server.fault("*.conda", WrongLength(by=10))
    with pytest.raises(http.client.IncompleteRead):
        get(server)


def test_a_slow_answer_is_whole_in_the_end(server: ChannelServer) -> None:
    server.fault("*.conda", Slow(1_000_000))
    assert get(server)[1] == BODY


def test_a_lie_is_another_body(server: ChannelServer) -> None:
    server.fault("*.conda", Lie(b"other"))
    assert get(server)[:2] == (200, b"other")


def test_a_server_of_its_own_process_notes_requests_too(tmp_path: Path) -> None:
    (tmp_path / "noarch").mkdir()
    (tmp_path / "noarch" / "a-1.0-0.conda").write_bytes(BODY)
    with ServerProcess(tmp_path) as server:
        assert get(server)[:2] == (200, BODY)  # type: ignore[arg-type]
        assert server.count("*.conda") == 1
        server.forget()
        assert server.requests == []
