"""Shards that a view makes of others, for the names whose shards it cannot use as they are."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from hashlib import sha256
from threading import Lock
from typing import TypeVar

from condarium.channels.shard import Shard, encode_shard
from condarium.model.hosting.hosted import HostedChannel
from condarium.storage.store import Store

_Key = TypeVar("_Key", bound=Hashable)
_REMEMBERED = 200_000
"""Of how many shards it is remembered what was made of them; a few hundred bytes each."""


class Derived:
    """Remembers what was made of which shards, so that a publish makes anew what it changed.

    It is forgotten each day: what is still shown is made, and so noted, anew, and `gc` sees that it
    is in use.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._lock = store, Lock()
        self._day = ""
        self._known: OrderedDict[Hashable, bytes | None] = OrderedDict()

    def of(
        self, channel: HostedChannel, makers: Mapping[_Key, Callable[[], Shard | bytes]]
    ) -> dict[_Key, bytes | None]:
        """The digest of what each maker makes, None for an empty shard; new ones are kept.

        A key is all that decides what is made. A maker gives the digest of a shard that is there
        where it will do as it is.
        """
        known = self._remembered(channel, makers)
        new: dict[_Key, bytes | None] = {}
        contents = []
        for key in makers.keys() - known.keys():
            made = makers[key]()
            if isinstance(made, bytes):
                new[key] = made
                continue
            new[key] = None
            if made:
                contents.append(encode_shard(made))
                new[key] = sha256(contents[-1]).digest()
        keep_derived(self._store, channel, contents)
        self._remember(channel, new)
        return known | new

    def _remembered(
        self, channel: HostedChannel, makers: Mapping[_Key, Callable[[], Shard | bytes]]
    ) -> dict[_Key, bytes | None]:
        day = f"{self._store.now():%F}"
        with self._lock:
            if day != self._day:
                self._known.clear()
                self._day = day
            found = [key for key in makers if (channel.id, key) in self._known]
            for key in found:
                self._known.move_to_end((channel.id, key))
            return {key: self._known[channel.id, key] for key in found}

    def _remember(self, channel: HostedChannel, new: Mapping[_Key, bytes | None]) -> None:
        with self._lock:
            for key, digest in new.items():
                self._known[channel.id, key] = digest
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def keep_derived(store: Store, channel: HostedChannel, contents: Sequence[bytes]) -> None:
    """Keep shards, and note them; `gc` must not find bytes that are there already before that."""
    if not contents:
        return
    digests = [sha256(content).digest() for content in contents]
    with store.shared():
        with store.database.note() as facts:
            facts.shards.derive(channel, digests, store.now())
        for content in contents:
            store.blobs.put(content)
