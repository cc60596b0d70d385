"""A channel folder over HTTP on the loopback interface, with faults on demand.

Inside the test's process::

    with ChannelServer(folder) as server:
        server.fault("*.conda", Truncate(at=0.5, times=1))
        ...  # a client uses server.url
        assert server.count("*/numpy-*.conda") == 1

As a process of its own, where a measurement should not share the interpreter
with the server::

    with ServerProcess(folder) as server:
        ...  # server.url, server.requests, server.count as above; no faults

The same from a shell: ``python -m tests.support.server ROOT --log FILE``.

Responses carry a strong ETag and ``Cache-Control: no-cache``. rattler's gateway
needs both: a server that sends Last-Modified alone makes it fail on a 304.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import unquote, urlsplit

from tests.support.faults import (
    Answer,
    BadJson,
    Corrupt,
    Fault,
    Lie,
    Reset,
    Slow,
    Stall,
    Status,
    Truncate,
    Vanish,
    Wire,
    WrongLength,
)

__all__ = [
    "BadJson",
    "ChannelServer",
    "Corrupt",
    "Fault",
    "Lie",
    "Request",
    "Reset",
    "ServerProcess",
    "Slow",
    "Stall",
    "Status",
    "Truncate",
    "Vanish",
    "WrongLength",
]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request that was answered: `bytes` of body went out with `status`.

    It is noted before the first byte goes out, so a client that has its answer
    finds its request here. `at` is Unix time in seconds; `headers` are those of
    the client, with lower-case names (not kept in a log file).
    """

    method: str
    path: str
    status: int
    bytes: int
    at: float
    headers: dict[str, str] = field(default_factory=dict)


def _matches(path: str, glob: str) -> bool:
    """Say whether a glob means a path (`noarch/a.conda`) or its file name (`a.conda`).

    ``*`` crosses slashes.
    """
    path = path.lstrip("/")
    return fnmatchcase(path, glob.lstrip("/")) or fnmatchcase(path.rpartition("/")[2], glob)


def _count(requests: Iterable[Request], glob: str, method: str, status: int | None) -> int:
    return sum(
        r.method == method and _matches(r.path, glob) and status in (None, r.status)
        for r in requests
    )


class _Planned:
    """A fault for some paths, and how many requests are still to meet it."""

    def __init__(self, glob: str, fault: Fault) -> None:
        self.glob = glob
        self.fault = fault
        self.left = fault.times

    def take(self, method: str, path: str) -> bool:
        if self.left == 0 or not _matches(path, self.glob):
            return False
        if method == "HEAD" and not self.fault.headers_too:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class ChannelServer:
    """Serve `root` at `url` from a thread, note each request, and fail when told to."""

    def __init__(self, root: Path, *, log: Path | None = None) -> None:
        self.root = root.resolve()
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._planned: list[_Planned] = []
        self._log: IO[str] | None = log.open("a", buffering=1) if log else None
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.channel = self
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """The base URL of the channel, without a slash at the end."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in the order in which they were answered."""
        with self._lock:
            return list(self._requests)

    def count(self, glob: str, *, method: str = "GET", status: int | None = None) -> int:
        """How many requests were made for paths that match."""
        return _count(self.requests, glob, method, status)

    def forget(self) -> None:
        """Empty the list of requests."""
        with self._lock:
            self._requests.clear()

    def fault(self, glob: str, fault: Fault) -> None:
        """Let requests for matching paths meet a fault; the first that matches counts."""
        with self._lock:
            self._planned.append(_Planned(glob, fault))

    def heal(self) -> None:
        """Drop all faults."""
        with self._lock:
            self._planned.clear()

    def fault_for(self, method: str, path: str) -> Fault | None:
        with self._lock:
            return next((p.fault for p in self._planned if p.take(method, path)), None)

    def note(self, request: Request) -> None:
        with self._lock:
            self._requests.append(request)
            if self._log:
                fields = asdict(request) | {"headers": {}}
                self._log.write(json.dumps(fields) + "\n")

    def start(self) -> Self:
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop answering, and end the connections that are open."""
        self.stopping.set()
        self._http.shutdown()
        self._http.close_connections()
        self._http.server_close()
        self._thread.join()
        if self._log:
            self._log.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256  # the default of 5 makes a parallel client wait for a second
    channel: ChannelServer

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it was closed by the other side

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away; report the server's own mistakes."""
        if not isinstance(sys.exception(), OSError | ValueError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        channel = self.server.channel
        path = unquote(urlsplit(self.path).path)
        file = (channel.root / path.lstrip("/")).resolve()
        if not file.is_relative_to(channel.root):
            self._send(Answer(status=404, body=b"not found\n"))
            return
        fault = channel.fault_for(self.command, path)
        if fault:
            self._send(fault.answer(file.read_bytes() if file.is_file() else b""))
        elif file.is_file():
            self._send_file(file)
        else:
            self._send(Answer(status=404, body=b"not found\n"))

    do_HEAD = do_GET  # noqa: N815

    def _send(self, answer: Answer) -> None:
        head = self.command == "HEAD"
        self._begin(answer.status, answer.claimed, sent=0 if head else len(answer.body))
        self.close_connection |= not answer.keep_alive
        if not head:
            wire = Wire(connection=self.connection, stopping=self.server.channel.stopping)
            answer.deliver(wire, answer.body)

    def _send_file(self, file: Path) -> None:
        with file.open("rb") as stream:
            found = os.fstat(stream.fileno())
            etag = f'"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"'
            if etag in self.headers.get("If-None-Match", ""):
                self._begin(304, None, sent=0, extra={"ETag": etag})
                return
            part = _range(self.headers.get("Range"), found.st_size)
            if part is None:
                whole = {"Content-Range": f"bytes */{found.st_size}"}
                self._begin(416, 0, sent=0, extra=whole)
                return
            first, count = part
            extra = {"ETag": etag, "Accept-Ranges": "bytes"}
            if "Range" in self.headers:
                extra["Content-Range"] = f"bytes {first}-{first + count - 1}/{found.st_size}"
            sent = 0 if self.command == "HEAD" else count
            self._begin(206 if "Range" in self.headers else 200, count, sent=sent, extra=extra)
            if sent:
                self.connection.sendfile(stream, first, count)

    def _begin(
        self, status: int, length: int | None, *, sent: int, extra: dict[str, str] | None = None
    ) -> None:
        self.server.channel.note(
            Request(
                method=self.command,
                path=unquote(urlsplit(self.path).path),
                status=status,
                bytes=sent,
                at=time.time(),
                headers={name.lower(): value for name, value in self.headers.items()},
            )
        )
        self.send_response(status)
        headers = {"Cache-Control": "no-cache", "Content-Type": "application/octet-stream"}
        if length is not None:
            headers["Content-Length"] = str(length)
        for name, value in (headers | (extra or {})).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Requests are noted by the channel, not printed."""


def _range(header: str | None, size: int) -> tuple[int, int] | None:
    """Read `bytes=first-last` as (first, count); None where nothing of it exists.

    Only single ranges, which is what package clients ask for.
    """
    if header is None:
        return 0, size
    first_text, _, last_text = header.removeprefix("bytes=").partition("-")
    if not first_text:
        first, last = max(0, size - int(last_text)), size - 1
    else:
        first, last = int(first_text), min(size - 1, int(last_text or size - 1))
    return (first, last - first + 1) if first <= last else None


class ServerProcess:
    """The same server in a process of its own, without faults."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="channel-server-")
        self._log = Path(self._folder.name) / "requests.jsonl"
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(self._root), "--log", str(self._log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()
        return self

    @property
    def requests(self) -> list[Request]:
        return [Request(**json.loads(line)) for line in self._log.read_text().splitlines()]

    def count(self, glob: str, *, method: str = "GET", status: int | None = None) -> int:
        return _count(self.requests, glob, method, status)

    def forget(self) -> None:
        os.truncate(self._log, 0)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=10)  # closing its standard input ends it
        self._folder.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a channel folder until stdin ends.")
    parser.add_argument("root", type=Path)
    parser.add_argument("--log", type=Path, help="append one JSON object per request")
    arguments = parser.parse_args()
    with ChannelServer(arguments.root, log=arguments.log) as server:
        print(server.url, flush=True)
        sys.stdin.read()  # ends with its parent, so that no server is left behind


if __name__ == "__main__":
    main()
