"""Package files as a view's URLs name them."""

from condarium.channels.shard import decode_shard
from condarium.channels.views.listing import Listing
from condarium.channels.views.reading import read_shard
from condarium.errors import NotFound
from condarium.model.hosting.fact import FactKind
from condarium.model.hosting.hosted import ChannelKind, HostedChannel, HostedFile, UnionMode
from condarium.model.view import View
from condarium.storage.facts import Facts
from condarium.storage.store import Store


class NoSuchPackageFile(NotFound):
    """The channel has no such package file."""

    def __init__(self, view: View, subdir: str, file_name: str) -> None:
        self.view, self.subdir, self.file_name = view, subdir, file_name
        super().__init__(
            f"{view} has no {subdir}/{file_name}",
            hint=f"`condarium channel files {view}` shows what there is.",
        )


def find_package(
    store: Store, facts: Facts, listing: Listing, subdir: str, file_name: str
) -> tuple[HostedChannel, HostedFile]:
    """Find a file that was in the channel at the view's revision, and the channel that has it.

    Labels do not matter, nor does a yank: who knows the URL of a file may download it. In a union
    it is the file of the member whose record is shown. In a proxy it is what its view shows, or was
    once fetched; `pulling.ensure_bytes` fetches it. Raises NoSuchPackageFile, UpstreamFailed.
    """
    found = [
        (part, file)
        for part in _parts(listing, subdir, file_name)
        if (file := _find(store, facts, part, subdir, file_name)) is not None
    ]
    if not found:
        raise NoSuchPackageFile(listing.view, subdir, file_name)
    if len({file.sha256 for _, file in found}) > 1:
        named = (each for each in found if _names(store, *each))
        found = [next(named, found[0])]
    part, file = found[0]
    return part.channel, file


def _names(store: Store, part: Listing, file: HostedFile) -> bool:
    """Whether a view names a file at all, in the label that it is of."""
    digest = part.names(file.subdir).get(file.name)
    if digest is None:
        return False
    shard = decode_shard(read_shard(store, part, digest))
    return file.file_name in shard.records or file.file_name in shard.removed


def _find(
    store: Store, facts: Facts, part: Listing, subdir: str, file_name: str
) -> HostedFile | None:
    if part.channel.kind is ChannelKind.PROXY:
        from condarium.channels.remote.proxy import find_proxied

        return find_proxied(store, facts, part, subdir, file_name)
    file = facts.holdings.file(part.channel, subdir, file_name)
    return file if file is not None and _is_there(facts, part, file) else None


def _parts(listing: Listing, subdir: str, file_name: str) -> tuple[Listing, ...]:
    """The channels to look into, in order: of a union by the first, only who owns the name."""
    if not listing.parts:
        return (listing,)
    if listing.channel.mode is UnionMode.MERGE:
        return tuple(leaf for part in listing.parts for leaf in _parts(part, subdir, file_name))
    name = file_name.rsplit("-", 2)[0]
    owners = (part for part in listing.parts if any(name in names for names in part.maps.values()))
    owner = next(owners, None)
    return _parts(owner, subdir, file_name) if owner else ()


def _is_there(facts: Facts, part: Listing, file: HostedFile) -> bool:
    about = facts.holdings.about(part.channel, [(file.subdir, file.name)], at=part.number or 0)
    return any(fact.kind is FactKind.FILE and fact.file_name == file.file_name for fact in about)
