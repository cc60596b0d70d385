"""In what two views differ; only packages whose shards are different ones are read."""

import re
from collections.abc import Iterator
from functools import cmp_to_key

from condarium.channels.asking.history import fact_changes
from condarium.channels.changing.selecting import open_view
from condarium.channels.shard import Shard
from condarium.channels.views.contents import read_packages
from condarium.channels.views.listing import Listing
from condarium.errors import BadArguments
from condarium.model.actor import Actor, Permission
from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.history import (
    ChannelDiff,
    FactChange,
    FieldChange,
    PackageVersions,
    RecordChange,
    ViewChange,
)
from condarium.model.hosting.hosted import Record
from condarium.model.progress import Progress, Quiet
from condarium.model.version_order import compare_versions
from condarium.model.view import ChannelName, View
from condarium.storage.store import Store

_EMPTY = Shard()


def find_view(store: Store, channel: ChannelName, text: str, *, actor: Actor) -> View:
    """Read which view is meant, and notice a label without its word before it.

    It may be of another channel, if the actor may read that. Raises BadView, BadName, BadArguments,
    NotPermitted.
    """
    view = read_view(channel, text)
    if view.channel == channel:
        return view
    with store.database.read() as facts:
        other = facts.channels.things(view.channel)
        there = any(each.name == view.channel for each in facts.channels.all())
        known = there and actor.may_each(Permission.CHANNEL_READ, other)
        label = not known and text == view.channel.name
        if label and facts.shards.ever_had(facts.channels.get(channel), text):
            raise BadArguments(f"{text!r} is a label of {channel}", hint=f"Write label/{text}.")
    actor.require_each(Permission.CHANNEL_READ, other)
    return view


def read_view(channel: ChannelName, text: str) -> View:
    """Read which view of a channel is meant: `r12`, an instant, `label/dev`, or an address.

    Raises BadView, BadName.
    """
    if re.match(r"r?\d", text) and "/" not in text:
        revision = re.fullmatch(r"r?(\d{1,18})", text)
        return View.parse(f"{channel}/as-of/{f'r{revision[1]}' if revision else text}")
    if re.match(r"(label|as-of|cooldown)/", text):
        return View.parse(f"{channel}/{text}")
    return View.parse(text)


def compare(store: Store, before: View, after: View, *, progress: Progress) -> ChannelDiff:
    """Raises NoSuchChannel, NoSuchLabel, NoSuchRevision, NotYet, NoRevisionsOfUnion."""
    left, right = open_view(store, before), open_view(store, after)
    added: list[ViewChange] = []
    removed: list[ViewChange] = []
    changed: list[RecordChange] = []
    versions: list[PackageVersions] = []
    for name, ours, theirs in _differing(store, left, right, progress):
        for subdir in sorted({*ours, *theirs}):
            old, new = ours.get(subdir, _EMPTY), theirs.get(subdir, _EMPTY)
            added += _only_in(subdir, new, old)
            removed += _only_in(subdir, old, new)
            changed += _changed(subdir, old, new)
        versions += _versions(name, ours, theirs)
    return ChannelDiff(
        before=before,
        after=after,
        before_revision=left.revision,
        after_revision=right.revision,
        packages=tuple(versions),
        added=tuple(added),
        removed=tuple(removed),
        changed=tuple(changed),
        facts=_facts(store, left, right),
    )


_Shards = dict[str, Shard]


def _differing(
    store: Store, left: Listing, right: Listing, progress: Progress
) -> Iterator[tuple[str, _Shards, _Shards]]:
    """Each package that has another shard in any subdir, with all its shards in both views."""
    names = sorted(
        {
            name
            for subdir in {*left.maps, *right.maps}
            for name, _ in left.names(subdir).items() ^ right.names(subdir).items()
        }
    )
    ours = read_packages(store, left, names, progress=progress)
    theirs = read_packages(store, right, names, progress=Quiet())
    for old, new in zip(ours, theirs, strict=True):
        yield old.name, dict(old.shards), dict(new.shards)


def _only_in(subdir: str, shard: Shard, other: Shard) -> Iterator[ViewChange]:
    for file_name in sorted(shard.records.keys() - other.records.keys()):
        record = shard.records[file_name]
        yield ViewChange(
            subdir=subdir,
            file_name=file_name,
            name=record["name"],
            version=str(record["version"]),
            still="hidden" if file_name in other.removed else "nothing",
        )


def _changed(subdir: str, old: Shard, new: Shard) -> Iterator[RecordChange]:
    for file_name in sorted(old.records.keys() & new.records.keys()):
        fields = tuple(_fields(old.records[file_name], new.records[file_name]))
        if fields:
            yield RecordChange(subdir=subdir, file_name=file_name, fields=fields)


def _fields(old: Record, new: Record) -> Iterator[FieldChange]:
    for field in sorted({*old, *new}):
        if old.get(field) != new.get(field):
            yield FieldChange(field=field, before=old.get(field), after=new.get(field))


def _versions(name: str, ours: _Shards, theirs: _Shards) -> Iterator[PackageVersions]:
    old, new = _versions_in(ours), _versions_in(theirs)
    if old != new:
        yield PackageVersions(
            name=name,
            status="added" if not old else "removed" if not new else "changed",
            added=_sorted(new - old),
            removed=_sorted(old - new),
        )


def _versions_in(shards: _Shards) -> set[str]:
    return {str(each["version"]) for shard in shards.values() for each in shard.records.values()}


def _sorted(versions: set[str]) -> tuple[str, ...]:
    """The newest first."""
    return tuple(sorted(versions, key=cmp_to_key(compare_versions), reverse=True))


def _facts(store: Store, left: Listing, right: Listing) -> tuple[FactChange, ...]:
    """What holds at one of two revisions of a channel only. A union has none."""
    if left.channel.id != right.channel.id or left.number is None or right.number is None:
        return ()
    low, high = sorted((left.number, right.number))
    began: set[Fact] = set()
    ended: set[Fact] = set()
    with store.database.read() as facts:
        for span in facts.contents.differing(left.channel, low, high):
            if span.fact.kind is not FactKind.SHARD:
                (began if span.since > low else ended).add(span.fact)
        patches = facts.holdings.patches(left.channel)
    if left.number > right.number:
        began, ended = ended, began
    # what ended and began again in between is no difference
    return fact_changes(began - ended, ended - began, patches)
