"""A patch is tried: what it would do to each record, and who depends on what it changes."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from condarium.channels.changing.patching import described, hosted_patch, read_patches, touched
from condarium.channels.changing.selecting import held_files
from condarium.channels.revising.draft import NotALocalChannel
from condarium.channels.revising.reindexing import Patching
from condarium.errors import BadArguments
from condarium.model.digest import sha256_of
from condarium.model.document import Document
from condarium.model.hosting.changes import Dependents, KeyChange, PatchTrial, RecordChange
from condarium.model.hosting.hosted import ChannelKind, HostedChannel, HostedFile
from condarium.model.patches import PatchSet, Record
from condarium.model.progress import Progress
from condarium.model.view import ChannelName
from condarium.storage.facts import Facts
from condarium.storage.store import Store

_AT_ONCE = 200
"""How many package names are in memory at once."""
_NAME = re.compile(r"\s*(?:[^\s:]*::)?([\w.\-]*)")
_Names = Iterable[tuple[str, str]]


class _Needs(msgspec.Struct):
    """What is read of a record to find out what it depends on."""

    depends: list[Any] | None = None


_records = msgspec.json.Decoder(dict[str, Any])
_needs = msgspec.json.Decoder(_Needs)


def dry_run(
    store: Store,
    channel: ChannelName,
    documents: Sequence[Document],
    *,
    subdir: str | None = None,
    limit: int,
    progress: Progress,
) -> PatchTrial:
    """Say what patches would do after those that the channel has; nothing is changed.

    At most `limit` records are named, and so many packages that depend on one; 0 is all of them.
    Dependents are by what packages say themselves, unpatched. Raises BadPatch, BadArguments,
    NoSuchChannel, NotALocalChannel.
    """
    if limit < 0:
        raise BadArguments(f"found a limit of {limit}; expected 0 or more")
    read = read_patches(documents, subdir=subdir, name=None)
    with store.database.read() as facts:
        hosted = facts.channels.get(channel)
        if hosted.kind is not ChannelKind.LOCAL:
            raise NotALocalChannel(hosted, "patch dry-run")
        first = max(facts.holdings.patches(hosted), default=0) + 1
        tried = [
            hosted_patch(patch, document.name, number, sha256_of(document.content), subdir)
            for number, (document, patch) in enumerate(read, first)
        ]
        names = sorted({place for patch in tried for place in touched(facts, hosted, patch)})
        patching = Patching(store.blobs, facts, hosted, at=hosted.head)
        patches = PatchSet([patch for _, patch in read])
        progress.phase("try patches", len(names), "packages")
        changes = list(_changes(facts, hosted, names, patching, patches, progress))
        changed_names = {change.name for change in changes}
        dependents = _dependents(facts, hosted, changed_names, limit, progress)
    removed = sum(change.what == "removed" for change in changes)
    return PatchTrial(
        channel=channel,
        head=hosted.head,
        patches=tuple(map(described, tried)),
        changed=len(changes) - removed,
        removed=removed,
        packages=len(changed_names),
        changes=tuple(changes[: limit or None]),
        dependents=dependents,
    )


def _changes(
    facts: Facts,
    channel: HostedChannel,
    names: _Names,
    patching: Patching,
    patches: PatchSet,
    progress: Progress,
) -> Iterator[RecordChange]:
    """Every record that some index shows, and that patches change or remove."""
    for part in _parts(names):
        for (subdir, name), files in _shown(facts, channel, part).items():
            records = {file.file_name: _records.decode(file.record) for file in files}
            before = patching.of(subdir, name).apply(subdir, records).records
            after = patches.apply(subdir, before)
            for file_name in sorted({*after.changed, *after.removed}):
                yield _change(subdir, file_name, before[file_name], after.records.get(file_name))
        progress.advance(len(part))


def _change(subdir: str, file_name: str, before: Record, after: Record | None) -> RecordChange:
    name = str(before.get("name", ""))
    if after is None:
        return RecordChange(subdir=subdir, file_name=file_name, name=name, what="removed")
    keys = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    return RecordChange(
        subdir=subdir,
        file_name=file_name,
        name=name,
        what="changed",
        keys=tuple(
            KeyChange(key=key, before=before.get(key), after=after.get(key)) for key in keys
        ),
    )


def _shown(
    facts: Facts, channel: HostedChannel, names: _Names
) -> Mapping[tuple[str, str], Sequence[HostedFile]]:
    """The files of packages that some index shows, by subdir and package name."""
    seen = _visible(facts, channel, names)
    shown: dict[tuple[str, str], list[HostedFile]] = defaultdict(list)
    for file in facts.holdings.files_of(channel, names):
        if f"{file.subdir}/{file.file_name}" in seen:
            shown[file.subdir, file.name].append(file)
    return shown


def _visible(facts: Facts, channel: HostedChannel, names: _Names) -> set[str]:
    """The paths of those files of packages that some index shows."""
    return {
        held.path for held in held_files(facts, channel, names) if held.labels and not held.yank
    }


def _dependents(
    facts: Facts, channel: HostedChannel, names: set[str], limit: int, progress: Progress
) -> dict[str, Dependents]:
    """By package, the names of those that depend on it; for that every record has to be read."""
    found: dict[str, set[str]] = {name: set() for name in sorted(names)}
    every = [
        (subdir, name)
        for subdir in sorted(facts.holdings.subdirs(channel) if names else ())
        for name in sorted(facts.shards.names(channel, subdir))
    ]
    progress.phase("look for dependents", len(every), "packages")
    for part in _parts(every):
        needing = [
            (subdir, package, file_name, needed)
            for subdir, package, file_name, record in facts.holdings.records_of(channel, part)
            if (needed := names & _needed(record))
        ]
        shown = _visible(facts, channel, {(subdir, package) for subdir, package, _, _ in needing})
        for subdir, package, file_name, needed in needing:
            for name in needed if f"{subdir}/{file_name}" in shown else ():
                found[name].add(package)
        progress.advance(len(part))
    return {
        name: Dependents(packages=tuple(sorted(those)[: limit or None]), count=len(those))
        for name, those in found.items()
        if those
    }


def _needed(record: bytes) -> set[str]:
    return {_name(text) for text in _needs.decode(record).depends or () if isinstance(text, str)}


@lru_cache(maxsize=65536)
def _name(dependency: str) -> str:
    """The package that a dependency asks for: most are asked for again and again."""
    found = _NAME.match(dependency)
    return found[1].lower() if found else ""


def _parts(names: _Names) -> Iterator[list[tuple[str, str]]]:
    rest = iter(names)
    while part := list(islice(rest, _AT_ONCE)):
        yield part
