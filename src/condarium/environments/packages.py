"""Having packages in the store, and keeping them there while somebody links from them."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from condarium.engine.network.addresses import check_reach
from condarium.engine.network.clients import make_client
from condarium.engine.network.condarc import read_condarc
from condarium.engine.packages.cache import cached_packages
from condarium.engine.packages.fetcher import (
    TEMPORARY,
    Fetching,
    Replacement,
    fetch,
    missing,
    put_in_place,
    stem_of,
)
from condarium.engine.solving.solver import Records
from condarium.environments.prefixes import Phases, take_away
from condarium.model.channel_url import ChannelUrl
from condarium.model.progress import Progress
from condarium.storage.locks import FileLock, locked
from condarium.storage.store import Store

_A_DAY = 86_400
"""How long a package may take, in seconds: only silence ends a download that goes on."""


@contextmanager
def packages_ready(
    store: Store,
    records: Records,
    *,
    channels: Sequence[ChannelUrl] = (),
    own: bool = False,
    progress: Progress,
    phases: Phases,
) -> Iterator[None]:
    """Hold every one of the packages in the store, with the bytes that were locked.

    With `own`, what the store's channels hold is taken from there, without asking any server: only
    for who may read all of them, since nobody is asked for more than a package's hash.

    A store has one package of a name, version and build. Where another with other bytes is there,
    it is replaced while nobody links: whoever links shares the lock that a replacement needs.
    """
    linking = store.layout.locks / "linking"
    while True:
        with phases.timed("fetch"):
            _replace(store, _fetch(store, records, channels, progress, own=own))
        with locked(linking, shared=True):
            if not missing(records, store.layout.packages):
                yield
                return


def _fetch(
    store: Store,
    records: Records,
    channels: Sequence[ChannelUrl],
    progress: Progress,
    *,
    own: bool,
) -> list[Replacement]:
    wanted = missing(records, store.layout.packages)
    if not wanted:
        return []
    fetching = _fetching(store, wanted, channels, store.layout.packages, progress, own=own)
    return fetch(wanted, fetching).waiting


def _fetching(
    store: Store,
    wanted: Records,
    channels: Sequence[ChannelUrl],
    packages: Path,
    progress: Progress,
    *,
    own: bool = False,
) -> Fetching:
    condarc = read_condarc(store.settings.environ, store.settings.home)
    kept = _kept(store, wanted) if own else frozenset()
    outside = (record.url for record in wanted if record.sha256 not in kept)
    check_reach(outside, store.settings.environ)
    progress.phase("fetch", sum(record.size or 0 for record in wanted), "bytes")
    return Fetching(
        packages=packages,
        client=make_client(condarc, channels, environ=store.settings.environ, timeout=_A_DAY),
        lock=lambda stem: FileLock(store.layout.locks / "package" / stem),
        progress=progress,
        silence=condarc.remote_read_timeout_secs,
        kept=kept,
        copy=lambda sha256, archive: _copy(store, sha256, archive),
    )


def _kept(store: Store, wanted: Records) -> frozenset[bytes]:
    """The hashes of packages that are blobs of the store."""
    hashes = {record.sha256 for record in wanted if record.sha256}
    return frozenset(each for each in hashes if store.blobs.has(each.hex()))


def _copy(store: Store, sha256: bytes, archive: Path) -> None:
    with archive.open("wb") as file:
        file.writelines(store.blobs.pieces(sha256.hex()))


def refetch(
    store: Store, records: Records, *, channels: Sequence[ChannelUrl], progress: Progress
) -> None:
    """Replace packages of the store that are damaged: all are fetched before the first goes."""
    if not records:
        return
    packages = store.layout.packages
    scratch = packages / f"{TEMPORARY}{uuid4().hex}"
    scratch.mkdir()
    try:
        fetch(records, _fetching(store, records, channels, scratch, progress))
        for fresh in cached_packages(scratch, map(stem_of, records)):
            assert fresh.sha256 is not None
            ready = packages / f"{TEMPORARY}{uuid4().hex}" / "content"
            ready.parent.mkdir()
            fresh.folder.rename(ready)
            replacement = Replacement(
                stem=fresh.stem, sha256=bytes.fromhex(fresh.sha256), folder=ready
            )
            _replace(store, [replacement])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _replace(store: Store, replacements: list[Replacement]) -> None:
    for each in replacements:
        with alone_with(store, each.stem):
            put_in_place(store.layout.packages, each)


def drop(store: Store, stems: Iterable[str]) -> None:
    """Take packages out of the store, so that they are fetched anew."""
    for package in cached_packages(store.layout.packages, stems):
        with alone_with(store, package.stem):
            take_away(package.folder)
            package.lock.unlink(missing_ok=True)


@contextmanager
def alone_with(store: Store, stem: str) -> Iterator[None]:
    """While nobody fetches this package, and nobody links any. In this order: a package's lock may
    be held for as long as a download takes, and nobody should wait for that to link.
    """
    locks = store.layout.locks
    with locked(locks / "package" / stem), locked(locks / "linking"):
        yield
