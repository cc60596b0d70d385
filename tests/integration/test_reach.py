"""What a server's users name, and where it leads: private addresses are not asked for them.

Upstream is on loopback here, so it is private, but for the one port that a test allows.
"""

import io
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.answering import AnsweringServer, Ask, Reply
from tests.support.channel import Made, make_channel
from tests.support.hosting import ADA, hosted_store
from tests.support.server import ChannelServer
from tests.support.serving import serve

from condarium.engine.network.addresses import PlaceRefused
from condarium.engine.network.errors import ChannelUnreachable
from condarium.engine.network.guard import guard_for
from condarium.engine.network.http import make_http
from condarium.engine.network.remote_files import RemoteFiles
from condarium.engine.pypi.uv import resolve_pypi
from condarium.environments import building
from condarium.environments.planning import Request
from condarium.errors import CondariumError, PipResolutionFailed
from condarium.model.condarc import Condarc
from condarium.model.document import Document
from condarium.model.names import EnvironmentName
from condarium.model.progress import Quiet
from condarium.model.report import Built
from condarium.settings.reach import VARIABLE, guarded

_CONDARC = Condarc(remote_max_retries=0, remote_connect_timeout_secs=2)


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[ChannelServer]:
    folder = make_channel(tmp_path / "channel", [Made("tool", "1.0")])
    with ChannelServer(folder) as server:
        yield server


def allowing(*urls: str) -> dict[str, str]:
    """The environment of a server that may ask these."""
    return guarded({VARIABLE: ",".join(httpx.URL(url).netloc.decode() for url in urls)})


@contextmanager
def leading(location: str) -> Iterator[str]:
    """A server that sends everybody elsewhere."""

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"{location}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815 - the library's own way to name it

        def log_message(self, *said: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def build(tmp_path: Path, environ: Mapping[str, str], channel: str) -> Built:
    content = f"channels: ['{channel}']\ndependencies: [tool]\n".encode()
    variables = {"CONDA_REMOTE_MAX_RETRIES": "0", **environ}
    with hosted_store(tmp_path, **variables) as store:
        request = Request(
            environment=EnvironmentName("lab", "fit"),
            file=Document("environment.yml", content),
            lock=None,
        )
        return building.build(store, request, actor=ADA, progress=Quiet())


def test_what_is_allowed_is_built_from_through_the_guard(
    tmp_path: Path, upstream: ChannelServer
) -> None:
    built = build(tmp_path, allowing(upstream.url), upstream.url)
    assert (built.path / "conda-meta").is_dir()
    assert upstream.count("*tool*") >= 1


def test_what_is_not_is_refused_and_nobody_is_asked(
    tmp_path: Path, upstream: ChannelServer
) -> None:
    with pytest.raises(PlaceRefused, match="no public address"):
        build(tmp_path, allowing(), upstream.url)
    assert upstream.requests == []


def test_folders_are_no_channels_to_strangers(tmp_path: Path) -> None:
    folder = make_channel(tmp_path / "folder", [Made("tool", "1.0")])
    with pytest.raises(PlaceRefused):
        build(tmp_path, allowing(), folder.as_uri())
    assert build(tmp_path, guarded({VARIABLE: str(folder)}), folder.as_uri()).changed


def test_no_redirect_leads_out(tmp_path: Path, upstream: ChannelServer) -> None:
    with leading(upstream.url) as there:
        with pytest.raises(CondariumError):
            build(tmp_path, allowing(there), there)
        files = RemoteFiles(_CONDARC, environ=allowing(there), home=tmp_path)
        with pytest.raises(ChannelUnreachable, match="HTTP 451"):
            files.get(f"{there}/noarch/repodata.json")
        assert upstream.requests == []
        files = RemoteFiles(_CONDARC, environ=allowing(there, upstream.url), home=tmp_path)
        assert files.get(f"{there}/noarch/repodata.json").content


def test_no_redirect_of_rattler_leads_out(tmp_path: Path, upstream: ChannelServer) -> None:
    """Also where the client is rattler's own."""
    from rattler.package_streaming import download_to_writer

    from condarium.engine.event_loop import run
    from condarium.engine.network.clients import make_client

    with leading(upstream.url) as there:
        client = make_client(_CONDARC, environ=allowing(there))
        with pytest.raises(Exception, match="451"):
            run(download_to_writer(client, f"{there}/noarch/repodata.json", io.BytesIO()))
    assert upstream.requests == []


def test_a_name_that_changes_its_address_meanwhile_gains_nothing(
    tmp_path: Path, upstream: ChannelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer is public, all further ones are not."""
    answers = iter(["93.184.215.14"])
    real = socket.getaddrinfo

    def rebinding(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        if host == "rebinding.example":
            return real(next(answers, "127.0.0.1"), port, *rest, **named)
        return real(host, port, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    files = RemoteFiles(_CONDARC, environ=allowing(), home=tmp_path)
    port = httpx.URL(upstream.url).port
    with pytest.raises(ChannelUnreachable, match="HTTP 451"):
        files.get(f"http://rebinding.example:{port}/noarch/repodata.json")
    assert upstream.requests == []


def test_the_guard_tunnels_to_what_is_allowed_alone(upstream: ChannelServer) -> None:
    guard = guard_for(allowing(upstream.url))
    assert guard is not None
    at = httpx.URL(guard)
    said = {}
    for target in (httpx.URL(upstream.url).netloc.decode(), "127.0.0.1:1", "169.254.169.254:80"):
        with socket.create_connection((at.host, at.port)) as connection:
            connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
            said[target] = int(connection.recv(1000).split()[1])
    assert list(said.values()) == [200, 451, 451]


def test_one_that_names_a_proxy_goes_through_that(upstream: ChannelServer) -> None:
    assert guard_for({**allowing(), "https_proxy": "http://proxy.example"}) is None
    with make_http(_CONDARC, allowing(upstream.url)) as http:
        assert http.get(f"{upstream.url}/noarch/repodata.json").status_code == 200


@pytest.mark.parametrize(
    ("options", "requirement"),
    [
        (["--index-url http://127.0.0.1:9/simple"], "tool"),
        (["--extra-index-url=http://169.254.169.254/simple"], "tool"),
        (["--find-links /etc"], "tool"),
        ([], "tool @ http://127.0.0.1:9/tool-1.0-py3-none-any.whl"),
        ([], "tool[extra] @ git+https://127.0.0.1:9/tool.git"),
        ([], "tool @ git+ssh://git@127.0.0.1/tool.git"),
        ([], "http://127.0.0.1:9/tool-1.0-py3-none-any.whl"),
        ([], "tool @ file:///etc/passwd"),
    ],
)
def test_what_pip_is_told_leads_nowhere_else(
    tmp_path: Path, options: list[str], requirement: str
) -> None:
    with pytest.raises(PlaceRefused):
        resolve(tmp_path, options, requirement, allowing())


def test_uv_goes_through_the_guard(tmp_path: Path, upstream: ChannelServer) -> None:
    """An index that is allowed sends uv to one that is not."""
    with leading(upstream.url) as there, pytest.raises((PipResolutionFailed, CondariumError)):
        resolve(tmp_path, [f"--index-url {there}"], "tool", allowing(there))
    assert upstream.requests == []


def resolve(
    tmp_path: Path, options: list[str], requirement: str, environ: Mapping[str, str]
) -> object:
    return resolve_pypi(
        [requirement],
        options=options,
        conda=[],
        python=Path(sys.executable),
        python_version="3.11",
        platform="linux-64",
        cache_dir=tmp_path / "uv",
        environ={"HOME": str(tmp_path), "UV_HTTP_TIMEOUT": "5", **environ},
    )


def test_a_server_asks_for_its_users_what_is_allowed_and_itself(
    tmp_path: Path, upstream: ChannelServer
) -> None:
    with (
        serve(tmp_path / "store", CONDARIUM_ALLOW_PRIVATE_CHANNELS="") as server,
        httpx.Client(base_url=server.url, headers=server.bearer, timeout=30) as http,
    ):
        for name, url in {"far": upstream.url, "near": f"{server.url}/far"}.items():
            made = http.post("/api/v1/channels", json={"channel": name, "proxy": url})
            assert made.status_code in (200, 201, 403), made.text
        got = http.get("/far/noarch/repodata_shards.msgpack.zst")
        assert got.status_code >= 400
        assert "127.0.0.1:" in got.text or made.status_code == 403
    assert upstream.requests == []


def test_packages_are_fetched_with_the_credentials_of_the_channels_url(tmp_path: Path) -> None:
    folder = make_channel(tmp_path / "folder", [Made("tool", "1.0")])
    asked: list[str] = []

    def answer(ask: Ask) -> Reply:
        file = folder / ask.path.removeprefix("/t/s3cret/chan").lstrip("/")
        asked.append(file.name)
        found = ask.path.startswith("/t/s3cret/") and file.is_file()
        return Reply(body=file.read_bytes()) if found else Reply(404)

    with AnsweringServer(answer) as server:
        built = build(tmp_path, {}, f"{server.url}/t/s3cret/chan")
    assert built.changed
    assert "tool-1.0-0.conda" in asked
