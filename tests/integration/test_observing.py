"""What those see who watch a server: health, metrics, logs, traces, and how it ends."""

import json
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.channel import Made
from tests.support.hosting import host, hosted_store
from tests.support.serving import Server, serve

_METRICS = "a-token-for-metrics"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    with hosted_store(home) as store:
        host(store, "lab", [Made("tool", "1.0")])
    with serve(
        home / "store",
        CONDARIUM_METRICS_TOKEN=_METRICS,
        CONDARIUM_LOG_FORMAT="json",
        CONDARIUM_LOG_LEVEL="info",
    ) as server:
        yield server


def samples(server: Server) -> dict[tuple[str, tuple[str, ...]], float]:
    """The values that /metrics gives, by name and values of labels."""
    got = httpx.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {_METRICS}"})
    assert got.raise_for_status().headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(got.text)
    return {
        (each.name, tuple(each.labels.values())): each.value
        for family in families
        for each in family.samples
    }


def log_lines(server: Server) -> list[dict[str, object]]:
    whole = server.log.read_text().rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines()]


def test_it_is_healthy_and_ready(server: Server) -> None:
    assert httpx.get(f"{server.url}/healthz").text == "ok\n"
    assert httpx.get(f"{server.url}/readyz").text == "ready\n"
    assert httpx.head(f"{server.url}/readyz").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer another-token-for-metrics"}, 401),
        ({"Authorization": f"Bearer {_METRICS}"}, 200),
    ],
)
def test_metrics_are_for_those_who_may_see_them(
    server: Server, headers: dict[str, str], status: int
) -> None:
    assert httpx.get(f"{server.url}/metrics", headers=headers).status_code == status
    assert httpx.get(f"{server.url}/metrics", headers=server.bearer).status_code == 200


def test_the_token_for_metrics_is_for_nothing_else(server: Server) -> None:
    headers = {"Authorization": f"Bearer {_METRICS}"}
    assert httpx.get(f"{server.url}/api/v1/channels", headers=headers).status_code == 401


def test_metrics_count_requests_by_route_and_say_how_the_store_is(server: Server) -> None:
    for name in ("lab", "nowhere", "elsewhere"):
        httpx.get(f"{server.url}/{name}/noarch/repodata_shards.msgpack.zst")
    found = samples(server)
    route = "/{view}/{subdir}/repodata_shards.msgpack.zst"
    assert found["condarium_requests_total", ("GET", route, "200")] == 1
    assert found["condarium_requests_total", ("GET", route, "404")] == 2
    assert found["condarium_request_seconds_count", (route,)] == 3
    assert found["condarium_response_bytes_total", (route,)] > 100
    assert found["condarium_channels", ()] == 1
    assert found["condarium_channel_revisions", ()] == 1
    assert found["condarium_store_bytes", ("packages",)] > 100
    assert found["process_resident_memory_bytes", ()] > 1e6
    for name in ("encodings_lag", "worker_silence", "job_waiting"):
        assert found[f"condarium_{name}_seconds", ()] >= 0
    assert found["condarium_workers", ()] == 1


def test_metrics_do_not_grow_with_what_strangers_ask(server: Server) -> None:
    samples(server)
    before = len(samples(server))  # with what it counts of itself
    for number in range(30):
        httpx.get(f"{server.url}/c{number}/x{number}/{number}")
        httpx.request(f"M{number}", f"{server.url}/api/v1/x{number}")
    assert len(samples(server)) <= before + 2 * 13  # `other`, once for each method, and buckets


def test_a_request_has_an_id(server: Server) -> None:
    assert len(httpx.get(f"{server.url}/healthz").headers["x-request-id"]) == 32
    given = {"X-Request-ID": "from-my-proxy.1"}
    assert httpx.get(f"{server.url}/healthz", headers=given).headers["x-request-id"] == (
        "from-my-proxy.1"
    )
    evil = {"X-Request-ID": "a" * 100}
    assert len(httpx.get(f"{server.url}/healthz", headers=evil).headers["x-request-id"]) == 32


def test_a_request_is_logged_without_its_secrets(server: Server) -> None:
    headers = {"X-Request-ID": "this-one"}
    httpx.get(f"{server.with_token}/lab/noarch/?token=very-secret", headers=headers)
    httpx.get(f"{server.url}/api/v1/channels", headers={**headers, **server.bearer})
    lines: list[dict[str, object]] = []
    until = time.monotonic() + 10
    while len(lines) < 2 and time.monotonic() < until:  # a line comes after the response's end
        lines = [line for line in log_lines(server) if line.get("request") == "this-one"]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/{view}/", 200),
        ("/api/v1/channels", 200),
    ]
    assert lines[1]["principal"] == "administrator"
    assert all(isinstance(line["ms"], float) for line in lines)
    text = server.log.read_text()
    assert server.token not in text
    assert "very-secret" not in text
    assert _METRICS not in text


def test_it_is_not_ready_with_another_schema(tmp_path: Path) -> None:
    with serve(tmp_path / "store") as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        with closing(sqlite3.connect(tmp_path / "store" / "condarium.db")) as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
            database.commit()
        got = httpx.get(f"{server.url}/readyz")
        assert (got.status_code, got.text) == (503, "the database does not answer\n")
        assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_a_server_that_ends_says_so_and_answers_meanwhile(tmp_path: Path) -> None:
    with serve(tmp_path / "store", CONDARIUM_DRAIN="2") as server:
        server.process.send_signal(signal.SIGTERM)
        said = {httpx.get(f"{server.url}/readyz").status_code for _ in _for_a_second()}
        assert said >= {503}
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        assert server.process.wait(timeout=20) == 0


def _for_a_second() -> Iterator[None]:
    until = time.monotonic() + 1
    while time.monotonic() < until:
        yield
        time.sleep(0.05)


def test_a_signal_at_any_moment_ends_it(tmp_path: Path) -> None:
    """It is told to end as soon as it has said where it is, while its main thread may do anything.

    A handler that could wait for its own thread would now and then.
    """
    for _ in range(3):
        with serve(tmp_path / "store") as server:
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(timeout=20) == 0


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """An endpoint that takes OpenTelemetry's spans."""
    taken: list[bytes] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *said: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", taken
    finally:
        server.shutdown()
        server.server_close()


def test_spans_go_to_the_endpoint_that_is_named(tmp_path: Path) -> None:
    parent = f"00-{'ab' * 16}-{'cd' * 8}-01"
    with collector() as (url, taken):
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with serve(tmp_path / "store", **environ) as server:
            httpx.get(
                f"{server.url}/api/v1/channels", headers={"traceparent": parent, **server.bearer}
            )
            until = time.monotonic() + 10
            while b"channel list" not in b"".join(taken) and time.monotonic() < until:
                time.sleep(0.05)
    said = b"".join(taken)
    assert b"condarium-web" in said
    assert bytes.fromhex("ab" * 16) in said
    assert b"channel list" in said
