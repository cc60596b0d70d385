"""What pages show of a view: a part of its packages, or of the files of a subdir.

A page reads only the shards of the package names that it shows, so that a channel of any size is
shown at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from condarium.channels.encodings.channeldata import abouts, newest_first
from condarium.channels.shard import Shard, decode_shard
from condarium.channels.views.listing import Listing
from condarium.channels.views.reading import read_shard
from condarium.model.hosting.hosted import Record
from condarium.storage.store import Store

PACKAGES_AT_ONCE = 100
NAMES_AT_ONCE = 50
"""How many package names a page shows, and a page of files."""
FILES_OF_EACH = 20
FILES_OF_ONE = 2000
"""How many files of a package name are shown; more where its full name was asked for."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Which part is shown: names that contain `query`, on page `number` of `pages`, from 1."""

    query: str
    number: int
    pages: int
    names: int


@dataclass(frozen=True, kw_only=True)
class PackageLine:
    """A package name. `about` is what about.json says in its newest file: do not trust it."""

    name: str
    version: str
    subdirs: tuple[str, ...]
    files: int
    changed_at: datetime | None
    about: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class FileLine:
    name: str
    file_name: str
    size: int | None
    sha256: str
    indexed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class FilesOfName:
    """The newest files of a package name, and how many `more` there are."""

    name: str
    files: tuple[FileLine, ...]
    more: int


def packages_of(
    store: Store, listing: Listing, *, query: str = "", number: int = 1
) -> tuple[Part, Sequence[PackageLine]]:
    """A part of the package names of a view, by name."""
    part, names = _part(set().union(*listing.maps.values()), query, number, PACKAGES_AT_ONCE)
    found = {name: _shards(store, listing, name) for name in names}
    newest = {name: _newest(shards) for name, shards in found.items()}
    said = dict(
        abouts(store, listing, {name: {each[0]: each[1]} for name, each in newest.items() if each})
    )
    return part, [_line(name, found[name], newest[name], said.get(name, {})) for name in names]


def files_of(
    store: Store, listing: Listing, subdir: str, *, query: str = "", number: int = 1
) -> tuple[Part, Sequence[FilesOfName]]:
    """The files of a part of the package names of a subdir, each name's newest first."""
    digests = listing.names(subdir)
    part, names = _part(digests, query, number, NAMES_AT_ONCE)
    lines = []
    for name in names:
        records = decode_shard(read_shard(store, listing, digests[name])).records
        limit = FILES_OF_ONE if name == query else FILES_OF_EACH
        shown = [_file(name, each, records[each]) for each in newest_first(records)[:limit]]
        lines.append(FilesOfName(name=name, files=tuple(shown), more=len(records) - len(shown)))
    return part, lines


def _part(
    names: Iterable[str], query: str, number: int, at_once: int
) -> tuple[Part, Sequence[str]]:
    """The exact name first, where it was asked for; a page beyond the last is the last."""
    query = query.strip().lower()
    fitting = sorted((name for name in names if query in name), key=lambda x: (x != query, x))
    pages = max(1, -(-len(fitting) // at_once))
    number = min(max(1, number), pages)
    shown = islice(fitting, (number - 1) * at_once, number * at_once)
    return Part(query=query, number=number, pages=pages, names=len(fitting)), list(shown)


def _shards(store: Store, listing: Listing, name: str) -> dict[str, Shard]:
    return {
        subdir: decode_shard(read_shard(store, listing, names[name]))
        for subdir, names in sorted(listing.maps.items())
        if name in names
    }


def _newest(shards: Mapping[str, Shard]) -> tuple[str, str, Record] | None:
    """Subdir, file name and record of the newest file of all subdirs."""
    found = {
        file_name: (subdir, file_name, record)
        for subdir, shard in shards.items()
        for file_name, record in shard.records.items()
    }
    order = newest_first({file_name: each[2] for file_name, each in found.items()})
    return found[order[0]] if order else None


def _line(
    name: str,
    shards: Mapping[str, Shard],
    newest: tuple[str, str, Record] | None,
    about: Mapping[str, Any],
) -> PackageLine:
    records = [record for shard in shards.values() for record in shard.records.values()]
    license_ = {"license": newest[2]["license"]} if newest and newest[2].get("license") else {}
    return PackageLine(
        name=name,
        version=str(newest[2].get("version", "")) if newest else "",
        subdirs=tuple(subdir for subdir, shard in shards.items() if shard.records),
        files=len(records),
        changed_at=_instant(max((_indexed(record) for record in records), default=0)),
        about={**license_, **about},
    )


def _file(name: str, file_name: str, record: Record) -> FileLine:
    return FileLine(
        name=name,
        file_name=file_name,
        size=record.get("size"),
        sha256=record.get("sha256") or "",
        indexed_at=_instant(_indexed(record)),
    )


def _indexed(record: Record) -> int:
    return int(record.get("indexed_timestamp") or 0)


def _instant(milliseconds: int) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC) if milliseconds else None
