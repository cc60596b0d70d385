"""A year of requests as conda-forge has them: asked, approved, granted, and all of it listed."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from tests.support.people import Caller, someone

from bench.line import Line, Result
from bench.processes import surroundings
from bench.setting import Setting
from condarium.model.document import Document
from condarium.settings import Settings
from condarium.storage.store import Store

_TIMES = 12
"""Each real request once a month, each time for feedstocks of its own."""
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_YEAR = timedelta(days=365)


def run(setting: Setting) -> Result:
    folder = setting.data and setting.data / "access" / "requests"
    if folder is None or not folder.is_dir():
        return Result(name="access-replay", title=_TITLE, skipped="no real requests beside it")
    requests = [yaml.safe_load(file.read_text()) for file in sorted(folder.iterdir())]
    times = 1 if setting.quick else _TIMES
    environ = surroundings(setting.installed.home)
    settings = Settings.read(environ, store=setting.store())
    clock = _Clock()
    with closing(Store(settings, now=clock)) as store:
        replay = _Replay(store, clock)
        replay.prepare(requests)
        for number, asked in enumerate(_year(requests, times)):
            clock.now = _BEGIN + _YEAR * number / (times * len(requests))
            replay.request(asked)
        listed = replay.timed("list", lambda: replay.owner("access public"))
        exported = replay.timed("export", lambda: replay.owner("access export"))
        document = Document("all.yml", exported.content.encode())
        planned = replay.timed("plan", lambda: replay.owner("access plan", files=(document,)))
        assert planned.changes == ()
    return Result(
        name="access-replay",
        title=_TITLE,
        facts=[
            f"{len(requests)} real requests, each {times} times over a year, each time for "
            f"other feedstocks: {len(replay.took['ask'])} requests of one feedstock each "
            "(a service's list of feedstocks is one request for each)",
            f"asked by one, approved by another, who lends it; {len(listed.grants)} grants are "
            "left in the list; in process, on SQLite, each step a transaction on disk",
        ],
        lines=[
            *(_line(f"one {word}", replay.took[key]) for word, key in _STEPS),
            _line("the public list", replay.took["list"]),
            _line("export of all", replay.took["export"]),
            _line("plan of all", replay.took["plan"]),
        ],
    )


_TITLE = "A year of conda-forge's requests"
_STEPS = (("request", "ask"), ("approval, which grants or revokes", "approve"))


def _line(name: str, seconds: list[float]) -> Line:
    ordered = sorted(seconds)
    last = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    note = f"99 of 100 within {last * 1000:.1f} ms" if len(ordered) > 1 else ""
    return Line(
        name=name, ours=[each * 1000 for each in seconds], unit="ms", kind="value", note=note
    )


class _Clock:
    def __init__(self) -> None:
        self.now = _BEGIN

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class _Asked:
    feedstock: str
    identifier: int
    resources: tuple[str, ...]
    pull_requests: bool
    revoke: bool


def _year(requests: list[dict[str, Any]], times: int) -> Iterator[_Asked]:
    """Each request of each feedstock, without what the feedstock has already."""
    numbers: dict[str, int] = {}
    had: dict[str, set[str]] = {}
    for month in range(times):
        for request in requests:
            for name in request["feedstocks"]:
                feedstock = f"{name}-{month}-feedstock"
                has, wanted = had.setdefault(feedstock, set()), _resources(request)
                new = wanted if request.get("revoke") else set(wanted) - has
                had[feedstock] = has - set(wanted) if request.get("revoke") else has | set(wanted)
                yield _Asked(
                    feedstock=feedstock,
                    identifier=numbers.setdefault(feedstock, len(numbers) + 1),
                    resources=tuple(sorted(new)),
                    pull_requests=bool(request.get("pull_request")),
                    revoke=bool(request.get("revoke")),
                )


def _resources(request: dict[str, Any]) -> tuple[str, ...]:
    return tuple(request.get("resources") or [request["action"]])


@dataclass
class _Replay:
    store: Store
    clock: _Clock
    took: dict[str, list[float]] = field(default_factory=dict)

    def prepare(self, requests: list[dict[str, Any]]) -> None:
        """Resources, somebody who asks, and somebody who lends them all."""
        self.owner = Caller(self.store)
        for name in ("ada", "ben"):
            self.owner("user create", name=name)
        for name in sorted({each for request in requests for each in _resources(request)}):
            self.owner("resource create", name=name, kind="service")
            self.owner("access bind", subject="ben", role="lender", resource=name)
        self.ada, self.ben = someone(self.store, "ada"), someone(self.store, "ben")

    def request(self, asked: _Asked) -> None:
        made = self.timed(
            "ask",
            lambda: self.ada(
                "request create",
                project=f"github:conda-forge/{asked.feedstock}#{asked.identifier}",
                resource=asked.resources,
                purpose="builds that take more than there is",
                pull_requests=asked.pull_requests,
                revoke=asked.revoke,
            ),
        )
        number = made.request.id
        self.timed("approve", lambda: self.ben("request approve", request=number))

    def timed(self, step: str, call: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        answer = call()
        self.took.setdefault(step, []).append(time.perf_counter() - begun)
        return answer
