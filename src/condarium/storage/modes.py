"""Permissions of what is made in a store: those of its root folder, whoever makes it.

A store is shared. Somebody whose umask keeps their own files to themselves must not take from
others what a build made, and whoever made the root folder has said who may read it, and write.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def modes_of(root: Path) -> Iterator[None]:
    """Let all that this process makes have the permissions of `root`, if that is there.

    The umask is all that SQLite, rattler and uv heed. It is the whole process's: other threads have
    it too while this lasts.
    """
    try:
        mode = root.stat().st_mode
    except OSError:
        yield
        return
    before = os.umask(0o777 & ~mode)
    try:
        yield
    finally:
        os.umask(before)


def make_folder(folder: Path) -> None:
    """Make a folder with the permissions of the one that it is in.

    Where that is not there either, there is no store yet: its maker's umask decides.
    """
    if folder.is_dir():
        return
    if not folder.parent.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        return
    mode = folder.parent.stat().st_mode & 0o777
    with suppress(FileExistsError):
        folder.mkdir()
        if (own := folder.stat().st_mode) & 0o777 != mode:
            folder.chmod(own & 0o7000 | mode)


def close_to_others(file: Path) -> None:
    """Have a database with secrets be its owner's, and the group's that shares its folder, only.

    So are the two files that SQLite has beside it, and makes with the same permissions. Where there
    is no database, an empty file is made, which SQLite takes for one. A folder in which everybody
    may write stays everybody's. One that is there is not opened: to close it again would take
    SQLite's own locks from this process (POSIX), and others would remove its log under it.
    """
    with suppress(OSError):  # it is somebody else's, or cannot be made, which is said later
        if file.parent.stat().st_mode & 0o002:
            return
        if not file.exists():
            os.close(open_or_make(file, os.O_RDWR | os.O_CLOEXEC))
    for each in (file, *(file.with_name(f"{file.name}-{suffix}") for suffix in ("wal", "shm"))):
        with suppress(OSError):
            if (mode := each.stat().st_mode) & 0o007:
                each.chmod(mode & 0o7770)


def open_or_make(path: Path, flags: int) -> int:
    """Open a file; where it is not there, make it with the permissions of its folder."""
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        descriptor = os.open(path, flags | os.O_CREAT, 0o666)
    with suppress(PermissionError):  # somebody else made it just now
        os.fchmod(descriptor, path.parent.stat().st_mode & 0o666)
    return descriptor
