"""Having packages in the store, and keeping them there while somebody links from them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from condarium.engine.condarc import read_condarc
from condarium.engine.fetcher import Fetching, Replacement, fetch, missing, put_in_place
from condarium.engine.network import make_client
from condarium.engine.package_cache import cached_packages
from condarium.engine.solver import Records
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
    progress: Progress,
    phases: Phases,
) -> Iterator[None]:
    """Hold every one of the packages in the store, with the bytes that were locked.

    A store has one package of a name, version and build. Where another with other bytes is there,
    it is replaced while nobody links: whoever links shares the lock that a replacement needs.
    """
    linking = store.layout.locks / "linking"
    while True:
        with phases.timed("fetch"):
            _replace(store, _fetch(store, records, channels, progress))
        with locked(linking, shared=True):
            if not missing(records, store.layout.packages):
                yield
                return


def _fetch(
    store: Store, records: Records, channels: Sequence[ChannelUrl], progress: Progress
) -> list[Replacement]:
    wanted = missing(records, store.layout.packages)
    if not wanted:
        return []
    condarc = read_condarc(store.settings.environ, store.settings.home)
    progress.phase("fetch", sum(record.size or 0 for record in wanted), "bytes")
    fetched = fetch(
        wanted,
        Fetching(
            packages=store.layout.packages,
            client=make_client(condarc, channels, timeout=_A_DAY),
            lock=lambda stem: FileLock(store.layout.locks / "package" / stem),
            progress=progress,
            silence=condarc.remote_read_timeout_secs,
        ),
    )
    return fetched.waiting


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
