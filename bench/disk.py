"""What a hundred environments that have much in common occupy."""

import os
import random
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.support.server import ServerProcess

from bench.channel import WHEELS, describe, environment_file, real_channel, specs
from bench.line import Line, Result
from bench.setting import Setting
from condarium.storage.layout import Layout

_BLOCK = 4096


@dataclass(frozen=True, kw_only=True)
class Occupied:
    """`files` and `folders` in bytes as the disk counts, in blocks; every inode once."""

    files: int
    folders: int


@dataclass(frozen=True, kw_only=True)
class Contained:
    """`unique` has every content once, `all` every file; in bytes, in blocks as above."""

    unique: int
    all: int


def run(setting: Setting) -> Result:
    channel = real_channel(setting.cache)
    store = setting.store()
    count = 10 if setting.quick else 100
    with ServerProcess(channel) as server:
        files = [
            environment_file(setting.folder("spec") / "environment.yml", server.url, specs(asked))
            for asked in _sets(count)
        ]
        _build(setting, store, files, compiled=False)
        plain = _measure(store)
        _build(setting, store, files, compiled=True)
        compiled = _measure(store)
    return Result(
        name="disk",
        title=f"Disk for {count} environments",
        facts=[
            describe(channel),
            f"each of Python and 1 to 8 of {len(WHEELS)} projects, with what those need",
            f"as copies they would be {compiled[1].all / 1e9:.1f} GB",
        ],
        lines=[*_lines("", plain), *_lines(", with bytecode", compiled)],
    )


def _sets(count: int) -> list[tuple[str, ...]]:
    chosen = random.Random(20240227)
    found: dict[tuple[str, ...], None] = {}
    while len(found) < count:
        found[tuple(sorted(chosen.sample(WHEELS, chosen.randint(1, 8))))] = None
    return list(found)


def _build(setting: Setting, store: Path, files: list[Path], *, compiled: bool) -> None:
    for number, file in enumerate(files):
        job = {
            "kind": "build", "store": str(store), "file": str(file), "compile": compiled,
            "environment": f"bench/environment-{number}",
        }  # fmt: skip
        setting.installed.work(job)


def _lines(what: str, measured: tuple[Occupied, Contained]) -> list[Line]:
    occupied, contained = measured
    unique = [float(contained.unique)]
    return [
        Line(name=f"bytes on disk{what}", ours=[float(occupied.files)], peer=unique,
             peer_name="unique", unit="bytes", limit=1.1),
        Line(name=f"bytes on disk{what}, and the folders themselves",
             ours=[float(occupied.files + occupied.folders)], peer=unique,
             peer_name="unique", unit="bytes"),
    ]  # fmt: skip


def _measure(store: Path) -> tuple[Occupied, Contained]:
    layout = Layout(store)
    kept = (layout.packages, layout.prefixes, layout.bytecode, layout.records)
    return _occupied(*kept), _contained(layout.prefixes)


def _occupied(*folders: Path) -> Occupied:
    files: dict[int, int] = {}
    inner: dict[int, int] = {}
    for folder in folders:
        for place, _, names in os.walk(folder):
            found = Path(place).stat()
            inner[found.st_ino] = found.st_blocks * 512
            for name in names:
                found = os.lstat(os.path.join(place, name))  # noqa: PTH118 - a million times
                files[found.st_ino] = found.st_blocks * 512
    return Occupied(files=sum(files.values()), folders=sum(inner.values()))


def _contained(prefixes: Path) -> Contained:
    """Read every inode once; equal contents count once, whatever their names."""
    unique: dict[bytes, int] = {}
    known: set[int] = set()
    total = 0
    for place, _, names in os.walk(prefixes):
        for name in names:
            path = Path(place, name)
            found = path.lstat()
            if path.is_symlink():
                continue
            blocks = -(-found.st_size // _BLOCK) * _BLOCK
            total += blocks
            if found.st_ino not in known:
                known.add(found.st_ino)
                unique[sha256(path.read_bytes()).digest()] = blocks
    return Contained(unique=sum(unique.values()), all=total)
