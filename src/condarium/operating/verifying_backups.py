"""Verifying that what backups consist of is there, and is what it was."""

from collections import defaultdict

from condarium.errors import CondariumError
from condarium.model.operating import BackupsVerified, Damage
from condarium.model.progress import Progress
from condarium.operating.backing_up import in_threads, sizes_in
from condarium.storage.backing_up.backups import BackupPlace, Manifest
from condarium.storage.blobs import Blobs


def verify(dest: str, *, all_bytes: bool, progress: Progress) -> BackupsVerified:
    """Look at every backup in a place; dumps are read whole, blobs if `all_bytes` says so."""
    place = BackupPlace.at(dest)
    damages: list[Damage] = []
    users: dict[str, list[str]] = defaultdict(list)
    sizes: dict[str, int] = {}
    names = place.names()
    progress.phase("backups", len(names), "backups")
    for name in names:
        try:
            manifest = place.manifest(name)
            sizes |= (listed := place.list_of(name, manifest))
        except CondariumError as error:
            damages.append(Damage(what=name, found=error.message, backups=(name,)))
            continue
        for digest in listed:
            users[digest].append(name)
        damages += _dump_damage(place.dumps, name, manifest)
        progress.advance()
    wrong = _blob_damages(place.blobs, sizes, all_bytes=all_bytes, progress=progress)
    damages += [
        Damage(what=f"blob {digest}", found=found, backups=tuple(users[digest]))
        for digest, found in sorted(wrong.items())
    ]
    return BackupsVerified(
        place=place.address,
        backups=len(names),
        blobs=len(sizes),
        bytes=sum(sizes.values()) if all_bytes else 0,
        damages=tuple(damages),
    )


def _dump_damage(dumps: Blobs, name: str, manifest: Manifest) -> list[Damage]:
    found = _damage(dumps, manifest.dump)
    what = f"the dump of the database, {manifest.dump}"
    return [Damage(what=what, found=found, backups=(name,))] if found else []


def _blob_damages(
    blobs: Blobs, sizes: dict[str, int], *, all_bytes: bool, progress: Progress
) -> dict[str, str]:
    """What is wrong with blobs, by digest."""
    there = sizes_in(blobs)
    found = {
        digest: "missing" if digest not in there else f"{there[digest]} bytes, not {size}"
        for digest, size in sizes.items()
        if there.get(digest) != size
    }
    if not all_bytes:
        return found
    progress.phase("blobs", sum(sizes.values()))

    def check(digest: str) -> None:
        if said := _damage(blobs, digest):
            found[digest] = said
        progress.advance(sizes[digest])

    in_threads(check, sorted(sizes.keys() - found.keys()))
    return found


def _damage(blobs: Blobs, digest: str) -> str | None:
    """What is wrong with one that is read whole."""
    try:
        return None if blobs.is_whole(digest) else "damaged or missing"
    except CondariumError as error:
        return error.message
