"""The bytes of the shards that a view names."""

from condarium.channels.views.listing import Listing
from condarium.storage.store import Store


def read_shard(store: Store, listing: Listing, digest: bytes) -> bytes:
    """Give the content of a shard that a listing names. Raises NoSuchBlob, BlobDamaged."""
    return store.blobs.get(digest.hex())
