"""Having packages in the store, and keeping them there while somebody links from them."""

from collections.abc import Iterator
from contextlib import contextmanager

from condarium.engine.condarc import read_condarc
from condarium.engine.fetcher import Fetching, Replacement, fetch, missing, put_in_place
from condarium.engine.network import make_client
from condarium.engine.solver import Records
from condarium.environments.prefixes import Phases
from condarium.model.progress import Progress
from condarium.storage.locks import FileLock, locked
from condarium.storage.store import Store


@contextmanager
def packages_ready(
    store: Store, records: Records, *, progress: Progress, phases: Phases
) -> Iterator[None]:
    """Hold every one of the packages in the store, with the bytes that were locked.

    A store has one package of a name, version and build. Where another with other bytes is there,
    it is replaced while nobody links: whoever links shares the lock that a replacement needs.
    """
    linking = store.layout.locks / "linking"
    while True:
        with phases.timed("fetch"):
            _replace(store, _fetch(store, records, progress))
        with locked(linking, shared=True):
            if not missing(records, store.layout.packages):
                yield
                return


def _fetch(store: Store, records: Records, progress: Progress) -> list[Replacement]:
    wanted = missing(records, store.layout.packages)
    if not wanted:
        return []
    condarc = read_condarc(store.settings.environ, store.settings.home)
    progress.phase("fetch", sum(record.size or 0 for record in wanted), "bytes")
    fetched = fetch(
        wanted,
        Fetching(
            packages=store.layout.packages,
            client=make_client(condarc),
            lock=lambda stem: FileLock(store.layout.locks / "package" / stem),
            progress=progress,
            silence=condarc.remote_read_timeout_secs,
        ),
    )
    return fetched.waiting


def _replace(store: Store, replacements: list[Replacement]) -> None:
    if replacements:
        with locked(store.layout.locks / "linking"):
            for each in replacements:
                put_in_place(store.layout.packages, each)
