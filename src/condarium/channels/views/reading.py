"""The bytes of the shards that a view names."""

from collections.abc import Iterator

from condarium.channels.views.listing import Listing
from condarium.errors import NoSuchBlob
from condarium.model.hosted import ChannelKind, HostedChannel
from condarium.storage.store import Store


def read_shard(store: Store, listing: Listing, digest: bytes) -> bytes:
    """Give the content of a shard that a listing names, from upstream where it is a proxy's.

    Raises NoSuchBlob, BlobDamaged, UpstreamFailed.
    """
    try:
        return store.blobs.get(digest.hex())
    except NoSuchBlob as absent:
        return _pull(store, listing, digest, absent)


def _pull(store: Store, listing: Listing, digest: bytes, absent: NoSuchBlob) -> bytes:
    from condarium.channels.remote.proxy import pull_shard

    for proxy in _proxies(listing):
        try:
            return pull_shard(store, proxy, digest)
        except NoSuchBlob:  # it is a shard of another member
            continue
    raise absent


def _proxies(listing: Listing) -> Iterator[HostedChannel]:
    if listing.channel.kind is ChannelKind.PROXY:
        yield listing.channel
    for part in listing.parts:
        yield from _proxies(part)
