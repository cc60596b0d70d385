"""The real data beside the project: records of conda-forge, and what was once locked of them.

It is no part of the project. What uses it is marked `data`, and skipped where it is absent.
"""

import fcntl
import importlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from condarium.model.document import Document

SUBDIRS = ("linux-64", "noarch", "osx-arm64", "win-64")
_ZSTD_MODULES = ("compression.zstd", "backports.zstd", "zstandard")


def data_folder() -> Path:
    """Where the data is, or would be (CONDARIUM_DATA)."""
    beside = Path(__file__).parents[2] / "../shared/data"
    return Path(os.environ.get("CONDARIUM_DATA", beside))


def why_absent() -> str | None:
    """Why the records cannot be used here; None where they can."""
    if not data_folder().is_dir():
        return f"no real data at {data_folder()}; CONDARIUM_DATA says where it is"
    if _zstd_module() is None and shutil.which("zstd") is None:
        return "no zstd to unpack the real data with"
    return None


def unpack(path: Path) -> bytes:
    """Read a .zst file with whatever this machine has."""
    if module := _zstd_module():
        data: bytes = importlib.import_module(module).decompress(path.read_bytes())
        return data
    done = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True, timeout=60)
    return done.stdout


@cache
def _zstd_module() -> str | None:
    for name in _ZSTD_MODULES:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        return name
    return None


def unpacked_channels(root: Path) -> Path:
    """Give a folder with the channel `conda-forge` in it, made under `root` by whoever comes first.

    A channel alias of this folder's `file:` URL lets a spec say `conda-forge` as people do.
    """
    folder = root / "real-channels"
    root.mkdir(parents=True, exist_ok=True)
    with (root / "real-channels.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".complete").exists():
            for subdir in SUBDIRS:
                packed = data_folder() / "repodata" / "conda-forge" / subdir / "repodata.json.zst"
                index = folder / "conda-forge" / subdir / "repodata.json"
                index.parent.mkdir(parents=True, exist_ok=True)
                index.write_bytes(unpack(packed))
            (folder / ".complete").touch()
    return folder


@cache
def real_records(subdir: str) -> dict[str, dict[str, Any]]:
    """All records of a subdir by their file names; only read them."""
    packed = data_folder() / "repodata" / "conda-forge" / subdir / "repodata.json.zst"
    index = json.loads(unpack(packed))
    return {**index["packages"], **index["packages.conda"]}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The specs of a public project, and the files that its lock had for them (linux-64)."""

    name: str
    channels: tuple[str, ...]
    specs: tuple[str, ...]
    locked: frozenset[str]

    def document(self, *, pinned: bool = False) -> Document:
        """An environment.yml, on request with every package of the lock pinned to its build.

        Machines are said to have what the lock's authors had. Extras (`dask[complete]`), which
        conda does not know, are left out as the error about them advises.
        """
        pins = sorted(map(_exactly, self.locked)) if pinned else []
        plain = [re.sub(r"\[[\w,]+\]$", "", spec) for spec in self.specs]
        content = {
            "channels": self.channels,
            "dependencies": [*plain, *pins],
            "platforms": ["linux-64"],
            "system-requirements": {"cuda": "12.9", "glibc": "2.39", "linux": "6.1"},
        }
        return Document("environment.yml", json.dumps(content).encode())


def _exactly(file: str) -> str:
    stem = file.rpartition("/")[2].removesuffix(".conda").removesuffix(".tar.bz2")
    name, version, build = stem.rsplit("-", 2)
    return f"{name}=={version}={build}"


@cache
def replay_pairs() -> tuple[Pair, ...]:
    """All pairs whose locked set the records can still give; empty where there is no data."""
    if why_absent():
        return ()
    lines = unpack(data_folder() / "replay" / "replay.jsonl.zst").splitlines()
    rows = [row for row in map(json.loads, lines) if row["locked_set_valid_in_union"]]
    return tuple(
        Pair(
            name=f"{row['repo']}/{row['env']}@{row['commit'][:8]}",
            channels=tuple(row["channels"]),
            specs=tuple(row["specs"]),
            locked=frozenset(row["locked"]),
        )
        for row in rows
        if row["platform"] == "linux-64"
    )


def different_specs(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """One pair for each set of specs."""
    return tuple({(pair.channels, pair.specs): pair for pair in reversed(pairs)}.values())
