"""Unions: several channels as one, made by joining what they show, not by copying it."""

from collections.abc import Callable
from functools import partial

from condarium.channels.shard import Shard, decode_shard
from condarium.channels.views.derived import Derived
from condarium.channels.views.listing import Listing, Maps
from condarium.channels.views.reading import read_shard
from condarium.model.hosting.hosted import HostedChannel, UnionMode
from condarium.model.view import View
from condarium.storage.store import Store


def join(
    store: Store,
    channel: HostedChannel,
    view: View,
    parts: tuple[Listing, ...],
    *,
    state: str,
    derived: Derived,
) -> Listing:
    """Show several views as one; where they go by the first, their shards are used as they are."""
    merges = channel.mode is UnionMode.MERGE
    maps = _merged(store, channel, parts, derived) if merges else _first(parts)
    return Listing(
        view=view,
        channel=channel,
        revision=",".join(map(_revision, parts)),
        number=None,
        state=state,
        past=all(part.past for part in parts),
        maps=maps,
        parts=parts,
    )


def _first(parts: tuple[Listing, ...]) -> Maps:
    """Each name from the first channel that has it in any subdir."""
    joined: dict[str, dict[str, bytes]] = {}
    taken: set[str] = set()
    for part in parts:
        for subdir, names in part.maps.items():
            into = joined.setdefault(subdir, {})
            into.update({name: names[name] for name in names.keys() - taken})
        taken.update(*part.maps.values())
    return joined


def _merged(
    store: Store, channel: HostedChannel, parts: tuple[Listing, ...], derived: Derived
) -> Maps:
    """Each name with the files of all; new shards only for names that several channels have."""
    joined: dict[str, dict[str, bytes]] = {}
    makers: dict[tuple[bytes, ...], Callable[[], Shard | bytes]] = {}
    merging: list[tuple[str, str, tuple[bytes, ...]]] = []
    for subdir in {subdir for part in parts for subdir in part.maps}:
        into = joined.setdefault(subdir, {})
        several: dict[str, list[tuple[Listing, bytes]]] = {}
        for part in parts:
            for name, digest in part.names(subdir).items():
                several.setdefault(name, []).append((part, digest))
        for name, found in several.items():
            into[name] = found[0][1]
            digests = tuple(digest for _, digest in found)
            if len(set(digests)) > 1:
                makers[digests] = partial(_merge, store, found)
                merging.append((subdir, name, digests))
    made = derived.of(channel, makers)
    for subdir, name, digests in merging:
        joined[subdir][name] = made[digests] or digests[0]
    return joined


def _merge(store: Store, found: list[tuple[Listing, bytes]]) -> Shard:
    shards = [decode_shard(read_shard(store, part, digest)) for part, digest in found]
    records, removed = dict(shards[0].records), set(shards[0].removed)
    for shard in shards[1:]:
        for file_name, record in shard.records.items():
            if file_name not in records and file_name not in removed:
                records[file_name] = record
        removed.update(set(shard.removed) - records.keys())
    return Shard(records=dict(sorted(records.items())), removed=sorted(removed))


def _revision(part: Listing) -> str:
    """A member with its revision: `lab@r12`, or `both@(tools@r3,lab@r12)`."""
    within = f"({part.revision})" if part.parts else part.revision
    return f"{part.channel.name}@{within}"
