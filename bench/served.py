"""`condarium serve` on a store, and a client of it that looks until it sees what was published."""

import http.client
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from bench.hosting import CHANNEL, INDEX, unpacked
from bench.processes import MeasureFailed, surroundings
from bench.setting import Setting

TOKEN = "the-token-of-the-benchmark"
_LOOKING = 0.001
"""In seconds: how long a client waits before it looks again."""
_PATIENCE = 120


@dataclass(frozen=True, kw_only=True)
class Served:
    """A server that answers at `url`."""

    url: str
    pid: int

    @property
    def channel(self) -> str:
        return f"{self.url}/{CHANNEL}"

    def peak(self) -> int:
        """The most memory that the server's process has held, in bytes."""
        return peak_of(self.pid)

    def settle(self, *subdirs: str, revision: str | None = None) -> float:
        """Wait until repodata.json.zst shows the head, or a revision; give the seconds."""
        begun = time.perf_counter()
        with Client(self) as client:
            for subdir in subdirs:
                wanted = revision or client.revision(f"{subdir}/{INDEX}")
                while number(client.revision(f"{subdir}/repodata.json.zst")) < number(wanted):
                    if time.perf_counter() > begun + _PATIENCE:
                        raise MeasureFailed(f"{subdir}/repodata.json.zst is not rewritten")
                    time.sleep(0.02)
        return time.perf_counter() - begun


def number(revision: str) -> int:
    return int(revision.removeprefix("r"))


def peak_of(pid: int) -> int:
    """The most memory that a process has held, in bytes; 0 where it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


@contextmanager
def served(setting: Setting, store: Path, **variables: str) -> Iterator[Served]:
    """Serve a store on a free port of the loopback, with variables such as CONDARIUM_MAX_AGE."""
    installed = setting.installed
    command = [installed.python.with_name("condarium"), "--store", store, "--json", "serve"]
    with store.with_name(f"{store.name}.log").open("w") as log:
        process = subprocess.Popen(
            [*map(str, command), "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=surroundings(installed.home) | {"CONDARIUM_ADMIN_TOKEN": TOKEN} | variables,
        )
    try:
        yield Served(url=_url(process, Path(log.name)), pid=process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _url(process: "subprocess.Popen[str]", log: Path) -> str:
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        with suppress(json.JSONDecodeError, KeyError):
            return str(json.loads(said)["url"])
    raise MeasureFailed(f"the server did not start: {said}{log.read_text()}")


class Client:
    """A client that keeps its two connections: one publishes, the other looks."""

    def __init__(self, server: Served) -> None:
        where = urlsplit(server.url)
        assert where.hostname
        self._publishing = http.client.HTTPConnection(where.hostname, where.port, timeout=_PATIENCE)
        self._looking = http.client.HTTPConnection(where.hostname, where.port, timeout=_PATIENCE)
        self._etags: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._publishing.close()
        self._looking.close()

    def get(self, path: str) -> bytes:
        """A file of the channel."""
        content, _ = self._ask("GET", path)
        return content

    def revision(self, path: str) -> str:
        """Which revision the server says a file is of."""
        return self._ask("HEAD", path)[1].get("x-condarium-revision", "r0")

    def seen(self, subdir: str, package: str) -> Any:
        """Look once: the package's shard if the index names another than before, else None."""
        path = f"{subdir}/{INDEX}"
        asked = {"If-None-Match": self._etags[path]} if path in self._etags else {}
        content, headers = self._ask("GET", path, asked)
        self._etags[path] = headers.get("etag", "")
        if not content:
            return None
        digest = msgspec.msgpack.decode(unpacked(content))["shards"].get(package)
        if digest is None:
            return None
        return msgspec.msgpack.decode(unpacked(self.get(f"shards/{digest.hex()}.msgpack.zst")))

    def publish(self, file: Path) -> float:
        """Publish, and give the seconds until it is answered."""
        content = file.read_bytes()
        begun = time.perf_counter()
        self._send(file, content)
        self._check()
        return time.perf_counter() - begun

    def publish_until_seen(self, subdir: str, file: Path) -> float:
        """Publish, and give the seconds from the first byte sent until the record is seen."""
        package, content = file.name.rsplit("-", 2)[0], file.read_bytes()
        self.seen(subdir, package)
        begun = time.perf_counter()
        self._send(file, content)
        while not _has(self.seen(subdir, package), file.name):
            if time.perf_counter() > begun + _PATIENCE:
                raise MeasureFailed(f"{file.name} was never seen")
            time.sleep(_LOOKING)
        seconds = time.perf_counter() - begun
        self._check()
        return seconds

    def _send(self, file: Path, content: bytes) -> None:
        path = f"/api/channels/{CHANNEL}/upload/{file.name}"
        self._publishing.request("POST", path, content, {"X-API-Key": TOKEN})

    def _check(self) -> None:
        answer = self._publishing.getresponse()
        said = answer.read()
        if answer.status != 201:
            raise MeasureFailed(f"not published: {answer.status} {said!r}")

    def _ask(
        self, method: str, path: str, asked: dict[str, str] | None = None
    ) -> tuple[bytes, dict[str, str]]:
        self._looking.request(method, f"/{CHANNEL}/{path}", headers=asked or {})
        answer = self._looking.getresponse()
        content = answer.read()
        if answer.status not in (200, 304):
            raise MeasureFailed(f"{method} {path}: {answer.status} {content[:200]!r}")
        return content, {name.lower(): value for name, value in answer.getheaders()}


def _has(shard: Any, file_name: str) -> bool:
    return shard is not None and file_name in shard["packages.conda"]


class Children:
    """Watches the processes that a server starts: how long each lives, and its memory."""

    def __init__(self, server: Served) -> None:
        self._pid, self._ended = server.pid, Event()
        self._spans: dict[int, tuple[float, float]] = {}
        self.peak = 0
        """The most memory that any of them held, in bytes."""
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        self._thread.join()

    def started(self, *, since: float) -> int:
        """Wait for one that starts after an instant of `time.perf_counter`."""
        while time.perf_counter() < since + _PATIENCE:
            for pid, (first, _) in list(self._spans.items()):
                if first > since:
                    return pid
            time.sleep(0.01)
        raise MeasureFailed("the server started no process")

    def seconds(self, pid: int) -> float:
        """How long one has lived."""
        first, last = self._spans[pid]
        return last - first

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            now = time.perf_counter()
            for pid in self._living():
                self._spans[pid] = self._spans.get(pid, (now, now))[0], now
                self.peak = max(self.peak, peak_of(pid))

    def _living(self) -> Iterator[int]:
        for tasks in Path(f"/proc/{self._pid}/task").glob("*/children"):
            with suppress(OSError):
                yield from map(int, tasks.read_text().split())
