"""Channels of real conda-forge records, without packages: as they are, and grown to full size."""

import hashlib
import json
import shutil
import struct
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUBDIRS = ("linux-64", "noarch")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What somebody's public project asked for."""

    name: str
    specs: tuple[str, ...]


def questions(data: Path, count: int) -> list[Question]:
    """`count` different sets of specs, evenly out of those that the records can answer.

    Sets with pip's extras (`dask[complete]`), which conda does not know, are left out.
    """
    lines = _unpack(data / "replay" / "replay.jsonl.zst").splitlines()
    found: dict[tuple[str, ...], Question] = {}
    for row in map(json.loads, lines):
        if row["locked_set_valid_in_union"] and "[" not in "".join(row["specs"]):
            asked = tuple(row["specs"])
            found.setdefault(asked, Question(name=f"{row['repo']} {row['env']}", specs=asked))
    every = list(found.values())
    return [every[number * len(every) // count] for number in range(count)]


def records_as_they_are(data: Path, cache: Path) -> Path:
    """A channel that serves repodata.json.zst; the files are the data's own."""
    channel = cache / "records"
    for subdir in SUBDIRS:
        source = data / "repodata" / "conda-forge" / subdir / "repodata.json.zst"
        target = channel / subdir / source.name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return channel


def records_grown(data: Path, cache: Path) -> Path:
    """A channel of conda-forge's size that serves shards (CEP 16), as conda-forge does."""
    channel = cache / "records-grown"
    if channel.exists():
        return channel
    union, whole, fresh = cache / "union", cache / "grown", cache / "records-grown.new"
    for subdir in SUBDIRS:
        folder = union / subdir
        folder.mkdir(parents=True, exist_ok=True)
        packed = data / "repodata" / "conda-forge" / subdir / "repodata.json.zst"
        (folder / "repodata.json").write_bytes(_unpack(packed))
    grow: list[str | Path] = [sys.executable, data / "repodata" / "grow.py", union]
    subprocess.run([*grow, data / "repodata" / "names.txt", whole], check=True, stdout=sys.stderr)
    for subdir in SUBDIRS:
        _write_shards(json.loads((whole / subdir / "repodata.json").read_bytes()), fresh / subdir)
    shutil.rmtree(union)
    shutil.rmtree(whole)
    fresh.rename(channel)
    return channel


def count_records(channel: Path) -> str:
    names = sum(1 for _ in channel.glob("*/shards/*"))
    return f"{names:,} names" if names else "repodata.json.zst"


def _write_shards(repodata: dict[str, Any], folder: Path) -> None:
    shards = folder / "shards"
    shards.mkdir(parents=True)
    by_name: dict[str, dict[str, Any]] = defaultdict(lambda: {"packages": {}, "packages.conda": {}})
    for kind in ("packages", "packages.conda"):
        for file, record in repodata[kind].items():
            by_name[record["name"]][kind][file] = record
    index: dict[str, bytes] = {}
    plain: list[tuple[str, Path]] = []
    for name, shard in sorted(by_name.items()):
        path = shards / f"{len(plain)}"
        path.write_bytes(msgpack(_with_digests(shard | {"removed": []})))
        plain.append((name, path))
    for packed, (name, path) in zip(_packed([path for _, path in plain]), plain, strict=True):
        content = packed.read_bytes()
        digest = hashlib.sha256(content)
        packed.rename(shards / f"{digest.hexdigest()}.msgpack.zst")
        path.unlink()
        index[name] = digest.digest()
    info = {"subdir": repodata["info"]["subdir"], "base_url": "", "shards_base_url": "./shards/"}
    whole = folder / "repodata_shards.msgpack"
    whole.write_bytes(msgpack({"info": info, "shards": index}))
    next(_packed([whole]))
    whole.unlink()


def _with_digests(shard: dict[str, Any]) -> dict[str, Any]:
    """In shards, hashes are bytes, not text."""
    for kind in ("packages", "packages.conda"):
        for record in shard[kind].values():
            for key in ("md5", "sha256"):
                if isinstance(record.get(key), str):
                    record[key] = bytes.fromhex(record[key])
    return shard


def _packed(files: list[Path]) -> Iterator[Path]:
    """Compress files beside themselves, many with one process."""
    for start in range(0, len(files), 1000):
        part = files[start : start + 1000]
        subprocess.run(["zstd", "-q", "-f", *part], check=True)
        yield from (path.with_name(f"{path.name}.zst") for path in part)


def _unpack(path: Path) -> bytes:
    return subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout


def msgpack(value: object) -> bytes:
    """Write what repodata is made of as MessagePack."""
    match value:
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return _integer(value)
        case float():
            return b"\xcb" + struct.pack(">d", value)
        case str():
            content = value.encode()
            return _length(len(content), 0xA0, 31, (0xD9, 0xDA, 0xDB)) + content
        case bytes():
            return _length(len(value), 0, -1, (0xC4, 0xC5, 0xC6)) + value
        case list():
            head = _length(len(value), 0x90, 15, (None, 0xDC, 0xDD))
            return head + b"".join(map(msgpack, value))
        case dict():
            head = _length(len(value), 0x80, 15, (None, 0xDE, 0xDF))
            return head + b"".join(msgpack(key) + msgpack(each) for key, each in value.items())
    raise TypeError(f"{value!r} is not what repodata is made of")


def _integer(value: int) -> bytes:
    if 0 <= value < 128:
        return bytes([value])
    if value >= 0:
        return b"\xcf" + struct.pack(">Q", value)
    return b"\xd3" + struct.pack(">q", value)


def _length(size: int, small: int, most: int, codes: tuple[int | None, int, int]) -> bytes:
    if size <= most:
        return bytes([small | size])
    one, two, four = codes
    if one is not None and size < 1 << 8:
        return bytes([one, size])
    if size < 1 << 16:
        return bytes([two]) + struct.pack(">H", size)
    return bytes([four]) + struct.pack(">I", size)
