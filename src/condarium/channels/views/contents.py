"""What a view has of packages, read from their shards: of those asked for, and no others."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cmp_to_key, lru_cache
from typing import Any

from condarium.channels.shard import Shard, decode_shard
from condarium.channels.views.listing import Listing
from condarium.channels.views.reading import read_shard
from condarium.errors import BadInput
from condarium.model.hosting.hosted import Record
from condarium.model.progress import Progress
from condarium.model.subdirs import is_subdir, likely_subdir
from condarium.model.version_order import compare_versions
from condarium.storage.store import Store

_AT_ONCE = 64
"""How many packages are in memory at once."""
_READING = 8
"""How many shards are read at the same time."""
_SOON = 500
"""Fewer packages than this are read before anybody wonders how far it is."""


class BadSubdir(BadInput):
    """There is no subdir of this name, in any channel."""

    def __init__(self, found: str) -> None:
        self.found = found
        likely = likely_subdir(found)
        super().__init__(
            f"found the subdir {found!r}; expected noarch, or a platform such as linux-64",
            hint=f"Did you mean {likely}?" if likely else None,
        )


@dataclass(frozen=True, kw_only=True)
class PackageShards:
    """A package in a view: its shard in each subdir that has it."""

    name: str
    shards: Mapping[str, Shard]

    @property
    def files(self) -> Iterator[tuple[str, str, Record]]:
        """Subdir, file name and record of each file that indexes show."""
        for subdir, shard in self.shards.items():
            for file_name, record in shard.records.items():
                yield subdir, file_name, record

    @property
    def hidden(self) -> Iterator[tuple[str, str]]:
        """Subdir and name of each file that they do not."""
        for subdir, shard in self.shards.items():
            for file_name in shard.removed:
                yield subdir, file_name


def names_in(listing: Listing, subdirs: Collection[str] = ()) -> list[str]:
    """The packages of a view, or of some of its subdirs, sorted. Raises BadSubdir."""
    for subdir in subdirs:
        if not is_subdir(subdir) and subdir not in listing.subdirs:
            raise BadSubdir(subdir)
    return sorted(set().union(*(listing.names(each) for each in subdirs or listing.maps)))


def read_packages(
    store: Store,
    listing: Listing,
    names: Sequence[str],
    *,
    subdirs: Collection[str] = (),
    progress: Progress,
) -> Iterator[PackageShards]:
    """Read the shards of packages, in the order of `names`, and no faster than they are taken."""
    chosen = sorted(subdirs or listing.maps)
    if len(names) >= _SOON:
        progress.phase("read records", len(names), "packages")
    with ThreadPoolExecutor(_READING) as pool:

        def read(key: tuple[str, str]) -> bytes:
            name, subdir = key
            return read_shard(store, listing, listing.names(subdir)[name])

        for start in range(0, len(names), _AT_ONCE):
            part = names[start : start + _AT_ONCE]
            keys = [(name, each) for name in part for each in chosen if name in listing.names(each)]
            shards: dict[str, dict[str, Shard]] = {name: {} for name in part}
            for (name, subdir), content in zip(keys, pool.map(read, keys), strict=True):
                shards[name][subdir] = decode_shard(content)
            yield from (PackageShards(name=name, shards=found) for name, found in shards.items())
            progress.advance(len(part))


def age(record: Record) -> Any:
    """The key by which records of one package sort: version, build number and timestamp."""
    build = record.get("build_number") or 0, record.get("timestamp") or 0
    return _version_key(str(record["version"])), build


_version_key = lru_cache(maxsize=65536)(cmp_to_key(compare_versions))
