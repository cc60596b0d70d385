"""What a channel's past costs: showing any earlier instant, and keeping a thousand revisions."""

import time
from collections.abc import Callable
from functools import partial
from random import Random
from statistics import median

from bench.hosting import CHANNEL, INDEX, Hosted, checkpoint, hosted_grown
from bench.line import Line, Result
from bench.served import Client, served
from bench.setting import Setting
from bench.tiny import tiny_package

_SUBDIR = "linux-64"


def run(setting: Setting) -> Result:
    hosted = hosted_grown(setting)
    count = 40 if setting.quick else 1_000
    head = hosted.ask("select max(number) from revisions")[0][0]
    kept = _kept(hosted)
    _publish_each(setting, hosted, count)
    grown = _kept(hosted) - kept
    return Result(
        name="past",
        title="Earlier instants",
        facts=[
            hosted.said,
            f"then {count:,} revisions, each a tiny new version of a package that is there, drawn "
            "by its number of records",
            "a view of an instant between is asked for over HTTP, each for the first time",
            "kept: the store's database, without SQLite's log, and all blobs but the packages; "
            "beside the shards that the revisions changed, each once",
        ],
        lines=[*_shown(setting, hosted, after=head), *_growth(hosted, grown, after=head)],
    )


class _Kept:
    """Bytes of the database and of blobs without packages."""

    def __init__(self, database: int, blobs: int) -> None:
        self.database, self.blobs = database, blobs

    def __sub__(self, other: "_Kept") -> "_Kept":
        return _Kept(self.database - other.database, self.blobs - other.blobs)


def _kept(hosted: Hosted) -> _Kept:
    checkpoint(hosted.store)
    blobs = sum(file.stat().st_size for file in (hosted.store / "blobs").rglob("*/*"))
    packages = hosted.ask("select sum(size) from files where source is null")[0][0] or 0
    return _Kept((hosted.store / "condarium.db").stat().st_size, blobs - packages)


def _publish_each(setting: Setting, hosted: Hosted, count: int) -> None:
    """Publish so many packages, each in a revision of its own."""
    rows = hosted.ask("select name from files where subdir = ? order by file_name", _SUBDIR)
    folder = setting.folder("packages")
    drawn = Random(1).choices([name for (name,) in rows], k=count)
    files = [
        tiny_package(folder, name, f"9999.{number}", subdir=_SUBDIR)
        for number, name in enumerate(drawn)
    ]
    calls = [["channel.publish", [CHANNEL, [str(file)]], {}] for file in files]
    setting.installed.work({"kind": "calls", "store": str(hosted.store), "calls": calls})


def _growth(hosted: Hosted, grown: _Kept, *, after: int) -> list[Line]:
    rows = hosted.ask("select distinct lower(hex(digest)) from shards where since > ?", after)
    changed = sum(hosted.blob(digest).stat().st_size for (digest,) in rows)
    revisions = hosted.ask("select count(*) from revisions where number > ?", after)[0][0]
    named = f"{revisions:,} revisions"
    return [
        Line(name=f"kept for {named}", ours=[grown.blobs + grown.database], peer=[changed],
             peer_name="changed shards", unit="bytes", limit=1.05,
             note=f"{changed / revisions:,.0f} bytes of shards and "
             f"{grown.database / revisions:,.0f} bytes of the database each, which has the record, "
             "its facts, the log's entry and the audit's"),
        Line(name=f"of that, blobs for {named}", ours=[grown.blobs], peer=[changed],
             peer_name="changed shards", unit="bytes"),
    ]  # fmt: skip


def _shown(setting: Setting, hosted: Hosted, *, after: int) -> list[Line]:
    """Views of instants, each in the middle between two revisions, first and again."""
    rows = hosted.ask("select at from revisions where number > ? order by number", after)
    instants = Random(2).sample([at for (at,) in rows], k=max(5, 4 * setting.runs))
    first: list[float] = []
    again: list[float] = []
    known: list[float] = []
    with served(setting, hosted.store) as server, Client(server) as client:
        server.settle(_SUBDIR, "noarch")
        client.get(f"{_SUBDIR}/{INDEX}")
        for instant in instants:
            path = f"as-of/{instant.replace(' ', 'T')}Z/{_SUBDIR}/{INDEX}"
            get, head = partial(client.get, path), partial(client.revision, path)
            first.append(_seconds(get))
            again.append(median(_seconds(get) for _ in range(5)))
            known.append(_seconds(head))
        peak = server.peak()
    return [
        Line(name="an earlier instant's index, first", ours=first, kind="value", limit=0.2,
             note=f"{len(first)} instants; the slowest took {max(first) * 1000:.0f} ms"),
        Line(name="the same again", ours=again, kind="value", limit=0.005,
             note=f"the slowest took {max(again) * 1000:.1f} ms"),
        Line(name="the same again, asked for with HEAD", ours=known, kind="value"),
        Line(name="the server's memory then", ours=[peak], kind="value", unit="bytes"),
    ]  # fmt: skip


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun
