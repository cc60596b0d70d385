"""A server on the loopback interface whose every answer a test makes up.

    with AnsweringServer(lambda ask: Reply(404)) as server:
        ...  # a client uses server.url
        assert server.asks[0].path == "/noarch/repodata.json"

With a `certificate` it speaks TLS. Asked as a proxy, it sees the whole URL as the path.
"""

import ssl
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Ask:
    method: str
    path: str
    headers: dict[str, str]  # by their names in lower case
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """`length` is what Content-Length claims; the connection waits `stall` seconds before it.

    With the status 0, the connection ends without an answer.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    stall: float = 0.0


@dataclass(frozen=True)
class Certificate:
    """A certificate for 127.0.0.1 and localhost, and the authority that signed it."""

    authority: Path
    chain: Path
    key: Path


class AnsweringServer:
    def __init__(
        self, answer: Callable[[Ask], Reply], *, certificate: Certificate | None = None
    ) -> None:
        self.answer = answer
        self.asks: list[Ask] = []
        self.stopping = threading.Event()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.outer = self
        self._scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.chain, certificate.key)
            self._scheme = "https"
            self._http.socket = context.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def make_certificate(folder: Path) -> Certificate:
    """An authority and a certificate signed by it: rustls takes none that signs itself."""
    folder.mkdir(parents=True, exist_ok=True)
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    for command in (
        f"req -x509 {curve} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority",
        f"req {curve} -keyout leaf.key -out leaf.csr -subj /CN=localhost",
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
        "-extfile extensions -out leaf.pem",
    ):
        subprocess.run(
            ["openssl", *command.split()], cwd=folder, check=True, capture_output=True, timeout=30
        )
    return Certificate(folder / "ca.pem", folder / "leaf.pem", folder / "leaf.key")


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    outer: AnsweringServer

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def _handle(self) -> None:
        outer = self.server.outer
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        ask = Ask(self.command, self.path, headers, body)
        outer.asks.append(ask)
        reply = outer.answer(ask)
        outer.stopping.wait(reply.stall)
        if not reply.status:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        length = len(reply.body) if reply.length is None else reply.length
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
            self.close_connection = length != len(reply.body)

    do_GET = do_HEAD = do_CONNECT = do_POST = do_DELETE = _handle  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass
