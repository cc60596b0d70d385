"""What a proxy shows of package names: upstream's shards, as they are wherever they can be.

A shard is written anew, and is ours, where the filter asks for its records, or where upstream has
deleted a file that somebody here has fetched: FILE facts of a proxy say which.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping

import msgspec

from condarium.channels.remote.filters import Share, Sieve, sieve_of
from condarium.channels.shard import Shard, decode_shard, encode_shard
from condarium.errors import NoSuchBlob
from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.hosted import HostedChannel, HostedFile
from condarium.model.view import MAIN
from condarium.storage.blobs import Blobs
from condarium.storage.facts import Facts
from condarium.storage.hosting.shards import ShardKey


def relay(
    blobs: Blobs,
    facts: Facts,
    channel: HostedChannel,
    subdir: str,
    names: Iterable[str],
    *,
    at: int,
) -> dict[ShardKey, bytes]:
    """The shards of names of a subdir at a revision; those that are ours are kept as blobs.

    Upstream's shards that have to be read must be there. Raises NoSuchBlob.
    """
    sieve, keys = sieve_of(channel.filter), [(subdir, name) for name in names]
    offered: dict[str, str] = {}
    kept: dict[str, set[str]] = defaultdict(set)
    for fact in facts.holdings.about(channel, keys, at=at):
        if fact.kind is FactKind.SHARD:
            offered[fact.name] = fact.value
        elif fact.kind is FactKind.FILE:
            kept[fact.name].add(fact.file_name)
    files = _files(facts, channel, subdir, kept)
    reader = _Reader(blobs, facts.obtained.among(channel, map(bytes.fromhex, offered.values())))
    shown = {
        name: _show(reader, sieve, subdir, name, offered=offered.get(name), kept=files[name])
        for name in offered.keys() | kept.keys()
    }
    facts.obtained.add(channel, reader.made)
    return {ShardKey(MAIN, subdir, name): digest for name, digest in shown.items() if digest}


class _Reader:
    """Reads upstream's shards, of which only those that the proxy obtained, and keeps its own."""

    def __init__(self, blobs: Blobs, obtained: Container[bytes]) -> None:
        self._blobs, self._obtained = blobs, obtained
        self.made: set[bytes] = set()

    def read(self, digest: str) -> Shard:
        if bytes.fromhex(digest) not in self._obtained:
            raise NoSuchBlob(digest)
        return decode_shard(self._blobs.get(digest))

    def keep(self, shard: Shard) -> bytes:
        digest = bytes.fromhex(self._blobs.put(encode_shard(shard)))
        self.made.add(digest)
        return digest


def asks_for_records(sieve: Sieve, subdir: str, name: str) -> bool:
    return sieve.share(subdir, name) is not Share.ALL


def _files(
    facts: Facts, channel: HostedChannel, subdir: str, kept: Mapping[str, set[str]]
) -> dict[str, list[HostedFile]]:
    found: dict[str, list[HostedFile]] = defaultdict(list)
    for file in facts.holdings.files_of(channel, [(subdir, name) for name in kept]):
        if file.file_name in kept[file.name]:
            found[file.name].append(file)
    return found


def _show(
    reader: _Reader,
    sieve: Sieve,
    subdir: str,
    name: str,
    *,
    offered: str | None,
    kept: Iterable[HostedFile],
) -> bytes | None:
    if offered and not kept and not asks_for_records(sieve, subdir, name):
        return bytes.fromhex(offered)
    shard = reader.read(offered) if offered else Shard()
    records = {
        file_name: record
        for file_name, record in shard.records.items()
        if sieve.lets(subdir, file_name, record)
    }
    records |= {file.file_name: msgspec.json.decode(file.record) for file in kept}
    removed = sorted(set(shard.removed) - records.keys())
    if not records and not removed:
        return None
    return reader.keep(Shard(records=dict(sorted(records.items())), removed=removed))


def shard_facts(subdir: str, shards: Mapping[str, bytes]) -> set[Fact]:
    """The facts that upstream has these shards."""
    return {
        Fact(kind=FactKind.SHARD, subdir=subdir, name=name, value=digest.hex())
        for name, digest in shards.items()
    }
