"""An HTTP proxy on the loopback that goes nowhere but where this server may go.

rattler and uv resolve names and follow redirects by themselves, so that an address which was
checked before they ask need not be the one that they connect to. Through the guard it is: it
resolves, checks every address, and connects to one that it has checked. It does not look into TLS.

Where the condarc or the environment name a proxy, that one is used instead, and decides.
"""

import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from http import HTTPStatus
from io import BufferedIOBase
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from urllib.parse import urlsplit

from condarium.engine.network.addresses import PlaceRefused, addresses_of
from condarium.model.reach import Reach
from condarium.settings.reach import read_reach

_CONNECTING, _SILENCE = 20.0, 600.0  # seconds
_PIECE = 1 << 16
_LONGEST_LINE, _MOST_LINES = 1 << 16, 200
_HOP = (b"proxy-", b"connection:", b"keep-alive:")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def guard_for(environ: Mapping[str, str] | None) -> str | None:
    """The URL of the guard; None where all may be reached, or another proxy is to be used."""
    environ = os.environ if environ is None else environ
    reach = read_reach(environ)
    if reach.everything or any(environ.get(each) or environ.get(each.upper()) for each in _PROXIES):
        return None
    return _running(reach, os.getpid())


@cache
def _running(reach: Reach, process: int) -> str:
    """Begin it once in each process; it ends with it."""
    guard = _Guard(reach)
    Thread(target=guard.serve_forever, name="guard", daemon=True).start()
    return f"http://127.0.0.1:{guard.server_address[1]}"


class _Guard(ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        super().__init__(("127.0.0.1", 0), _Connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that breaks is its client's to tell."""


class _Connection(StreamRequestHandler):
    server: _Guard
    timeout = _SILENCE

    def handle(self) -> None:
        request, *headers = _head(self.rfile)
        method, target, version = request.split()
        tunnel = method == b"CONNECT"
        url = urlsplit(f"//{target.decode()}" if tunnel else target.decode())
        upstream = self._connect(url.hostname, url.port or 80)
        if upstream is None:
            return
        with upstream, upstream.makefile("rb") as answer:
            if tunnel:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                path = url._replace(scheme="", netloc="").geturl() or "/"
                upstream.sendall(_once(b" ".join((method, path.encode(), version)), headers))
            Thread(target=self._send, args=(upstream,), name="guard", daemon=True).start()
            if not tunnel:
                self._begin(answer)
            while piece := answer.read1(_PIECE):
                self.wfile.write(piece)

    def _begin(self, answer: BufferedIOBase) -> None:
        """Pass on the head of an answer, without what would have its client ask again here."""
        while True:
            status, *headers = _head(answer)
            self.wfile.write(_once(status, headers))
            if not status.split()[1].startswith(b"1"):
                return

    def _connect(self, host: str | None, port: int) -> socket.socket | None:
        """Connect to an address that has been checked; None where there is none, which is said."""
        try:
            addresses = addresses_of(host or "", port, self.server.reach)
        except PlaceRefused:
            self._say(HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS)
            return None
        except (OSError, UnicodeError):
            addresses = []
        for address in addresses:
            with suppress(OSError):
                upstream = socket.create_connection((address, port), timeout=_CONNECTING)
                upstream.settimeout(_SILENCE)
                return upstream
        self._say(HTTPStatus.BAD_GATEWAY)
        return None

    def _send(self, upstream: socket.socket) -> None:
        with suppress(OSError, ValueError):
            while piece := self.rfile.read1(_PIECE):
                upstream.sendall(piece)
            upstream.shutdown(socket.SHUT_WR)

    def _say(self, status: HTTPStatus) -> None:
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\n"
        self.wfile.write(f"{head}Connection: close\r\n\r\n".encode())


def _head(source: BufferedIOBase) -> list[bytes]:
    """The lines of a head. Raises ConnectionError for what is none."""
    lines: list[bytes] = []
    while len(lines) < _MOST_LINES:
        line = source.readline(_LONGEST_LINE)
        if line == b"\r\n" and lines:
            return lines
        if not line.endswith(b"\r\n"):
            break
        lines.append(line[:-2])
    raise ConnectionError("no HTTP")


def _once(first: bytes, headers: Iterable[bytes]) -> bytes:
    """A head after whose message the connection ends: the next may be for another host."""
    kept = [each for each in headers if not each.lower().startswith(_HOP)]
    return b"\r\n".join([first, *kept, b"Connection: close", b"", b""])
