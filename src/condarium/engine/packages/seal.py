"""How a package was when it came into the store, to see whether it still is so.

The files of prefixes are hard links to those of packages: whoever writes into one alters it in
every environment that has it, and in those yet to be built. Hashing every file at every build would
take longer than linking them. Their number, sizes and times of change can be had in passing, and
show what a program or a person does by accident.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_SEAL = Path("info", "condarium.json")
"""In an extracted package. No client links what is in `info/`."""


def seal(folder: Path, *, md5: bytes) -> None:
    """Write down how a package is, and the MD5 of the archive that it came from."""
    content = {"version": 1, "md5": md5.hex(), "state": _state(folder)}
    (folder / _SEAL).write_text(json.dumps(content) + "\n")


def sealed_md5(folder: Path) -> str | None:
    """The MD5 of the archive that a package came from, if that is known."""
    content = _read(folder)
    return content.get("md5") if content else None


def altered(packages: Path, stems: Iterable[str], *, before: float | None = None) -> list[str]:
    """Those packages of which a file was written to, added or removed, or that are gone.

    A package that was never sealed is taken as it is, and so is one that was not sealed `before`
    (Unix time): to look at what has just been unpacked would take a tenth of a build.
    """
    return [stem for stem in stems if _is_altered(packages / stem, before)]


def _is_altered(folder: Path, before: float | None) -> bool:
    if not folder.is_dir():
        return True
    if before is not None and _sealed_at(folder) > before:
        return False
    content = _read(folder)
    return content is not None and content.get("state") != _state(folder)


def _sealed_at(folder: Path) -> float:
    try:
        return (folder / _SEAL).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _read(folder: Path) -> dict[str, str] | None:
    try:
        content = json.loads((folder / _SEAL).read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _state(folder: Path) -> str:
    """How many files there are, how large, and when they were changed, in three sums.

    This runs while files are linked, and costs a few microseconds for each: no name is looked at.
    """
    own = str(folder / _SEAL)
    count = size = time = 0
    pending = [str(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    continue
                found = entry.stat(follow_symlinks=False)
                count += 1
                size += found.st_size
                time += found.st_mtime_ns
    with suppress(FileNotFoundError):  # the seal itself, if it is there by now
        found = os.lstat(own)
        count, size, time = count - 1, size - found.st_size, time - found.st_mtime_ns
    return f"{count} {size} {time}"
