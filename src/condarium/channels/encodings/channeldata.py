"""channeldata.json: what a channel says of each package name as a whole (CEP 38)."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cmp_to_key
from typing import Any

import msgspec

from condarium.channels.encodings.joining import shards_of
from condarium.channels.shard import Shard
from condarium.channels.views.listing import Listing
from condarium.model.hosting.hosted import Record
from condarium.model.version_order import compare_versions
from condarium.storage.store import Store

_SCRIPTS = ("activate.d", "deactivate.d", "post_link", "pre_link", "pre_unlink")
_UNKNOWN = dict.fromkeys((*_SCRIPTS, "binary_prefix", "text_prefix"), False)
"""What clients may not do without, and no record tells."""
_SINGLE = ("home", "dev_url", "doc_url")
_SHOWN = (
    *("description", "doc_source_url", "license", "license_family", "summary"),
    *("identifiers", "keywords", "source_url", "tags", *_SINGLE),
)
_MILLISECONDS = 253_402_300_799
"""A timestamp beyond the year 9999 is one in milliseconds."""

_Rank = tuple[int, int, str]
_version_key = cmp_to_key(compare_versions)


def channeldata(store: Store, listing: Listing) -> dict[str, Any]:
    """Describe every package name by its newest record and that one's about.json."""
    packages: dict[str, dict[str, Any]] = {}
    newest: dict[str, dict[str, str]] = {}
    for subdir in sorted(listing.subdirs):
        for name, shard in shards_of(store, listing, subdir):
            if shard.records:
                file_name = describe(packages.setdefault(name, {}), subdir, shard)
                if file_name:
                    newest[name] = {subdir: file_name}
    for name, about in abouts(store, listing, newest):
        packages[name] |= {key: about[key] for key in _SHOWN if about.get(key)}
    return {
        "channeldata_version": 1,
        "packages": {name: _tidy(packages[name]) for name in sorted(packages)},
        "subdirs": sorted(listing.subdirs),
    }


def newest_first(records: Mapping[str, Record]) -> list[str]:
    """File names, those of the newest version first, then by build number and time of building."""

    def key(file_name: str) -> Any:
        record = records[file_name]
        return _version_key(_version(record)), _rank(file_name, record)

    return sorted(records, key=key, reverse=True)


def abouts(
    store: Store, listing: Listing, wanted: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What about.json says of files, given by package name and subdir, where it says anything."""
    by_subdir: dict[str, dict[str, str]] = {}
    for name, files in wanted.items():
        for subdir, file_name in files.items():
            by_subdir.setdefault(subdir, {})[file_name] = name
    with store.database.read() as facts:
        for part in _leaves(listing):
            for subdir, names in by_subdir.items():
                found = facts.encodings.abouts(part.channel, subdir, names)
                for file_name, about in found.items():
                    yield names.pop(file_name), msgspec.json.decode(about)


def describe(package: dict[str, Any], subdir: str, shard: Shard) -> str | None:
    """Add what a subdir has of a package; give its newest file if it is newer than all before."""
    package.setdefault("subdirs", []).append(subdir)
    exports = package.setdefault("run_exports", {})
    times = [_seconds(record.get("timestamp") or 0) for record in shard.records.values()]
    package["timestamp"] = max([package.get("timestamp", 0), *times])
    # few versions are compared, which is slow, and not all records
    newest = _newest_of_each_version(shard.records)
    exporting = {key: each for key, each in shard.records.items() if each.get("run_exports")}
    for version, rank in _newest_of_each_version(exporting).items():
        exports.setdefault(version, exporting[rank[-1]]["run_exports"])
    version = max(newest, key=lambda each: (_version_key(each), newest[each]))
    if "version" in package and compare_versions(version, package["version"]) <= 0:
        return None
    file_name = newest[version][-1]
    package["version"] = version
    package["license"] = shard.records[file_name].get("license")
    return file_name


def _newest_of_each_version(records: Mapping[str, Record]) -> dict[str, _Rank]:
    newest: dict[str, _Rank] = {}
    for file_name, record in records.items():
        version, rank = _version(record), _rank(file_name, record)
        if version not in newest or rank > newest[version]:
            newest[version] = rank
    return newest


def _version(record: Record) -> str:
    return str(record.get("version", ""))


def _rank(file_name: str, record: Record) -> _Rank:
    """What decides between files of one version."""
    return record.get("build_number") or 0, record.get("timestamp") or 0, file_name


def _tidy(package: dict[str, Any]) -> dict[str, Any]:
    """All keys in order; where a list may not be, its first value."""
    first = {key: package[key][0] for key in _SINGLE if isinstance(package.get(key), list)}
    full = {**_UNKNOWN, **package, **first}
    return {key: full[key] for key in sorted(full) if full[key] is not None}


def _seconds(timestamp: int | float) -> int:
    return int(timestamp // 1000 if timestamp > _MILLISECONDS else timestamp)


def _leaves(listing: Listing) -> Iterable[Listing]:
    """The channels themselves, where a union shows several."""
    if not listing.parts:
        return (listing,)
    return tuple(leaf for part in listing.parts for leaf in _leaves(part))
