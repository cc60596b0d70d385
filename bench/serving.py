"""Serving files, beside nginx with the same files; and while somebody publishes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Event, Thread

from bench.hosting import CHANNEL, INDEX, Hosted, hosted_as_they_are, hosted_grown
from bench.line import Line, Result
from bench.nginx import SAID, Load, missing, nginx, wrk
from bench.processes import interleaved
from bench.served import Client, Served, served
from bench.setting import Setting
from bench.tiny import tiny_package

_SUBDIR = "linux-64"
_TITLE = "Serving"
_LARGE = 10_000_000
_RATE = 20
"""How many packages are published in a second, in a burst."""


def run(setting: Setting) -> Result:
    if absent := missing("nginx", "wrk"):
        return Result(name="serving", title=_TITLE, skipped=f"there is no {absent} here")
    hosted = [each for each in (hosted_as_they_are(setting), hosted_grown(setting)) if each]
    lines = [line for each in hosted for line in _lines(setting, each)]
    return Result(
        name="serving",
        title=_TITLE,
        facts=[
            "wrk with 2 threads, on the same 2 cores as the servers, over loopback; both servers "
            "give the same bytes",
            SAID,
            "condarium is one process, and looks at each request whether anything was published",
            *(each.said for each in hosted),
            f"a burst: {_RATE} packages a second, each by a request of its own, to the subdir that "
            "is asked for",
        ],
        lines=lines,
    )


def _lines(setting: Setting, hosted: Hosted) -> Iterator[Line]:
    large = tiny_package(
        setting.folder("packages"), "large", "1.0", subdir=_SUBDIR,
        payload=Random(1).randbytes(_LARGE),
    )  # fmt: skip
    with served(setting, hosted.store) as server:
        with Client(server) as client:
            client.publish(large)
            server.settle(_SUBDIR, "noarch")
            folder = _folder(setting, client, large.name)
        with nginx(setting, folder) as peer:
            both = _Both(setting, server, f"{peer}/{CHANNEL}", hosted.size)
            yield both.line("shard index", INDEX, limit=2, connections=16)
            yield both.line("shard index", INDEX, limit=2, connections=64)
            yield both.unchanged()
            yield both.line("repodata.json.zst", "repodata.json.zst", limit=2, connections=16)
            yield both.line("a package of 10 MB", large.name, limit=1 / 0.7, connections=16)
        yield from _burst(setting, server, hosted.size)


def _folder(setting: Setting, client: Client, package: str) -> Path:
    """The same files as files."""
    root = setting.folder("static")
    place = root / CHANNEL / _SUBDIR
    place.mkdir(parents=True)
    for name in (INDEX, "repodata.json.zst", package):
        (place / name).write_bytes(client.get(f"{_SUBDIR}/{name}"))
    return root


class _Both:
    """The server and nginx, asked in turns for the same."""

    def __init__(self, setting: Setting, server: Served, peer: str, said: str) -> None:
        self._setting, self._said = setting, said
        self._places = {"ours": f"{server.channel}/{_SUBDIR}", "peer": f"{peer}/{_SUBDIR}"}
        self._seconds = 1 if setting.quick else 5

    def line(self, what: str, file_name: str, *, connections: int, limit: float) -> Line:
        """Seconds for each request; nginx may be so many times as quick."""
        return self._line(what, file_name, {}, connections=connections, limit=limit)

    def unchanged(self) -> Line:
        """The shard index, asked for by a client that has it."""
        import httpx

        asked: dict[str, tuple[str, ...]] = {}
        for who, place in self._places.items():
            etag = httpx.get(f"{place}/{INDEX}").headers["etag"]
            asked[who] = (f"If-None-Match: {etag}",)
        return self._line("shard index, unchanged (304)", INDEX, asked, connections=16)

    def _line(
        self,
        what: str,
        file_name: str,
        asked: dict[str, tuple[str, ...]],
        *,
        connections: int,
        limit: float | None = None,
    ) -> Line:
        loads: dict[str, list[Load]] = {"ours": [], "peer": []}

        def measure(who: str) -> float:
            url = f"{self._places[who]}/{file_name}"
            load = wrk(url, seconds=self._seconds, connections=connections,
                       headers=asked.get(who, ()))  # fmt: skip
            loads[who].append(load)
            return 1 / load.requests

        found = interleaved(
            self._setting.runs, ours=lambda _: measure("ours"), peer=lambda _: measure("peer")
        )
        ours, peer = loads["ours"][-1], loads["peer"][-1]
        return Line(
            name=f"{what}, {connections} connections, {self._said}",
            ours=[1000 * each for each in found["ours"]],
            peer=[1000 * each for each in found["peer"]],
            peer_name="nginx",
            unit="ms",
            limit=limit,
            note=f"the last run: {ours.requests:,.0f} requests and {ours.transferred / 1e6:,.0f} MB"
            f" a second, 99 % within {ours.p99 * 1000:.1f} ms; nginx {peer.requests:,.0f} and "
            f"{peer.transferred / 1e6:,.0f} MB, {peer.p99 * 1000:.1f} ms",
        )


def _burst(setting: Setting, server: Served, said: str) -> Iterator[Line]:
    """The slowest hundredth of requests for the shard index, with publishes and without."""
    seconds = 2 if setting.quick else 10
    url = f"{server.channel}/{_SUBDIR}/{INDEX}"
    quiet = [wrk(url, seconds=seconds, connections=16) for _ in range(setting.runs)]
    loud: list[Load] = []
    published: list[float] = []
    for _ in range(setting.runs):
        with _publishing(setting, server, published):
            loud.append(wrk(url, seconds=seconds, connections=16))
        server.settle(_SUBDIR)
    yield Line(
        name=f"shard index during a burst, 99 % within, {said}",
        ours=[1000 * load.p99 for load in loud],
        peer=[1000 * load.p99 for load in quiet],
        peer_name="without",
        unit="ms",
        note=f"{len(published)} publishes, the median answered in "
        f"{sorted(published)[len(published) // 2] * 1000:.0f} ms; "
        f"{loud[-1].requests:,.0f} requests a second, {quiet[-1].requests:,.0f} without",
    )


@contextmanager
def _publishing(setting: Setting, server: Served, published: list[float]) -> Iterator[None]:
    ended = Event()

    def publish() -> None:
        with Client(server) as client:
            due = time.monotonic()
            while not ended.wait(max(0.0, due - time.monotonic())):
                due = max(due + 1 / _RATE, time.monotonic())
                version = f"1.{len(published)}"
                folder = setting.scratch / "burst"
                published.append(
                    client.publish(tiny_package(folder, "burst", version, subdir=_SUBDIR))
                )

    thread = Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
