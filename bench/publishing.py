"""Publishing: until a client sees it, a thousand at once, and whatever the channel's size."""

import asyncio
import resource
import time
from pathlib import Path
from statistics import median

from bench import plot
from bench.hosting import (
    CHANNEL,
    Hosted,
    hosted_as_they_are,
    hosted_empty,
    hosted_from,
    hosted_grown,
    hosted_of_size,
)
from bench.line import Line, Result
from bench.processes import interleaved
from bench.results import RESULTS
from bench.served import Client, served
from bench.setting import Setting
from bench.tiny import tiny_package

_SUBDIR = "linux-64"
_MEMORY = 300e6


def run(setting: Setting) -> Result:
    """One package, until a client sees it through shards."""
    hosted = [each for each in (hosted_as_they_are(setting), hosted_grown(setting)) if each]
    lines = [line for each in hosted for line in _until_seen(setting, each)]
    return Result(
        name="publish",
        title="Publishing one package",
        facts=[
            "a small package for linux-64 over HTTP to `condarium serve`, from the first byte sent",
            "the client, a process of its own on the same cores, asks for the shard index every "
            "millisecond (If-None-Match), decodes it, fetches the shard and finds the record",
            "repodata.json.zst is rewritten between publishes, not meanwhile",
            *(each.said for each in hosted),
            "memory is the most that the server's process held since it started (VmHWM)",
        ],
        lines=[*lines, _against_index_fs(setting)],
    )


def _until_seen(setting: Setting, hosted: Hosted) -> list[Line]:
    with served(setting, hosted.store) as server, Client(server) as client:
        server.settle(_SUBDIR, "noarch")
        seen = []
        for number in range(max(setting.runs, 3) + 1):
            file = tiny_package(setting.folder("packages"), "seen", f"1.{number}", subdir=_SUBDIR)
            seen.append(client.publish_until_seen(_SUBDIR, file))
            server.settle(_SUBDIR)
        peak = server.peak()
    note = f"the first after the server started took {seen[0] * 1000:.0f} ms"
    return [
        Line(name=f"published until seen, {hosted.size}", ours=seen[1:], kind="value", limit=0.05,
             note=note),
        Line(name=f"the server's memory, {hosted.size}", ours=[peak], kind="value", unit="bytes",
             limit=_MEMORY),
    ]  # fmt: skip


def _against_index_fs(setting: Setting) -> Line:
    """One more package in a folder that is indexed, and in a channel that has as many."""
    count = 300 if setting.quick else 20_000
    folder = setting.folder("folder")
    for number in range(count):
        name, version = f"tiny-{number // 10}", f"1.{number % 10}"
        tiny_package(folder / _SUBDIR, name, version, subdir=_SUBDIR)
    _allow_open_files()
    _index(folder)
    hosted = hosted_from(setting, folder, f"{count:,} tiny ones")
    with served(setting, hosted.store) as server, Client(server) as client:
        client.publish(tiny_package(setting.folder("more"), "first", "1.0", subdir=_SUBDIR))
        server.settle(_SUBDIR)

        def ours(run: int) -> float:
            file = tiny_package(setting.folder("more"), f"more-{run}", "1.0", subdir=_SUBDIR)
            seconds = client.publish_until_seen(_SUBDIR, file)
            server.settle(_SUBDIR)
            return seconds

        def peer(run: int) -> float:
            tiny_package(folder / _SUBDIR, f"more-{run}", "1.0", subdir=_SUBDIR)
            return _index(folder)

        found = interleaved(setting.runs, ours=ours, peer=peer)
    return Line(name=f"one more package, beside {count:,} tiny ones", ours=found["ours"],
                peer=found["peer"], peer_name="index_fs", limit=1 / 50,
                note="index_fs writes repodata.json, its .zst and shards; condarium's are written "
                "half a second later")  # fmt: skip


def _allow_open_files() -> None:
    """index_fs writes all shards at once."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _index(folder: Path) -> float:
    from rattler.index import index_fs

    begun = time.perf_counter()
    asyncio.run(index_fs(folder, write_zst=True, write_shards=True))
    return time.perf_counter() - begun


def run_many(setting: Setting) -> Result:
    """A thousand packages in one revision."""
    count = 50 if setting.quick else 1_000
    folder = setting.folder("packages")
    files = [str(tiny_package(folder, f"tiny-{number}", "1.0")) for number in range(count)]

    def inside(number: int) -> float:
        call = ["channel.publish", [CHANNEL, files], {}]
        job = {"kind": "calls", "store": str(hosted_empty(setting).store), "calls": [call]}
        return float(setting.installed.work(job).answer[0])

    def process(number: int) -> float:
        store = hosted_empty(setting).store
        return setting.installed.command_seconds(
            "channel", "publish", CHANNEL, *files, "--store", store
        )

    found = interleaved(setting.runs, inside=inside, process=process)
    named = f"{count:,} packages in one revision"
    return Result(
        name="publish-many",
        title="Publishing many packages at once",
        facts=["tiny packages, each of a name of its own, into an empty channel"],
        lines=[
            Line(name=f"{named}, whole process", ours=found["process"], kind="value", limit=5),
            Line(name=f"{named}, in process", ours=found["inside"], kind="value", limit=5),
        ],
    )


def run_sizes(setting: Setting) -> Result:
    """What a publish costs, by how large the channel is."""
    sizes = (2_000, 4_000, 8_000) if setting.quick else (10_000, 100_000, 480_000)
    answered: dict[int, list[float]] = {}
    seen: dict[int, list[float]] = {}
    for size in sizes:
        answered[size], seen[size] = _by_size(setting, hosted_of_size(setting, size))
    small, *_, large = sizes
    if not setting.quick:
        points = {size: median(seconds) * 1000 for size, seconds in answered.items()}
        shown = {size: median(seconds) * 1000 for size, seconds in seen.items()}
        drawn = plot.draw(
            "A publish, by the channel's size", "records", "ms",
            {"until it is answered": points, "until a client sees it": shown},
        )  # fmt: skip
        (RESULTS / "publish-sizes.svg").write_text(drawn)
    return Result(
        name="publish-sizes",
        title="A publish, by the channel's size",
        facts=[
            "one small package over HTTP into channels of records of linux-64",
            "a client sees it when it has read the index of all names, which grows",
            "[the same as a plot](publish-sizes.svg)",
        ],
        lines=[
            *(Line(name=f"answered, {size:,} records", ours=answered[size], kind="value")
              for size in sizes),
            *(Line(name=f"seen by a client, {size:,} records", ours=seen[size], kind="value")
              for size in sizes),
            Line(name=f"answered, {large:,} records beside {small:,}", ours=answered[large],
                 peer=answered[small], peer_name=f"{small:,}", limit=1.5),
        ],
    )  # fmt: skip


def _by_size(setting: Setting, hosted: Hosted) -> tuple[list[float], list[float]]:
    answered, seen = [], []
    with served(setting, hosted.store) as server, Client(server) as client:
        server.settle(_SUBDIR)
        for number in range(max(setting.runs, 5) * 2 + 2):
            file = tiny_package(setting.folder("more"), "more", f"1.{number}", subdir=_SUBDIR)
            if number % 2:
                answered.append(client.publish(file))
            else:
                seen.append(client.publish_until_seen(_SUBDIR, file))
            server.settle(_SUBDIR)
    return answered[1:], seen[1:]
