"""A page of a long list over REST: how quick, and what it costs further behind."""

import json
from urllib.request import Request, urlopen

from bench.line import Line, Result
from bench.nginx import missing, wrk
from bench.served import TOKEN, Served, served
from bench.setting import Setting

_TITLE = "A page of a long list"
_PAGE = 50
_CONNECTIONS = 16
_PLACES = {"first": 0.0, "middle": 0.5, "last": 0.99}
_FILL = """
import sys
from condarium.model.difference import ChangeCounts
from condarium.model.names import EnvironmentName
from condarium.settings import Settings
from condarium.storage.environments import NewGeneration
from condarium.storage.store import Store

store = Store(Settings.read({}, store=sys.argv[1]))
none = ChangeCounts(added=1, removed=0, changed=0)
with store.database.note() as facts:
    for number in range(int(sys.argv[2])):
        name = EnvironmentName(f"team{number % 100}", f"environment{number}")
        said = {"at": store.now(), "actor": "ada"}
        made = facts.environments.ensure(name, **said)
        new = NewGeneration(
            spec=None, lock="0" * 64, platforms=("linux-64",), packages=1, changes=none,
            prefix=f"{number:032x}", reason="",
        )
        facts.environments.add_generation(made, new, **said)
        facts.environments.activate(name, 1, reason="", **said)
store.close()
"""
"""Environments with a generation each, whose prefix is looked for and is not there."""


def run(setting: Setting) -> Result:
    if absent := missing("wrk"):
        return Result(name="list-page", title=_TITLE, skipped=f"there is no {absent} here")
    many = 500 if setting.quick else 10_000
    store = setting.store()
    python = setting.installed.python
    setting.installed.process_seconds([python, "-c", _FILL, store, str(many)])
    with served(setting, store) as server:
        pages = _pages(server, many)
        found = {place: _seconds(setting, server, page) for place, page in pages.items()}
    first = found["first"]
    lines = [
        Line(name=f"the {place} page, 99 of 100 within", ours=p99, kind="value", limit=0.02)
        for place, (_, p99) in found.items()
    ]
    lines += [
        Line(
            name=f"a request for the {place} page",
            ours=found[place][0],
            peer=first[0],
            peer_name="first page",
            limit=1.3,
        )
        for place in ("middle", "last")
    ]
    facts = [
        f"`GET /api/v1/environments?limit={_PAGE}` of {many:,} environments",
        f"wrk with {_CONNECTIONS} connections, on the same cores as the server, over loopback",
    ]
    return Result(name="list-page", title=_TITLE, facts=facts, lines=lines)


def _pages(server: Served, many: int) -> dict[str, str]:
    """The addresses of a page at each place, by the cursors that lead there."""
    found = {}
    for place, part in _PLACES.items():
        url = f"{server.url}/api/v1/environments?limit={_PAGE}"
        if behind := int(many * part):
            cursor = _get(server, f"{server.url}/api/v1/environments?limit={behind}")["next"]
            url += f"&cursor={cursor}"
        assert len(_get(server, url)["items"]) == min(_PAGE, many - behind)
        found[place] = url
    return found


def _seconds(setting: Setting, server: Served, page: str) -> tuple[list[float], list[float]]:
    """Of each run, the seconds that a request takes the server, and the 99th percentile."""
    header = f"Authorization: Bearer {TOKEN}"
    seconds = 1 if setting.quick else 5
    loads = [
        wrk(page, seconds=seconds, connections=_CONNECTIONS, headers=(header,))
        for _ in range(setting.runs)
    ]
    return [1 / load.requests for load in loads], [load.p99 for load in loads]


def _get(server: Served, url: str) -> dict[str, list[object]]:
    with urlopen(Request(url, headers={"Authorization": f"Bearer {TOKEN}"})) as answer:
        said: dict[str, list[object]] = json.load(answer)
    return said
