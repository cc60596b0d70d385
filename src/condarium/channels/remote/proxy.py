"""What is asked of a proxy: upstream's shards and packages, found and fetched when first wanted."""

from condarium.channels.remote.reading import get_shard
from condarium.channels.remote.taking import Unfit, proxied
from condarium.channels.remote.upstream import UpstreamFailed, remote_files, upstream_failures
from condarium.channels.shard import decode_shard
from condarium.channels.views.listing import Listing
from condarium.channels.views.reading import read_shard
from condarium.engine.network.errors import BadRepodata
from condarium.errors import NoSuchBlob
from condarium.model.hosting.hosted import HostedChannel, HostedFile
from condarium.storage.facts import Facts
from condarium.storage.store import Store


def pull_shard(store: Store, channel: HostedChannel, digest: bytes) -> bytes:
    """Fetch a shard that a proxy names and does not have yet; verify and keep it.

    Raises UpstreamFailed, NoSuchBlob where it is none of upstream's.
    """
    with store.database.read() as facts:
        state = facts.upstreams.state(channel)
        subdirs = facts.shards.subdirs_of(channel, digest)
    indexes = [state.indexes[subdir] for subdir in subdirs if state and subdir in state.indexes]
    places = {index.shards_url for index in indexes if index.shards_url}
    if not places:
        raise NoSuchBlob(digest.hex())
    content = _fetch_shard(store, sorted(places), digest)
    store.blobs.put(content)
    with store.database.note() as facts:
        facts.obtained.add(channel, [digest])
    return content


def find_proxied(
    store: Store, facts: Facts, listing: Listing, subdir: str, file_name: str
) -> HostedFile | None:
    """Find a file in a proxy's view: as its shard says, or as it was when it was fetched.

    What was fetched once can be downloaded from the present even if the view no longer shows it.
    """
    channel = listing.channel
    fetched = facts.holdings.file(channel, subdir, file_name)
    shown = _shown(store, facts, listing, subdir, file_name)
    if shown is None:
        return fetched if listing.view.as_of is None else None
    if fetched is not None and shown.sha256 in ("", fetched.sha256):
        return fetched
    return shown


def _shown(
    store: Store, facts: Facts, listing: Listing, subdir: str, file_name: str
) -> HostedFile | None:
    digest = listing.names(subdir).get(file_name.rsplit("-", 2)[0])
    record = None
    if digest is not None:
        record = decode_shard(read_shard(store, listing, digest)).records.get(file_name)
    state = facts.upstreams.state(listing.channel)
    if record is None or state is None or not (record.get("sha256") or record.get("md5")):
        return None
    index = state.indexes.get(subdir)
    base_url = index.base_url if index else f"{listing.channel.upstream}/{subdir}/"
    now = int(store.now().timestamp() * 1000)
    try:
        return proxied(subdir, file_name, record, base_url=base_url, now=now)
    except Unfit:
        return None


def _fetch_shard(store: Store, places: list[str], digest: bytes) -> bytes:
    what = "cannot fetch a shard"
    with upstream_failures(what):
        for place in places[:-1]:
            try:
                return _get(store, place, digest)
            except UpstreamFailed:
                continue
        return _get(store, places[-1], digest)


def _get(store: Store, place: str, digest: bytes) -> bytes:
    url = f"{place}{digest.hex()}.msgpack.zst"
    try:
        return get_shard(remote_files(store), url, digest)
    except BadRepodata as error:
        raise UpstreamFailed("cannot fetch a shard", error.message) from error
