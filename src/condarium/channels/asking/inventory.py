"""The packages of a view, and their files."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import translate

from condarium.channels.asking.searching import NothingInView, check_limit, read_spec, refuse
from condarium.channels.changing.selecting import open_view
from condarium.channels.remote.first_asking import ask_first
from condarium.channels.views.contents import PackageShards, age, names_in, read_packages
from condarium.channels.views.listing import Listing
from condarium.model.hosting.answers import (
    FileState,
    ViewFile,
    ViewFiles,
    ViewPackage,
    ViewPackages,
)
from condarium.model.hosting.fact import FactKind
from condarium.model.hosting.hosted import ChannelKind, HostedFile, Record
from condarium.model.paging import decode_cursor, encode_cursor
from condarium.model.progress import Progress
from condarium.model.similar import nearest
from condarium.model.view import ChannelName, View
from condarium.storage.facts import Facts
from condarium.storage.store import Store

_Key = tuple[str, str]
"""Subdir and file name."""


def packages(
    store: Store,
    view: View,
    pattern: str | None = None,
    *,
    subdirs: Collection[str] = (),
    limit: int,
    cursor: str | None = None,
    progress: Progress,
) -> ViewPackages:
    """The packages of a view whose names match a glob; only those that are shown are read.

    Raises NothingInView where a pattern matches none, BadSubdir, NoSuchChannel, NoSuchLabel,
    UpstreamFailed, BadCursor.
    """
    check_limit(limit)
    start = _start(cursor, str)
    ask_first(store, view)
    listing = open_view(store, view)
    names = names_in(listing, subdirs)
    if pattern is not None:
        matches = re.compile(translate(pattern.lower())).match
        matching = [name for name in names if matches(name)]
        if not matching:
            near = nearest(pattern.strip("*"), names)
            there = f"Did you mean {' or '.join(near)}?" if near else ""
            raise NothingInView(view, pattern, there=there)
        names = matching
    first = bisect_right(names, start[0]) if start else 0
    chosen = names[first:][: limit or None]
    shown = read_packages(store, listing, chosen, subdirs=subdirs, progress=progress)
    more = first + len(chosen) < len(names)
    return ViewPackages(
        view=view,
        revision=listing.revision,
        pattern=pattern,
        packages=tuple(_package(each) for each in shown),
        total=len(names),
        next=encode_cursor(chosen[-1]) if more else None,
    )


def files(
    store: Store,
    view: View,
    spec: str | None = None,
    *,
    subdirs: Collection[str] = (),
    limit: int,
    cursor: str | None = None,
    progress: Progress,
) -> ViewFiles:
    """The files of a view that fit a MatchSpec, by package and the newest first.

    Those that indexes do not show, but that can be downloaded, are among them.
    Raises NothingInView where nothing fits, BadSearch, BadSubdir, NoSuchChannel, NoSuchLabel,
    UpstreamFailed, BadCursor.
    """
    check_limit(limit)
    start = _start(cursor, str, str, str)
    ask_first(store, view)
    listing = open_view(store, view)
    wanted = read_spec(view, spec) if spec else None
    names = [name for name in names_in(listing, subdirs) if wanted is None or wanted.is_for(name)]
    seen = bisect_left(names, start[0]) if start else 0
    found: list[ViewFile] = []
    with store.database.read() as facts:
        for package in read_packages(
            store, listing, names[seen:], subdirs=subdirs, progress=progress
        ):
            fitting = [
                file
                for file, record in _files(facts, listing, package)
                if wanted is None or wanted.fits(record, file.subdir)
            ]
            found += _after(fitting, start) if start else fitting
            seen += 1
            if limit and len(found) >= limit:
                break
    if wanted and spec and not found and not start:
        refuse(store, listing, wanted, spec, subdirs)
    shown = found[: limit or None]
    more = len(shown) < len(found) or seen < len(names)
    return ViewFiles(
        view=view,
        revision=listing.revision,
        spec=spec,
        files=tuple(shown),
        packages=seen,
        of=len(names),
        omitted=len(found) - len(shown),
        next=encode_cursor(*_place(shown[-1])) if more and shown else None,
    )


def _start(cursor: str | None, *kinds: type) -> tuple[str, ...]:
    """The sort key that a cursor holds; empty without one. Raises BadCursor."""
    return tuple(map(str, decode_cursor(cursor, *kinds))) if cursor is not None else ()


def _place(file: ViewFile) -> tuple[str, str, str]:
    return file.name, file.subdir, file.file_name


def _after(files: list[ViewFile], start: tuple[str, ...]) -> list[ViewFile]:
    """The files of a package behind the one at a place; all, where that is not among them."""
    places = [_place(file) for file in files]
    return files[places.index(start) + 1 :] if start in places else files


def _package(package: PackageShards) -> ViewPackage:
    records = [record for _, _, record in package.files]
    return ViewPackage(
        name=package.name,
        newest=str(max(records, key=age)["version"]) if records else None,
        versions=len({record["version"] for record in records}),
        files=len(records),
        hidden=sum(1 for _ in package.hidden),
        subdirs=tuple(package.shards),
    )


@dataclass(frozen=True, kw_only=True)
class _About:
    """What facts say of a package's files: whose they are, their labels, and which are yanked."""

    channels: dict[_Key, ChannelName]
    labels: dict[_Key, list[str]]
    yanked: set[_Key]


def _files(
    facts: Facts, listing: Listing, package: PackageShards
) -> Iterator[tuple[ViewFile, Record]]:
    about = _about(facts, listing, package)
    shown = {(subdir, file_name): record for subdir, file_name, record in package.files}
    hidden = {
        (file.subdir, file.file_name): _unpatched(file) for file in _hidden(facts, listing, package)
    }
    records = shown | hidden
    for key in sorted(records, key=lambda key: age(records[key]), reverse=True):
        state: FileState = "shown" if key in shown else "patched away"
        if key in about.yanked:
            state = "yanked"
        yield _file(listing, key, records[key], about, state), records[key]


def _file(listing: Listing, key: _Key, record: Record, about: _About, state: FileState) -> ViewFile:
    indexed = record.get("indexed_timestamp")
    return ViewFile(
        channel=about.channels.get(key, listing.view.channel),
        subdir=key[0],
        file_name=key[1],
        name=record["name"],
        version=str(record["version"]),
        build=record.get("build", ""),
        state=state,
        labels=tuple(sorted(about.labels.get(key, ()))),
        size=record.get("size"),
        sha256=record.get("sha256"),
        indexed_at=datetime.fromtimestamp(indexed / 1000, tz=UTC) if indexed else None,
    )


def _about(facts: Facts, listing: Listing, package: PackageShards) -> _About:
    """In a union, the first member that has a file is the one whose it is."""
    about = _About(channels={}, labels=defaultdict(list), yanked=set())
    for leaf in _leaves(listing):
        if leaf.channel.kind is ChannelKind.PROXY:
            for subdir, file_name, _ in package.files:
                if package.name in leaf.names(subdir):
                    about.channels.setdefault((subdir, file_name), leaf.channel.name)
            continue
        pairs = [(subdir, package.name) for subdir in package.shards]
        holding = list(facts.holdings.about(leaf.channel, pairs, at=leaf.number or 0))
        for fact in holding:
            if fact.kind is FactKind.FILE:
                about.channels.setdefault((fact.subdir, fact.file_name), leaf.channel.name)
        for fact in holding:
            key = fact.subdir, fact.file_name
            if about.channels.get(key) != leaf.channel.name:
                continue
            if fact.kind is FactKind.LABEL:
                about.labels[key].append(fact.value)
            elif fact.kind is FactKind.YANK:
                about.yanked.add(key)
    return about


def _hidden(facts: Facts, listing: Listing, package: PackageShards) -> list[HostedFile]:
    """The files that indexes do not show, as far as this store knows them."""
    hidden = set(package.hidden)
    found: dict[_Key, HostedFile] = {}
    for leaf in _leaves(listing) if hidden else ():
        pairs = {(subdir, package.name) for subdir, _ in hidden}
        for file in facts.holdings.files_of(leaf.channel, pairs):
            if (file.subdir, file.file_name) in hidden:
                found.setdefault((file.subdir, file.file_name), file)
    return list(found.values())


def _unpatched(file: HostedFile) -> Record:
    return {
        "name": file.name,
        "version": file.version,
        "build": file.build,
        "build_number": file.build_number,
        "size": file.size,
        "sha256": file.sha256,
        "indexed_timestamp": file.indexed_at,
    }


def _leaves(listing: Listing) -> Sequence[Listing]:
    """The listing itself, or those of a union's members that are no unions, in their order."""
    if not listing.parts:
        return (listing,)
    return [leaf for part in listing.parts for leaf in _leaves(part)]
