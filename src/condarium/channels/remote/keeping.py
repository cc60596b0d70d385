"""Having a proxy keep the packages of a lock, as if each had been asked for."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from condarium.channels.remote.pulling import UpstreamChanged, ensure_bytes, has_bytes
from condarium.channels.remote.refreshing import Refresher
from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.listing import Listing
from condarium.channels.views.packages import find_package
from condarium.engine.lockfiles.conda_files import LockedFile
from condarium.model.hosting.hosted import HostedChannel, HostedFile
from condarium.model.hosting.transfer import MirroredFile
from condarium.model.progress import Progress
from condarium.model.view import View
from condarium.storage.store import Store

_FETCHING = 8


def keep_files(
    store: Store, proxy: HostedChannel, wanted: Sequence[LockedFile], progress: Progress
) -> tuple[MirroredFile, ...]:
    """Have the bytes of a lock's files here, from now on whatever upstream does.

    Raises NoSuchPackageFile where upstream lacks one or the filter holds it back, UpstreamFailed
    and its kinds.
    """
    progress.phase("look for packages", len(wanted), "packages")
    Refresher(store).behind(proxy.name)
    listing = Catalogue(store).open(View(channel=proxy.name))
    found = [_find(store, listing, file, progress) for file in wanted]
    progress.phase("fetch packages", len(wanted), "packages")

    def fetch(file: HostedFile) -> MirroredFile:
        there = has_bytes(store, proxy, file)
        ensure_bytes(store, proxy, file)
        progress.advance()
        return MirroredFile(
            subdir=file.subdir,
            file_name=file.file_name,
            status="there already" if there else "kept",
            fetched=0 if there else file.size or 0,
        )

    with ThreadPoolExecutor(_FETCHING) as pool:
        return tuple(pool.map(fetch, found))


def _find(store: Store, listing: Listing, file: LockedFile, progress: Progress) -> HostedFile:
    with store.database.read() as facts:
        _, found = find_package(store, facts, listing, file.subdir, file.file_name)
    if not file.is_file(sha256=found.sha256, md5=found.md5):
        raise UpstreamChanged(
            f"{file.subdir}/{file.file_name} of {listing.view} is not that of the lock",
            found=f"SHA-256 {found.sha256}",
            expected=f"SHA-256 {file.sha256}" if file.sha256 else f"MD5 {file.md5}",
        )
    progress.advance()
    return found
