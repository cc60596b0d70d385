"""Restoring a store from a backup: blobs first, then all facts in one transaction."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from condarium.errors import BlobDamaged, NoSuchBlob
from condarium.model.actor import Actor
from condarium.model.operating import StoreRestored
from condarium.model.progress import Progress
from condarium.operating.backing_up import in_threads, scratch, sizes_in
from condarium.storage.answers import HEAD
from condarium.storage.backing_up.backups import (
    BackupDamaged,
    BackupPlace,
    Manifest,
    NoSuchBackup,
    line_of,
)
from condarium.storage.backing_up.refilling import check_empty, refill
from condarium.storage.store import Store


def bring_back(
    store: Store, source: str, name: str | None, *, actor: Actor, progress: Progress
) -> StoreRestored:
    """Make an empty store be what it was when the backup was made.

    Until the facts are committed it is an empty store, into which anything can be restored.
    """
    began = time.monotonic()
    place = BackupPlace.at(source)
    name, manifest = _choose(place, name)
    with store.shared(), scratch(store) as folder:
        check_empty(store.database_url)
        dump = _fetch_dump(place, name, manifest, folder / "dump")
        copied = _copy(place, name, manifest, store, progress)
        progress.phase("facts")
        maker = int(manifest.job.split()[0]) if manifest.job else None
        refilled = refill(store.database_url, dump, at=store.now(), maker=maker)
    with store.database.change(actor, "restore", place.address[:255], {"backup": name}) as facts:
        active = [each for each in facts.environments.all() if each.active is not None]
    return StoreRestored(
        backup=line_of(name, manifest),
        store=store.layout.root,
        revision=HEAD,
        rows=refilled.rows,
        blobs=manifest.blobs,
        bytes=copied,
        jobs=refilled.jobs,
        prefixes=0,
        waiting=tuple(str(each.name) for each in active),
        took=timedelta(seconds=time.monotonic() - began),
    )


def _choose(place: BackupPlace, name: str | None) -> tuple[str, Manifest]:
    if name:
        return name, place.manifest(name)
    found = place.manifests()
    if not found:
        raise NoSuchBackup(place.address, None)
    return list(found.items())[-1]


def _fetch_dump(place: BackupPlace, name: str, manifest: Manifest, file: Path) -> Path:
    """The dump as a file, which has its hash. Raises BackupDamaged."""
    import hashlib

    hashed = hashlib.sha256()
    with _damage(name, "the dump of its database"), file.open("wb") as written:
        for piece in place.dumps.pieces(manifest.dump):
            hashed.update(piece)
            written.write(piece)
        if hashed.hexdigest() != manifest.dump:
            raise BlobDamaged(manifest.dump)
    return file


def _copy(
    place: BackupPlace, name: str, manifest: Manifest, store: Store, progress: Progress
) -> int:
    """Copy the blobs that the store has not yet; give how many bytes the backup has in all."""
    wanted = place.list_of(name, manifest)
    new = _absent(wanted, sizes_in(store.blobs))
    progress.phase("blobs", sum(new.values()))

    def copy(digest: str) -> None:
        with _damage(name, f"the blob {digest}"):
            store.blobs.take(digest, of=place.blobs)
        progress.advance(new[digest])

    in_threads(copy, sorted(new))
    return sum(wanted.values())


def _absent(wanted: Mapping[str, int], there: Mapping[str, int]) -> dict[str, int]:
    return {digest: size for digest, size in wanted.items() if there.get(digest) != size}


@contextmanager
def _damage(name: str, what: str) -> Iterator[None]:
    try:
        yield
    except NoSuchBlob as error:
        raise BackupDamaged(name, f"{what} is missing") from error
    except BlobDamaged as error:
        raise BackupDamaged(name, f"{what} does not have its hash") from error
