"""Backing up and restoring a whole store, beside copying the same bytes."""

import random
from pathlib import Path

from bench.channel import environment_file
from bench.line import Line, Result
from bench.processes import interleaved
from bench.setting import Setting
from bench.tiny import tiny_package

_SMALLEST, _LARGEST = 20_000, 5_000_000
"""In bytes: packages are of sizes between, as many of each order of magnitude."""


def run(setting: Setting) -> Result:
    packages, environments = (40, 5) if setting.quick else (1_000, 100)
    store = _store(setting, packages, environments)
    size = sum(file.stat().st_size for file in (store / "blobs").rglob("*/*"))
    places: list[Path] = []
    backups = interleaved(
        setting.runs,
        ours=lambda _: _back_up(setting, store, places),
        peer=lambda _: _copy(setting, store),
    )
    again = [_call(setting, store, "backup", places[-1]) for _ in range(setting.runs)]
    restores = interleaved(
        setting.runs,
        ours=lambda _: _call(setting, setting.folder("restored"), "restore", places[-1]),
        peer=lambda _: _copy(setting, store),
    )
    return Result(
        name="backup",
        title="Backup and restore",
        facts=[
            f"a store of {environments} environments and {packages:,} packages of 20 kB to 5 MB, "
            f"{size / 1e6:,.0f} MB of blobs",
            "cp: `cp -r` of the database and the blobs, and `sync`; a backup syncs too, and "
            "compares every hash, as a restore does",
        ],
        lines=[
            Line(name="backup", **_beside_cp(backups), limit=1.5),
            Line(name="restore", **_beside_cp(restores), limit=1.5),
            Line(name="backup of what an earlier one has", ours=again, kind="value"),
        ],
    )


def _beside_cp(measured: dict[str, list[float]]) -> dict[str, object]:
    return {"ours": measured["ours"], "peer": measured["peer"], "peer_name": "cp"}


def _store(setting: Setting, packages: int, environments: int) -> Path:
    from condarium.channels.making.static import index_channel

    store, folder = setting.store(), setting.folder("packages")
    chosen = random.Random(20260301)
    files = [
        tiny_package(folder, f"package{number}", "1.0", payload=chosen.randbytes(_size(chosen)))
        for number in range(packages)
    ]
    channel = setting.folder("channel")
    for number in range(environments):
        tiny_package(channel / "noarch", f"tool{number}", "1.0")
    index_channel(channel)
    specs = setting.folder("specs")
    asked = [
        environment_file(specs / f"{number}.yml", channel.as_uri(), [f"tool{number}"])
        for number in range(environments)
    ]
    calls: list[object] = [["channel.create", ["lab"], {}]]
    calls.append(["channel.publish", ["lab", [str(file) for file in files]], {}])
    calls += [
        ["env.build", [f"lab/env{number}"], {"file": str(file), "no_compile": True}]
        for number, file in enumerate(asked)
    ]
    setting.installed.work({"kind": "calls", "store": str(store), "calls": calls})
    return store


def _size(chosen: random.Random) -> int:
    return int(_SMALLEST * (_LARGEST / _SMALLEST) ** chosen.random())


def _back_up(setting: Setting, store: Path, places: list[Path]) -> float:
    places.append(setting.folder("place"))
    return _call(setting, store, "backup", places[-1])


def _call(setting: Setting, store: Path, name: str, place: Path) -> float:
    job = {"kind": "calls", "store": str(store), "calls": [[name, [str(place)], {}]]}
    return setting.installed.work(job).seconds


def _copy(setting: Setting, store: Path) -> float:
    target = setting.folder("copy")
    target.mkdir()
    command = f"cp -r '{store}/condarium.db' '{store}/blobs' '{target}' && sync"
    return setting.installed.process_seconds(["sh", "-c", command])
