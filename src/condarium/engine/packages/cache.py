"""rattler's package cache, seen from outside: what it holds, and whether that is whole.

A package lies extracted in `<name>-<version>-<build>/`, beside a `.lock` file in which rattler
keeps its revision and the archive's SHA-256, and which it locks while it fetches or links.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from condarium.engine.hashing import file_sha256


@dataclass(frozen=True, kw_only=True)
class CachedPackage:
    """An extracted package: `stem` is its file name without the ending."""

    stem: str
    folder: Path
    lock: Path

    @property
    def sha256(self) -> str | None:
        """The hash of the archive that it came from; None while it is not whole."""
        try:
            content = self.lock.read_bytes()
        except FileNotFoundError:
            return None
        return content[8:40].hex() if len(content) >= 40 else None


def cached_packages(cache: Path, wanted: Iterable[str] | None = None) -> Iterator[CachedPackage]:
    """Every package in the cache, whole or not; or those `wanted`, there or not."""
    if wanted is None:
        names = (path.name.removesuffix(".lock") for path in sorted(cache.glob("*.lock")))
        wanted = [name for name in names if not name.startswith(".")]
    for stem in wanted:
        yield CachedPackage(stem=stem, folder=cache / stem, lock=cache / f"{stem}.lock")


def leftovers(cache: Path) -> list[Path]:
    """What killed fetches left: temporary files and folders, and folders without a lock."""
    known = {package.folder.name for package in cached_packages(cache)}
    return [
        entry
        for entry in (sorted(cache.iterdir()) if cache.is_dir() else ())
        if entry.name not in known and (entry.suffix != ".lock" or entry.name.startswith("."))
    ]


def package_problem(folder: Path) -> str | None:
    """What is wrong with an extracted package, if it must not be used.

    rattler links what paths.json says (info/files in old packages), wherever that leads to.
    """
    if not (folder / "info" / "index.json").is_file():
        return "it has no info/index.json"
    try:
        listed = _listed(folder / "info")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"its list of files cannot be read: {error}"
    for each in listed:
        path = PurePosixPath(each)
        if path.is_absolute() or ".." in path.parts:
            return f"it lists a file at {each!r}, which is outside of a prefix"
    return None


def _listed(info: Path) -> list[str]:
    if (info / "paths.json").exists():
        return [str(entry["_path"]) for entry in _paths(info)]
    return (info / "files").read_text().splitlines() if (info / "files").exists() else []


def _paths(info: Path) -> list[dict[str, str]]:
    paths: list[dict[str, str]] = json.loads((info / "paths.json").read_bytes())["paths"]
    return paths


def stems(prefix: Path) -> frozenset[str]:
    """The packages that a prefix was made of, by file name without ending."""
    return frozenset(path.stem for path in (prefix / "conda-meta").glob("*.json"))


def damaged(cache: Path, wanted: Iterable[str]) -> list[CachedPackage]:
    """Those of the `wanted` stems whose extracted files differ from their own paths.json."""
    names = frozenset(wanted)
    return [
        package
        for package in cached_packages(cache)
        if package.stem in names and not _is_sound(package.folder)
    ]


def _is_sound(folder: Path) -> bool:
    try:
        paths = _paths(folder / "info")
    except (OSError, ValueError, KeyError):
        return False
    return all(_matches(folder / entry["_path"], entry) for entry in paths)


def _matches(path: Path, entry: dict[str, str]) -> bool:
    if entry.get("path_type") == "softlink":
        return path.is_symlink()
    try:
        return not entry.get("sha256") or file_sha256(path) == entry["sha256"]
    except OSError:
        return False
