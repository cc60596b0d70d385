"""repodata.json and its .zst, rewritten in the background."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from bench.hosting import INDEX, Hosted, hosted_grown
from bench.line import Line, Result
from bench.served import Children, Client, Served, served
from bench.setting import Setting
from bench.tiny import tiny_package

_SUBDIRS = ("linux-64", "noarch")
_EVERY = 0.5
"""In seconds: how often somebody publishes meanwhile."""


def run(setting: Setting) -> Result:
    hosted = hosted_grown(setting)
    with served(setting, hosted.store) as server, Children(server) as children:
        server.settle(*_SUBDIRS)
        alone = {subdir: _alone(setting, server, subdir) for subdir in _SUBDIRS}
        busy = _Busy(setting, server, children)
        for number in range(setting.runs):
            busy.measure(number)
        peak, theirs = server.peak(), children.peak
    sizes = _sizes(hosted)
    lines = [
        Line(name=f"{subdir} rewritten", ours=alone[subdir], kind="value", limit=10,
             note=f"repodata.json {sizes[subdir, 'repodata.json'] / 1e6:.0f} MB, its .zst "
             f"{sizes[subdir, 'repodata.json.zst'] / 1e6:.1f} MB")
        for subdir in _SUBDIRS
    ]  # fmt: skip
    return Result(
        name="rewriting",
        title="Rewriting repodata.json.zst in the background",
        facts=[
            hosted.said,
            "alone: from the answer to a publish until the file shows its revision; half a second "
            "of that is waiting for further publishes",
            f"while publishing and serving go on: the life of the process that writes, while "
            f"somebody publishes every {_EVERY} s to the same subdir and waits until it is seen, "
            "and somebody asks for the shard index 50 times a second",
        ],
        lines=[
            *lines,
            Line(name="linux-64 rewritten, while publishing and serving go on", ours=busy.rewritten,
                 kind="value", limit=10),
            Line(name="published until seen, while linux-64 is rewritten", ours=busy.seen,
                 kind="value", note=_slowest(busy.seen)),
            Line(name="shard index asked for meanwhile", ours=busy.looked, kind="value",
                 note=_slowest(busy.looked)),
            Line(name="memory of the process that writes", ours=[theirs], kind="value",
                 unit="bytes"),
            Line(name="memory of the server", ours=[peak], kind="value", unit="bytes"),
        ],
    )  # fmt: skip


def _alone(setting: Setting, server: Served, subdir: str) -> list[float]:
    found = []
    for number in range(setting.runs):
        with Client(server) as client:
            version = f"1.{number}"
            client.publish(tiny_package(setting.folder("more"), "more", version, subdir=subdir))
        found.append(server.settle(subdir))
    return found


class _Busy:
    """Rewriting while somebody publishes and looks: the seconds of all three."""

    def __init__(self, setting: Setting, server: Served, children: Children) -> None:
        self.seen: list[float] = []
        self.looked: list[float] = []
        self.rewritten: list[float] = []
        self._setting, self._server, self._children = setting, server, children

    def measure(self, number: int) -> None:
        begun = time.perf_counter()
        with Client(self._server) as client:
            version = f"1.{number}"
            folder = self._setting.folder("more")
            client.publish(tiny_package(folder, "busy", version, subdir="linux-64"))
            revision = client.revision(f"linux-64/{INDEX}")
        process = self._children.started(since=begun)
        with self._going_on():
            self._server.settle("linux-64", revision=revision)
        self.rewritten.append(self._children.seconds(process))
        self._server.settle("linux-64")

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        ended = Event()
        threads = [Thread(target=act, args=[ended]) for act in (self._publish, self._look)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def _publish(self, ended: Event) -> None:
        with Client(self._server) as client:
            going = True
            while going:
                version = f"2.{len(self.seen)}"
                folder = self._setting.folder("more")
                file = tiny_package(folder, "going", version, subdir="linux-64")
                self.seen.append(client.publish_until_seen("linux-64", file))
                going = not ended.wait(_EVERY)

    def _look(self, ended: Event) -> None:
        with Client(self._server) as client:
            going = True
            while going:
                begun = time.perf_counter()
                client.get(f"linux-64/{INDEX}")
                self.looked.append(time.perf_counter() - begun)
                going = not ended.wait(0.02)


def _sizes(hosted: Hosted) -> dict[tuple[str, str], int]:
    rows = hosted.ask("select subdir, file_name, size from encodings")
    return {(subdir, file_name): size for subdir, file_name, size in rows}


def _slowest(seconds: list[float]) -> str:
    return f"the slowest of {len(seconds)} took {max(seconds) * 1000:.0f} ms"
