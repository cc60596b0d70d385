"""Solving by py-rattler's gateway from our shards, beside the same shards from a static folder."""

import os
from pathlib import Path

from bench.hosting import CHANNEL, INDEX, Hosted, hosted_grown
from bench.line import Line, Result
from bench.nginx import SAID, missing, nginx
from bench.processes import interleaved
from bench.records import SUBDIRS, questions
from bench.served import Client, served
from bench.setting import Setting

_TITLE = "Solving from shards"


def run(setting: Setting) -> Result:
    if absent := missing("nginx"):
        return Result(name="gateway", title=_TITLE, skipped=f"there is no {absent} here")
    hosted = hosted_grown(setting)
    asked = _asked(setting)
    with served(setting, hosted.store) as server, Client(server) as client:
        server.settle(*SUBDIRS)
        client.get(f"linux-64/{INDEX}")
        folder = _folder(setting, hosted, client)
        with nginx(setting, folder) as peer:
            places = {"ours": server.channel, "peer": f"{peer}/{CHANNEL}"}

            def solve(who: str) -> float:
                return sum(_solved(setting, places[who], specs) for specs in asked)

            found = interleaved(
                setting.runs, ours=lambda _: solve("ours"), peer=lambda _: solve("peer")
            )
    return Result(
        name="gateway",
        title=_TITLE,
        facts=[
            f"{hosted.said}; {len(asked)} sets of specs, each solved with an empty HTTP cache",
            f"the static folder has the same shards and indexes, served by {SAID}",
        ],
        lines=[
            Line(name=f"{len(asked)} solves", ours=found["ours"], peer=found["peer"],
                 peer_name="a static folder", limit=1.1),
        ],
    )  # fmt: skip


def _asked(setting: Setting) -> list[list[str]]:
    """What public projects ask for; where records are invented, some of their names."""
    if setting.quick or setting.data is None:
        return [[f"linux-{number}", f"noarch-{number}"] for number in range(3)]
    common = [["python 3.12.*", "pandas", "scikit-learn"], ["python 3.12.*", "numpy", "matplotlib"]]
    return common + [list(each.specs) for each in questions(setting.data, 8)]


def _solved(setting: Setting, channel: str, specs: list[str]) -> float:
    job = {
        "kind": "bare_lock", "channel": channel, "cache": str(setting.folder("bare")),
        "virtual": [["__cuda", "12.4"]], "sets": [specs],
    }  # fmt: skip
    return float(setting.installed.work(job).answer[0])


def _folder(setting: Setting, hosted: Hosted, client: Client) -> Path:
    """A folder with the indexes as they are served, and links to the shards."""
    root = setting.folder("static")
    shards = root / CHANNEL / "shards"
    shards.mkdir(parents=True)
    for subdir in SUBDIRS:
        (root / CHANNEL / subdir).mkdir()
        (root / CHANNEL / subdir / INDEX).write_bytes(client.get(f"{subdir}/{INDEX}"))
    rows = hosted.ask("select distinct lower(hex(digest)) from shards where until is null")
    for (digest,) in rows:
        os.link(hosted.blob(digest), shards / f"{digest}.msgpack.zst")
    return root
