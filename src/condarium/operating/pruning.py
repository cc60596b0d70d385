"""Removing old backups: first their manifests, then what no other backup needs."""

from condarium.model.operating import BackupsPruned
from condarium.model.progress import Progress
from condarium.operating.backing_up import one_at_a_time
from condarium.storage.backing_up.backups import BackupPlace
from condarium.storage.store import Store
from condarium.values import BadArgument


def prune(
    store: Store, dest: str, *, keep_last: int, dry_run: bool, progress: Progress
) -> BackupsPruned:
    """Keep the newest backups, and what they consist of.

    Backups of the store wait meanwhile. Raises BackupDamaged where it is unknown what is needed.
    """
    if keep_last < 1:
        raise BadArgument(f"--keep-last: found {keep_last}; expected at least 1")
    with one_at_a_time(store):
        return _prune(BackupPlace.at(dest), keep_last, dry_run=dry_run, progress=progress)


def _prune(
    place: BackupPlace, keep_last: int, *, dry_run: bool, progress: Progress
) -> BackupsPruned:
    manifests = place.manifests()
    removed, kept = list(manifests)[:-keep_last], list(manifests)[-keep_last:]
    needed = {digest for name in kept for digest in place.list_of(name, manifests[name])}
    dumps = {digest for name in kept for digest in (manifests[name].dump, manifests[name].list)}
    progress.phase("backups", len(removed), "backups")
    for name in removed if not dry_run else ():
        place.remove(name)
        progress.advance()
    count = freed = 0
    for blobs, wanted in ((place.blobs, needed), (place.dumps, dumps)):
        if not dry_run:
            blobs.remove_unfinished()
        for blob in blobs:
            if blob.digest in wanted:
                continue
            count, freed = count + 1, freed + blob.size
            if not dry_run:
                blobs.remove(blob.digest)
    return BackupsPruned(
        removed=tuple(removed), kept=tuple(kept), blobs=count, bytes=freed, dry_run=dry_run
    )
