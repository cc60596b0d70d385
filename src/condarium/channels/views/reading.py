"""The bytes of the shards that a view names."""

from collections.abc import Collection, Iterator

from condarium.channels.views.listing import Listing
from condarium.errors import NoSuchBlob
from condarium.model.hosting.hosted import ChannelKind, HostedChannel
from condarium.storage.store import Store


def read_shard(store: Store, listing: Listing, digest: bytes) -> bytes:
    """Give the content of a shard that a listing names, from upstream where it is a proxy's.

    Raises NoSuchBlob, BlobDamaged, UpstreamFailed.
    """
    absent = NoSuchBlob(digest.hex())
    if own_shards(store, listing, [digest]):
        try:
            return store.blobs.get(digest.hex())
        except NoSuchBlob as error:
            absent = error
    return _pull(store, listing, digest, absent)


def own_shards(store: Store, listing: Listing, digests: Collection[bytes]) -> Collection[bytes]:
    """Those that the channels of a listing made or fetched.

    An index elsewhere may name any digest: the others are read from upstream, or not at all.
    """
    if not any(_proxies(listing)):
        return digests
    with store.database.read() as facts:
        return {
            digest
            for channel in _channels(listing)
            for digest in facts.obtained.shards_among(channel, digests)
        }


def _pull(store: Store, listing: Listing, digest: bytes, absent: NoSuchBlob) -> bytes:
    from condarium.channels.remote.proxy import pull_shard

    for proxy in _proxies(listing):
        try:
            return pull_shard(store, proxy, digest)
        except NoSuchBlob:  # it is a shard of another member
            continue
    raise absent


def _proxies(listing: Listing) -> Iterator[HostedChannel]:
    return (each for each in _channels(listing) if each.kind is ChannelKind.PROXY)


def _channels(listing: Listing) -> Iterator[HostedChannel]:
    yield listing.channel
    for part in listing.parts:
        yield from _channels(part)
