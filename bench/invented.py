"""Invented records, for where the real ones are not."""

import hashlib
import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

from bench.records import SUBDIRS

_BUILDS = 24
"""How many records a package name has: conda-forge's mean."""


def invented_records(cache: Path, counts: dict[str, int]) -> Path:
    """A channel of so many records in each subdir, as repodata.json; always the same ones."""
    channel = cache / f"invented-{'-'.join(map(str, counts.values()))}"
    if channel.exists():
        return channel
    fresh = channel.with_name(f"{channel.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for subdir in SUBDIRS:
        packages = dict(_record(subdir, number) for number in range(counts[subdir]))
        content = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": packages}
        (fresh / subdir).mkdir(parents=True)
        (fresh / subdir / "repodata.json").write_text(json.dumps(content))
    fresh.rename(channel)
    return channel


def _record(subdir: str, number: int) -> tuple[str, dict[str, Any]]:
    drawn = Random(f"{subdir} {number}")
    name = f"{subdir.partition('-')[0]}-{number // _BUILDS}"
    build = f"py311h{drawn.randbytes(4).hex()[:7]}_{number % 3}"
    version = f"{number % _BUILDS // 3}.{number % 3}.1"
    below = number // _BUILDS // 2  # so that every one can be installed
    depends = [f"noarch-{drawn.randrange(below or 1)} >={drawn.randrange(3)}" for _ in range(5)]
    record = {
        "name": name, "version": version, "build": build, "build_number": number % 3,
        "depends": depends if below else [], "license": "BSD-3-Clause",
        "md5": drawn.randbytes(16).hex(), "size": drawn.randrange(10**7), "subdir": subdir,
        "sha256": hashlib.sha256(f"{subdir} {number}".encode()).hexdigest(),
        "timestamp": 1700000000000 + number,
    }  # fmt: skip
    return f"{name}-{version}-{build}.conda", record
