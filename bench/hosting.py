"""Stores with a channel of records: each is made once, kept in the cache, and copied."""

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from bench.invented import invented_records
from bench.processes import ROOT
from bench.records import records_as_they_are, records_grown
from bench.setting import Setting

CHANNEL = "lab"
INDEX = "repodata_shards.msgpack.zst"
_GROWN = {"linux-64": 480_000, "noarch": 260_000}
_QUICK = {"linux-64": 12_000, "noarch": 12_000}
_WRITERS = ("storage/tables", "storage/migrations", "channels/shard.py")
"""What decides how a store looks: one that was made before these changed is made anew."""


@dataclass(frozen=True, kw_only=True)
class Hosted:
    """A store of the benchmark's own, with one channel; `said` is what its records are."""

    store: Path
    said: str

    @property
    def size(self) -> str:
        """How many records it has, for the names of lines."""
        return f"{self.said.partition(' ')[0]} records"

    def ask(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        with closing(sqlite3.connect(self.store / "condarium.db")) as connection:
            return connection.execute(question, values).fetchall()

    def blob(self, digest: str) -> Path:
        return self.store / "blobs" / digest[:2] / digest[2:]


def hosted_grown(setting: Setting) -> Hosted:
    """A channel of conda-forge's size: real records grown, or else invented ones."""
    if setting.quick:
        return _invented(setting, _QUICK)
    if _has_records(setting):
        assert setting.data
        return _hosted(
            setting, "grown", records_grown(setting.data, setting.cache),
            "740,000 records: conda-forge's, grown to its size (480,000 linux-64, 260,000 noarch)",
        )  # fmt: skip
    return _invented(setting, _GROWN)


def hosted_as_they_are(setting: Setting) -> Hosted | None:
    """A channel of the real records; None where they are not."""
    if setting.quick or not _has_records(setting):
        return None
    assert setting.data
    source = records_as_they_are(setting.data, setting.cache)
    return _hosted(setting, "real", source, "58,811 real records of conda-forge")


def hosted_of_size(setting: Setting, count: int) -> Hosted:
    """A channel of about so many records of linux-64, the first by name."""
    if setting.quick or not _has_records(setting):
        return _invented(setting, {"linux-64": count, "noarch": 0})
    assert setting.data
    grown = records_grown(setting.data, setting.cache)
    return _hosted(
        setting, f"first-{count}", _first(grown, count, setting.cache), f"{count:,} records"
    )


def hosted_empty(setting: Setting) -> Hosted:
    store = setting.store()
    create_channel(setting, store)
    return Hosted(store=store, said="an empty channel")


def hosted_from(setting: Setting, source: Path, said: str) -> Hosted:
    """A channel with the records of a folder, taken over now."""
    hosted = hosted_empty(setting)
    _import(setting, hosted.store, source)
    return Hosted(store=hosted.store, said=said)


def create_channel(setting: Setting, store: Path) -> None:
    setting.installed.command_seconds("channel", "create", CHANNEL, "--public", "--store", store)


def _import(setting: Setting, store: Path, source: Path) -> None:
    setting.installed.command_seconds("channel", "import-index", CHANNEL, source, "--store", store)


def _has_records(setting: Setting) -> bool:
    return setting.data is not None and shutil.which("zstd") is not None


def _invented(setting: Setting, counts: dict[str, int]) -> Hosted:
    said = f"{sum(counts.values()):,} invented records"
    source = invented_records(setting.cache, counts)
    return _hosted(setting, source.name, source, said)


def _hosted(setting: Setting, name: str, source: Path, said: str) -> Hosted:
    """A copy of a store that has the records; its blobs, which never change, are hard links."""
    template = setting.cache / "stores" / f"{name}-{_key()}"
    if not template.exists():
        for old in template.parent.glob(f"{name}-*"):
            shutil.rmtree(old)
        fresh = setting.store()
        create_channel(setting, fresh)
        _import(setting, fresh, source)
        checkpoint(fresh)
        template.parent.mkdir(exist_ok=True)
        fresh.rename(template)
    store = setting.folder("store")
    shutil.copytree(template / "blobs", store / "blobs", copy_function=os.link)
    shutil.copyfile(template / "condarium.db", store / "condarium.db")
    return Hosted(store=store, said=said)


def _key() -> str:
    digest = hashlib.sha256()
    for part in _WRITERS:
        path = ROOT / "src" / "condarium" / part
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _first(grown: Path, count: int, cache: Path) -> Path:
    """A channel of the first shards of linux-64, until there are so many records."""
    channel = cache / f"records-{count}"
    if channel.exists():
        return channel
    source, fresh = grown / "linux-64", cache / f"records-{count}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "linux-64" / "shards").mkdir(parents=True)
    found, chosen = 0, {}
    for name, digest in sorted(decoded(source / INDEX)["shards"].items()):
        shard = source / "shards" / f"{digest.hex()}.msgpack.zst"
        found += sum(map(len, map(decoded(shard).__getitem__, ("packages", "packages.conda"))))
        os.link(shard, fresh / "linux-64" / "shards" / shard.name)
        chosen[name] = digest
        if found >= count:
            break
    info = {"subdir": "linux-64", "base_url": "", "shards_base_url": "./shards/"}
    index = msgspec.msgpack.encode({"info": info, "shards": chosen})
    (fresh / "linux-64" / INDEX).write_bytes(zstandard.ZstdCompressor().compress(index))
    fresh.rename(channel)
    return channel


def decoded(file: Path) -> Any:
    """What a file of shards says."""
    return msgspec.msgpack.decode(unpacked(file.read_bytes()))


def unpacked(content: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(content)


def checkpoint(store: Path) -> None:
    """Bring SQLite's log into the database file, where its size can be seen."""
    with closing(sqlite3.connect(store / "condarium.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
