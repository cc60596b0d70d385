"""What is downloaded from a channel, as responses; every function here may wait for the store."""

from datetime import timedelta
from hashlib import sha256
from threading import Lock

from condarium.channels.encodings.encodings import Encodings
from condarium.channels.encodings.making import content_of
from condarium.channels.remote.pulling import has_bytes, is_kept
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.listing import Listing
from condarium.channels.views.packages import find_package
from condarium.channels.views.reading import read_shard
from condarium.channels.views.shard_index import FILE_NAME, encode_shard_index
from condarium.model.hosting.hosted import ChannelKind, HostedChannel, HostedFile, UnionMode
from condarium.server.content.addresses import FileAddress, NoSuchAddress, ShardAddress
from condarium.server.content.cache import Cache
from condarium.server.content.spool import Spool
from condarium.server.responses import IMMUTABLE, Body, ElsewhereBody, FileBody, Response
from condarium.settings import ServerSettings
from condarium.storage.store import Store

_ZSTD = "application/zstd"
_PACKAGES = {".conda": "application/octet-stream", ".tar.bz2": "application/x-bzip2"}
_LASTING = timedelta(hours=1)
"""For how long a signed URL is good: the slowest download of the largest package."""
_INDEXES = 64 << 20
"""How many bytes of indexes of shards are kept."""

Index = tuple[Body, str]
"""The body of an index, and its ETag."""


class BytesAbsent(Exception):
    """The store does not have a package's bytes yet, and they can be fetched."""

    def __init__(self, channel: HostedChannel, file: HostedFile) -> None:
        self.channel, self.file = channel, file
        super().__init__(file.file_name)


class Downloads:
    """Makes the responses of views that whoever asks may see."""

    def __init__(
        self, store: Store, catalogue: Catalogue, encodings: Encodings, settings: ServerSettings
    ) -> None:
        self._store, self._encodings = store, encodings
        self._catalogue, self._settings = catalogue, settings
        self._indexes: Cache[Index] = Cache(_INDEXES)
        self._encoding = Lock()
        self._spool = Spool()

    def close(self) -> None:
        self._spool.close()

    def get(self, listing: Listing, address: FileAddress | ShardAddress) -> Response:
        """What is at an address of an open view.

        Raises NotFound, BytesAbsent for a package, and NotMade for a file that takes long to make.
        """
        if isinstance(address, ShardAddress):
            return self._shard(listing, address.digest)
        return self._file(listing, address)

    def _file(self, listing: Listing, address: FileAddress) -> Response:
        suffix = next((end for end in _PACKAGES if address.file_name.endswith(end)), None)
        if suffix and address.subdir:
            return self._package(listing, address, _PACKAGES[suffix])
        if address.subdir and address.subdir not in listing.subdirs:
            raise NoSuchAddress(f"{listing.view} has no {address.subdir}")
        if address.file_name == FILE_NAME:
            return self._shard_index(listing, address.subdir)
        return self._encoded(listing, address)

    def _shard(self, listing: Listing, digest: bytes) -> Response:
        """A shard that some view of the channel names, or has named lately."""
        with self._store.database.read() as facts:
            if not any(facts.shards.is_of(each, digest) for each in channels_of(listing)):
                raise NoSuchAddress(f"channel {listing.channel.name} has no such shard")
        return Response.of(
            read_shard(self._store, listing, digest),
            media_type=_ZSTD,
            etag=digest.hex(),
            cache_control=self._cache_control(listing, settled=True),
        ).plus(_revision(listing.revision))

    def _shard_index(self, listing: Listing, subdir: str) -> Response:
        body, etag = self._index(listing, subdir)
        # of shards that are made for a view, it must be asked for anew: they are not kept for ever
        settled = listing.past and not makes_shards(listing)
        return Response.of(
            body,
            media_type=_ZSTD,
            etag=etag,
            cache_control=self._cache_control(listing, settled=settled),
        ).plus(_revision(listing.revision))

    def _index(self, listing: Listing, subdir: str) -> Index:
        """The index, made once for all views at one depth of the path that show the same."""
        key = (content_of(listing, subdir), str(listing.view).count("/"))
        with self._encoding:
            if known := self._indexes.get(key):
                return known
            content = encode_shard_index(listing.view, subdir, listing.names(subdir))
            index = self._spool.body(content), sha256(content).hexdigest()[:32]
            return self._indexes.keep(key, index, size=len(content))

    def _encoded(self, listing: Listing, address: FileAddress) -> Response:
        """A file that is written behind the head, and says which revision it is of."""
        encoded = self._encodings.get(listing.view, address.subdir, address.file_name, making=False)
        settled = listing.past and encoded.revision == listing.revision
        return Response.of(
            blob_body(self._store, encoded.digest, encoded.size),
            media_type=encoded.media_type,
            etag=encoded.digest[:32],
            cache_control=self._cache_control(listing, settled=settled),
        ).plus(_revision(encoded.revision))

    def _package(self, listing: Listing, address: FileAddress, media_type: str) -> Response:
        with self._store.database.read() as facts:
            channel, file = find_package(
                self._store, facts, listing, address.subdir, address.file_name
            )
        if file.source and not self._is_here(channel, file):
            raise BytesAbsent(channel, file)
        # In a union, another member may come to have the name; elsewhere a name never changes.
        settled = listing.past or not listing.parts
        return Response.of(
            blob_body(self._store, file.sha256, file.size, elsewhere=True),
            media_type=media_type,
            etag=file.sha256,
            cache_control=self._cache_control(listing, settled=settled),
        ).plus(_revision(listing.revision))

    def _is_here(self, channel: HostedChannel, file: HostedFile) -> bool:
        """Whether the store has the bytes; in a proxy, also whether it will keep them."""
        return has_bytes(self._store, channel, file) and (
            channel.kind is not ChannelKind.PROXY or is_kept(self._store, channel, file)
        )

    def _cache_control(self, listing: Listing, *, settled: bool) -> str:
        """`settled` is what never has other bytes at its address."""
        whose = "public" if listing.channel.public else "private"
        if settled:
            return f"{whose}, {IMMUTABLE}"
        age = self._settings.max_age
        return f"{whose}, max-age={age}" if age else f"{whose}, no-cache"


def blob_body(store: Store, digest: str, size: int | None, *, elsewhere: bool = False) -> Body:
    """A blob: the file that it is, its place in a bucket if `elsewhere` will do, or its bytes."""
    path = store.blobs.file(digest)
    if path is not None and (found := store.blobs.size(digest)) is not None:
        return FileBody(path=path, size=found)
    url = store.blobs.signed_url(digest, lasting=_LASTING) if elsewhere else None
    if url is None:
        return store.blobs.get(digest)
    return ElsewhereBody(url=url, size=size or store.blobs.size(digest) or 0)


def makes_shards(listing: Listing) -> bool:
    """Whether a view has shards of its own, which `gc` takes once it was not opened for a while."""
    filtered = listing.view.cooldown or listing.channel.filter.cooldown
    merged = listing.parts and listing.channel.mode is UnionMode.MERGE
    return bool(filtered or merged) or any(map(makes_shards, listing.parts))


def channels_of(listing: Listing) -> list[HostedChannel]:
    """The channel, and a union's members and theirs."""
    return [listing.channel, *(each for part in listing.parts for each in channels_of(part))]


def _revision(revision: str) -> tuple[bytes, bytes]:
    return b"x-condarium-revision", revision.encode()
