"""How a package was when it came into the store, to see whether it still is so.

The files of prefixes are hard links to those of packages: whoever writes into one alters it in
every environment that has it, and in those yet to be built. Hashing every file at every build would
take longer than linking them. Names, sizes and times of change take a few milliseconds, and show
what a program or a person does by accident.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
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


def altered(packages: Path, stems: Iterable[str]) -> list[str]:
    """Those packages of which a file was written to, added or removed, or that are gone.

    A package that was never sealed is taken as it is.
    """
    return [stem for stem in stems if _is_altered(packages / stem)]


def _is_altered(folder: Path) -> bool:
    if not folder.is_dir():
        return True
    content = _read(folder)
    return content is not None and content.get("state") != _state(folder)


def _read(folder: Path) -> dict[str, str] | None:
    try:
        content = json.loads((folder / _SEAL).read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _state(folder: Path) -> str:
    """A digest over the names, sizes and times of change of all files."""
    return hashlib.sha256(
        "".join(sorted(_lines(folder))).encode("utf-8", "surrogateescape")
    ).hexdigest()


def _lines(folder: Path) -> Iterator[str]:
    own = str(folder / _SEAL)
    start = len(str(folder)) + 1
    pending = [str(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.path != own:
                    found = entry.stat(follow_symlinks=False)
                    yield f"{entry.path[start:]}\0{found.st_size}\0{found.st_mtime_ns}\n"
