"""Channels elsewhere, as static folders: with indexes whole, or in shards, or both."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from condarium.channels.shard import Shard, encode_shard
from tests.support.channel import Made, make_channel

SHARD_INDEX = "repodata_shards.msgpack.zst"
_NO_CLOCK = {"indexed_timestamp": None}


def elsewhere(folder: Path, packages: Sequence[Made]) -> Path:
    """Make a channel that has repodata.json and no other index, and that no clock is known of."""
    make_channel(folder, packages)
    for path in folder.glob("*/repodata.json"):
        change_records(folder, path.parent.name, **{each.name: _NO_CLOCK for each in packages})
    for path in [*folder.glob("*/repodata.json.zst"), *folder.glob(f"*/{SHARD_INDEX}")]:
        path.unlink()
    return folder


def records_of(folder: Path, subdir: str) -> dict[str, dict[str, Any]]:
    """The records of a folder's repodata.json by file name."""
    index = json.loads((folder / subdir / "repodata.json").read_bytes())
    return {**index.get("packages", {}), **index.get("packages.conda", {})}


def change_records(folder: Path, subdir: str, **changes: dict[str, Any]) -> None:
    """Change records in a repodata.json: by package name, the keys that get other values."""
    path = folder / subdir / "repodata.json"
    index = json.loads(path.read_bytes())
    for record in [*index.get("packages", {}).values(), *index["packages.conda"].values()]:
        for key, value in changes.get(record["name"], {}).items():
            record.pop(key, None)
            if value is not None:
                record[key] = value
    path.write_text(json.dumps(index))


def as_zst(folder: Path, *, frames: int = 1) -> None:
    """Have repodata.json.zst instead of repodata.json everywhere."""
    for path in folder.glob("*/repodata.json"):
        content = path.read_bytes()
        step = -(-len(content) // frames)
        parts = [content[at : at + step] for at in range(0, len(content), step)]
        packed = b"".join(zstandard.compress(part) for part in parts)
        path.with_suffix(".json.zst").write_bytes(packed)
        path.unlink()


def as_shards(folder: Path, *, keep_whole: bool = False) -> None:
    """Have shards, made of repodata.json, instead of it or beside it."""
    for path in folder.glob("*/repodata.json"):
        subdir = path.parent.name
        by_name: dict[str, dict[str, Any]] = {}
        for file_name, record in records_of(folder, subdir).items():
            by_name.setdefault(record["name"], {})[file_name] = record
        shards = {name: _put(path.parent / "s", records) for name, records in by_name.items()}
        info = {"subdir": subdir, "base_url": "./", "shards_base_url": "./s/"}
        index = msgspec.msgpack.encode({"version": 1, "info": info, "shards": shards})
        (path.parent / SHARD_INDEX).write_bytes(zstandard.compress(index))
        if not keep_whole:
            path.unlink()


def _put(folder: Path, records: dict[str, Any]) -> bytes:
    content = encode_shard(Shard(records=records))
    digest = sha256(content)
    folder.mkdir(exist_ok=True)
    (folder / f"{digest.hexdigest()}.msgpack.zst").write_bytes(content)
    return digest.digest()


def remove(folder: Path, *paths: str) -> None:
    """Delete packages; the indexes say so once they are made anew."""
    for path in paths:
        (folder / path).unlink()
