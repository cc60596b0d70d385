"""All shards of a view, one after the other."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256

from condarium.channels.shard import Shard, decode_shard
from condarium.channels.views.listing import Listing
from condarium.channels.views.reading import own_shards, read_shard
from condarium.storage.store import Store

_AT_ONCE = 256
"""How many shards are read ahead."""
_READING = 16
"""How many are read at the same time where each takes long."""


def shards_of(store: Store, listing: Listing, subdir: str) -> Iterator[tuple[str, Shard]]:
    """Every package name of a subdir with its shard, by name, in bounded memory.

    Raises NoSuchBlob, BlobDamaged.
    """
    names = listing.names(subdir)
    for name, content in _contents(store, listing, sorted(names), names):
        yield name, decode_shard(content)


def _contents(
    store: Store, listing: Listing, names: Sequence[str], digests: Mapping[str, bytes]
) -> Iterator[tuple[str, bytes]]:
    def read(name: str) -> tuple[str, bytes]:
        return name, read_shard(store, listing, digests[name])

    with ThreadPoolExecutor(_READING) as pool:
        for start in range(0, len(names), _AT_ONCE):
            part = names[start : start + _AT_ONCE]
            own = own_shards(store, listing, [digests[name] for name in part])
            near = {
                name: _from_file(store, digests[name]) if digests[name] in own else None
                for name in part
            }
            far = dict(pool.map(read, [name for name in part if near[name] is None]))
            for name in part:
                yield name, near[name] or far[name]


def _from_file(store: Store, digest: bytes) -> bytes | None:
    """The bytes of a blob that is a file here, which costs a third of asking the object store."""
    file = store.blobs.file(digest.hex())
    if file is not None:
        with suppress(OSError):
            content = file.read_bytes()
            if sha256(content).digest() == digest:
                return content
    return None
