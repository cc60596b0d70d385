"""Shards that a view makes of others, for the names whose shards it cannot use as they are."""

from collections.abc import Sequence
from hashlib import sha256

from condarium.model.hosted import HostedChannel
from condarium.storage.store import Store


def keep_derived(store: Store, channel: HostedChannel, contents: Sequence[bytes]) -> None:
    """Keep shards; they are noted first, so that `gc` finds none that nothing names."""
    if not contents:
        return
    digests = [sha256(content).digest() for content in contents]
    with store.database.note() as facts:
        facts.shards.derive(channel, digests, store.now())
    for content in contents:
        store.blobs.put(content)
