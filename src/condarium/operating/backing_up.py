"""Backing a store up while it is in use: first what facts name, last the manifest."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from condarium import __version__
from condarium.errors import BlobDamaged, NoSuchBlob
from condarium.model.actor import Actor, JobClaim
from condarium.model.audit import AuditFilter
from condarium.model.operating import BackedUp, BackupLine
from condarium.model.progress import Progress
from condarium.storage.answers import HEAD
from condarium.storage.backing_up.backups import BackupPlace, Manifest, line_of
from condarium.storage.blobs import Blobs
from condarium.storage.locks import locked
from condarium.storage.modes import make_folder
from condarium.storage.store import Store

_PARALLEL = 8
_AT_ONCE = 256
_OFTEN = 0.2
"""How often, in seconds, a backup that waits for another machine's looks whether it has ended."""
_RECENT = 1000
"""How many entries of the audit log are looked through for a backup that was told of."""


def back_up(store: Store, dest: str, *, actor: Actor, progress: Progress) -> BackedUp:
    """Copy what is new since the last backup in this place, and write what makes it one.

    `gc` waits meanwhile, so that every blob that the facts name stays until it is copied. Killed
    at any moment, it leaves the backups before as they were, and the next one goes on. For a
    job that has made its backup already, this gives that.
    """
    began = time.monotonic()
    place = BackupPlace.at(dest, make=True)
    job = _job_of(store, actor.job) if actor.job else None
    if actor.job and actor.job.attempt > 1 and job and (name := place.made_by(job)):
        return _made_before(store, place, name, actor=actor)

    def waiting() -> None:
        progress.say("gc is at work on this store; the backup waits for it")

    with one_at_a_time(store), store.shared(waiting=waiting), scratch(store) as folder:
        dump = folder / "dump"
        progress.phase("facts")
        with store.database.read() as facts:
            at = store.now()
            rows = facts.dump.write(dump)
            needed, named = facts.naming.needed(), facts.naming.kept()
        there = sizes_in(store.blobs)
        wanted = {digest: there[digest] for digest in named if digest in there}
        copied, lost = _copy_new(store.blobs, place.blobs, wanted, progress)
        wanted = {digest: size for digest, size in wanted.items() if digest not in lost}
        _copy_new(store.blobs, place.blobs, wanted, progress)  # what was pruned meanwhile
        manifest = Manifest(
            at=at,
            condarium=__version__,
            revision=HEAD,
            dump=place.put_dump(dump),
            rows=rows,
            list=place.put_list(wanted),
            blobs=len(wanted),
            bytes=sum(wanted.values()),
            job=job,
        )
        name = place.add(manifest)
    _audit(store, place, line_of(name, manifest), actor)
    return BackedUp(
        backup=line_of(name, manifest),
        place=place.address,
        copied=len(copied),
        copied_bytes=sum(copied.values()),
        missing=tuple(sorted(needed - wanted.keys())),
        took=timedelta(seconds=time.monotonic() - began),
    )


def _job_of(store: Store, claim: JobClaim) -> str:
    """What a backup names the job by that makes it."""
    with store.database.read() as facts:
        return f"{claim.job} {facts.jobs.get(claim.job).created_at.isoformat()}"


def _made_before(store: Store, place: BackupPlace, name: str, *, actor: Actor) -> BackedUp:
    """What an attempt that died has made, and perhaps not told of."""
    backup = line_of(name, place.manifest(name))
    with store.database.read() as facts:
        entries = facts.audit.search(AuditFilter(action="backup"), before=None, limit=_RECENT)
        missing = facts.naming.needed() - sizes_in(store.blobs).keys()
    if not any(entry.detail.get("backup") == name for entry in entries):
        _audit(store, place, backup, actor)
    return BackedUp(
        backup=backup,
        place=place.address,
        copied=0,
        copied_bytes=0,
        missing=tuple(sorted(missing)),
        took=timedelta(),
    )


def _audit(store: Store, place: BackupPlace, backup: BackupLine, actor: Actor) -> None:
    detail = {"backup": backup.name, "blobs": str(backup.blobs), "bytes": str(backup.bytes)}
    with store.database.change(actor, "backup", place.address[:255], detail):
        pass


@contextmanager
def one_at_a_time(store: Store) -> Iterator[None]:
    """Keep other backups of the store, and their pruning, waiting, on whatever machine."""
    with locked(store.layout.locks / "backup"):
        while (held := store.database.try_alone("backup")) is None:
            time.sleep(_OFTEN)
        with held:
            yield


def sizes_in(blobs: Blobs) -> dict[str, int]:
    return {each.digest: each.size for each in blobs}


def _copy_new(
    source: Blobs, target: Blobs, wanted: Mapping[str, int], progress: Progress
) -> tuple[dict[str, int], set[str]]:
    """Copy blobs that the target has not; give those, and those that are damaged at the source."""
    there = sizes_in(target)
    new = {digest: size for digest, size in wanted.items() if there.get(digest) != size}
    progress.phase("blobs", sum(new.values()))
    copied: dict[str, int] = {}
    lost: set[str] = set()

    def copy(digest: str) -> None:
        try:
            copied[digest] = target.take(digest, of=source)
        except (NoSuchBlob, BlobDamaged):
            lost.add(digest)
        progress.advance(new[digest])

    in_threads(copy, sorted(new))
    return copied, lost


def in_threads(work: Callable[[str], None], digests: Iterable[str]) -> None:
    """Do the work for each; the first error ends it, once those that were begun have ended."""
    rest = iter(digests)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        while part := list(islice(rest, _AT_ONCE)):
            for _ in pool.map(work, part):
                pass


@contextmanager
def scratch(store: Store) -> Iterator[Path]:
    """A folder for what is large and soon gone; what a killed process leaves, `gc` removes."""
    make_folder(store.layout.incoming)
    with TemporaryDirectory(dir=store.layout.incoming, prefix="backup-") as folder:
        yield Path(folder)
