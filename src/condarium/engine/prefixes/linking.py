"""How files get from the package store into prefixes on this file system."""

import errno
import fcntl
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

_FICLONE = 0x40049409
"""ioctl_ficlone(2): share the extents of another file."""


CANNOT_LINK = (errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.EMLINK)
"""What link(2) says where a file system, or a file that has too many links, does not do it."""


@cache
def link_method(packages: Path, prefixes: Path) -> str:
    """`reflink`, `hard link` or `copy`: what rattler does here, in its order of preference."""
    if packages.stat().st_dev != prefixes.stat().st_dev:
        return "copy"
    if _reflinks(prefixes):
        return "reflink"
    return "hard link" if _hard_links(packages, prefixes) else "copy"


def _reflinks(folder: Path) -> bool:
    with TemporaryFile(dir=folder) as source, TemporaryFile(dir=folder) as target:
        source.write(b"condarium")
        source.flush()
        try:
            fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
        except OSError:
            return False
    return True


def _hard_links(packages: Path, prefixes: Path) -> bool:
    source, target = packages / f".link-{os.getpid()}", prefixes / f".link-{os.getpid()}"
    try:
        source.touch()
        os.link(source, target)
    except OSError as error:
        if error.errno in CANNOT_LINK:
            return False
        raise
    finally:
        source.unlink(missing_ok=True)
        target.unlink(missing_ok=True)
    return True
