"""Asking a channel elsewhere what has changed since it was last asked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from condarium.channels.remote.filters import sieve_of
from condarium.channels.remote.reading import (
    SHARD_INDEX,
    WHOLE,
    Unpacked,
    get_or_none,
    parse_shard_index,
)
from condarium.channels.remote.taking import Unfit, check
from condarium.channels.shard import Shard, encode_shard
from condarium.engine.network.errors import NoSuchChannel
from condarium.engine.network.remote_files import RemoteFile, RemoteFiles
from condarium.model.hosting.hosted import HostedChannel
from condarium.model.hosting.upstream import UpstreamIndex
from condarium.model.subdirs import SUBDIRS
from condarium.storage.blobs import Blobs

_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Poll:
    """What is new about a subdir: None as `index` where upstream no longer has it.

    `shards` are by package name; None where they are as they were.
    """

    subdir: str
    index: UpstreamIndex | None
    shards: Mapping[str, bytes] | None


def poll(
    blobs: Blobs,
    files: RemoteFiles,
    channel: HostedChannel,
    known: Mapping[str, UpstreamIndex],
    *,
    probing: bool,
) -> list[Poll]:
    """Ask for the index of each known subdir, and if `probing` for the others as well.

    Shards are upstream's where it has some; else they are made of its repodata.json, and kept as
    blobs. A filter that asks for every record prefers repodata.json, which is one request.
    Raises NoSuchChannel where there is nothing at all, and what RemoteFiles raises.
    """
    chosen = channel.filter.subdirs or ("noarch", *SUBDIRS)
    subdirs = [subdir for subdir in chosen if probing or subdir in known]
    asks_all = sieve_of(channel.filter).asks_all or channel.filter.cooldown is not None
    order = (*WHOLE, SHARD_INDEX) if asks_all else (SHARD_INDEX, *WHOLE)

    def ask(subdir: str) -> Poll | None:
        folder = f"{channel.upstream}/{subdir}/"
        return _ask(blobs, files, folder, subdir, known.get(subdir), order)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = [each for each in pool.map(ask, subdirs) if each is not None]
    gone = {each.subdir for each in found if each.index is None}
    there = {each.subdir for each in found} | known.keys()
    if not there - gone:
        raise NoSuchChannel(str(channel.upstream), f"index for {', '.join(subdirs[:3])} …")
    return found


def _ask(
    blobs: Blobs,
    files: RemoteFiles,
    folder: str,
    subdir: str,
    known: UpstreamIndex | None,
    order: Iterable[str],
) -> Poll | None:
    """None where upstream has no such subdir, and had none."""
    names = dict.fromkeys((*([known.file] if known else []), *order))
    for name in names:
        unless = known.validators if known and known.file == name else None
        file = get_or_none(files, folder + name, unless=unless)
        if file is None:
            continue
        if file.content is None:
            return Poll(subdir=subdir, index=known, shards=None)
        return _of_shards(file, subdir) if name == SHARD_INDEX else _of_whole(blobs, file, subdir)
    return Poll(subdir=subdir, index=None, shards={}) if known else None


def _of_shards(file: RemoteFile, subdir: str) -> Poll:
    found = parse_shard_index(file)
    index = UpstreamIndex(
        file=SHARD_INDEX,
        validators=file.validators,
        base_url=found.base_url,
        shards_url=found.shards_url,
    )
    return Poll(subdir=subdir, index=index, shards=found.shards)


def _of_whole(blobs: Blobs, file: RemoteFile, subdir: str) -> Poll:
    unpacked = Unpacked.of_whole(file)
    index = UpstreamIndex(
        file=file.url.rpartition("/")[2],
        validators=file.validators,
        base_url=unpacked.base_url,
        shards_url=None,
    )
    return Poll(subdir=subdir, index=index, shards=_make_shards(blobs, unpacked, subdir))


def _make_shards(blobs: Blobs, unpacked: Unpacked, subdir: str) -> dict[str, bytes]:
    """Records that clients could not read are left out: one would spoil the whole shard."""
    by_name: dict[str, dict[str, Any]] = defaultdict(dict)
    for file_name, record in unpacked.records():
        try:
            by_name[check(subdir, file_name, record).name][file_name] = record
        except Unfit:
            continue
    contents = {
        name: encode_shard(Shard(records=dict(sorted(records.items()))))
        for name, records in by_name.items()
    }
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(blobs.put, contents.values()))
    return {name: sha256(content).digest() for name, content in contents.items()}
