"""Bringing the shards of some package names up to a revision, and no others."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from hashlib import sha256
from itertools import islice

from condarium.channels.revising.folding import fold
from condarium.channels.shard import Shard, encode_shard
from condarium.model.document import Document
from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.hosted import ChannelKind, HostedChannel, HostedFile
from condarium.model.patches import Patch, PatchSet, read_patch
from condarium.storage.blobs import Blobs
from condarium.storage.facts import Facts
from condarium.storage.hosting.shards import ShardKey
from condarium.storage.store import Store

_AT_ONCE = 500
"""How many names are in memory at once."""
_PUTTING = 8
"""How many blobs are put at the same time."""

_Key = tuple[str, str, str | None]
"""A patch's document by its digest, its name, and the subdir that instructions are for."""


def reindex(
    store: Store,
    facts: Facts,
    channel: HostedChannel,
    names: Iterable[tuple[str, str]],
    *,
    number: int,
) -> None:
    """Write the shards of names whose facts hold as of a revision, where they change."""
    if channel.kind is ChannelKind.PROXY:
        _reindex_proxy(store, facts, channel, names, number=number)
        return
    patching = Patching(store.blobs, facts, channel, at=number)
    putting: Iterator[str] = iter(())
    with ThreadPoolExecutor(_PUTTING) as pool:  # while the next part is made
        for subdir, part in _parts(names):
            shards = shards_of(facts, channel, subdir, part, patching=patching, at=number)
            present = facts.shards.of_names(channel, subdir, part)
            contents = {key: encode_shard(shard) for key, shard in shards.items()}
            digests = {key: sha256(content).digest() for key, content in contents.items()}
            changed = _changed(present, digests)
            deque(putting, maxlen=0)
            new = [contents[key] for key, digest in changed.items() if digest]
            putting = pool.map(store.blobs.put, new)
            facts.shards.change(channel, changed, number=number)
        deque(putting, maxlen=0)


def _reindex_proxy(
    store: Store,
    facts: Facts,
    channel: HostedChannel,
    names: Iterable[tuple[str, str]],
    *,
    number: int,
) -> None:
    from condarium.channels.remote.relaying import relay  # it takes a solver to match MatchSpecs

    for subdir, part in _parts(names):
        digests = relay(store.blobs, facts, channel, subdir, part, at=number)
        facts.shards.change(
            channel, _changed(facts.shards.of_names(channel, subdir, part), digests), number=number
        )


def _changed(
    present: Mapping[ShardKey, bytes], digests: Mapping[ShardKey, bytes]
) -> dict[ShardKey, bytes | None]:
    return {
        key: digests.get(key)
        for key in present.keys() | digests.keys()
        if present.get(key) != digests.get(key)
    }


def shards_of(
    facts: Facts,
    channel: HostedChannel,
    subdir: str,
    names: Iterable[str],
    *,
    patching: "Patching",
    at: int,
) -> dict[ShardKey, Shard]:
    """Fold the facts about names of a subdir, as they hold at a revision."""
    keys = [(subdir, name) for name in names]
    holding: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts.holdings.about(channel, keys, at=at):
        holding[fact.name].append(fact)
    files: dict[str, dict[str, HostedFile]] = defaultdict(dict)
    for file in facts.holdings.files_of(channel, keys):
        files[file.name][file.file_name] = file
    return {
        ShardKey(label, subdir, name): shard
        for name, about in holding.items()
        for label, shard in fold(subdir, about, files[name], patching.of(subdir, name)).items()
    }


class Patching:
    """The patches that hold at a revision, compiled where they are needed."""

    def __init__(self, blobs: Blobs, facts: Facts, channel: HostedChannel, *, at: int) -> None:
        # They are about no name in no subdir: so they are found by the index, not by a scan.
        holding = facts.holdings.about(channel, [("", "")], at=at)
        positions = sorted(fact.position for fact in holding if fact.kind is FactKind.PATCH)
        known = facts.holdings.patches(channel, positions)
        self._patches = [known[position] for position in positions]
        self._blobs = blobs

    def of(self, subdir: str, name: str) -> PatchSet:
        """Those that may touch a package name."""
        return _patch_set(
            self._blobs,
            tuple(
                (patch.document, patch.name, patch.subdir)
                for patch in self._patches
                if (touched := patch.touches(subdir)) is None or name in touched
            ),
        )


@lru_cache(maxsize=256)
def _patch_set(blobs: Blobs, keys: tuple[_Key, ...]) -> PatchSet:
    return PatchSet([_compiled(blobs, *key) for key in keys])


@lru_cache(maxsize=1024)
def _compiled(blobs: Blobs, digest: str, name: str, subdir: str | None) -> Patch:
    return read_patch(Document(name, blobs.get(digest)), subdir=subdir)


def _parts(names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    by_subdir: dict[str, list[str]] = defaultdict(list)
    for subdir, name in sorted(set(names)):
        by_subdir[subdir].append(name)
    for subdir, several in by_subdir.items():
        rest = iter(several)
        while part := list(islice(rest, _AT_ONCE)):
            yield subdir, part
