"""The store's folder: do files link within it, is it on this machine, is there room?"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from condarium.engine.prefixes.linking import link_method
from condarium.operating.checks.registry import Examination, Found, check, ok, problem, warning
from condarium.storage.locks import is_held

_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "afs", "glusterfs", "lustre"}
_LITTLE, _FEW = 1 << 30, 0.05
"""In bytes, and as a part of all: below that there is too little room."""


@check("files")
def files(examined: Examination) -> Iterator[Found]:
    layout, settings = examined.store.layout, examined.store.settings
    for folder in (layout.packages, layout.prefixes):
        folder.mkdir(exist_ok=True)
    try:
        link_method.cache_clear()
        method = link_method(layout.packages, layout.prefixes)
    except OSError as error:
        yield problem(f"{layout.root} cannot be written to: {error.strerror}")
        return
    apart = layout.packages.stat().st_dev != layout.prefixes.stat().st_dev
    where = "lie on two file systems" if apart else "share a file system"
    if method == "copy":
        hint = "Put both on one file system that has hard links: else every prefix is a copy."
        yield warning(f"packages and prefixes {where}; files are copied", hint)
    else:
        yield ok(f"packages and prefixes {where}; files are put there by {method}")
    kind = file_system(layout.root)
    if kind in _NETWORK and settings.database is None:
        hint = "Keep the store on a local disk, or the facts in PostgreSQL (CONDARIUM_DATABASE)."
        yield warning(f"the store is on a network file system ({kind}) with SQLite", hint)


@check("space")
def space(examined: Examination) -> Iterator[Found]:
    root = examined.store.layout.root
    free, total = shutil.disk_usage(root).free, shutil.disk_usage(root).total
    status = os.statvfs(root)
    said = f"{free / 1e9:.1f} GB of {total / 1e9:.1f} GB are free"
    hint = "`condarium gc` frees what nothing refers to; `condarium env du` says what takes room."
    if free < _LITTLE:
        yield problem(said, hint)
    elif free < _FEW * total:
        yield warning(said, hint)
    else:
        yield ok(said)
    if status.f_files and status.f_favail < _FEW * status.f_files:
        yield warning(f"{status.f_favail:,} of {status.f_files:,} inodes are free", hint)


@check("locks")
def locks(examined: Examination) -> Iterator[Found]:
    """What is locked, and what killed processes left."""
    layout = examined.store.layout
    gate = is_held(layout.store_lock.with_name("store-gate"))
    if is_held(layout.store_lock) or gate:
        yield warning("gc, or a restore, has the store alone", "Builds wait until it is done.")
    left = list(layout.incoming.iterdir()) if layout.incoming.is_dir() else []
    with examined.store.database.read() as facts:
        builds = facts.builds.running()
    lost = [each for each in builds if not is_held(layout.locks / "build" / str(each.id))]
    hint = "`condarium gc` removes what was left, and notes what was interrupted."
    if lost and examined.store.settings.database is None:
        yield warning(f"{len(lost)} builds were interrupted and not noted so", hint)
    old = [each for each in left if _age(each) > 24 * 3600]
    if old:
        yield warning(f"{len(old)} unfinished downloads are older than a day", hint)
    yield ok(f"{len(builds) - len(lost)} builds run here; nothing else holds the store up")


def file_system(path: Path) -> str:
    """The kind of the file system that a path is on, as the kernel calls it; "" where unknown."""
    best, kind = "", ""
    try:
        mounts = Path("/proc/mounts").read_text()
    except OSError:
        return ""
    for line in mounts.splitlines():
        _, point, found, *_ = line.split()
        point = point.replace("\\040", " ")
        if len(point) >= len(best) and path.is_relative_to(point):
            best, kind = point, found
    return kind


def _age(path: Path) -> float:
    import time

    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
