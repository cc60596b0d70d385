"""Prefixes: what a lock looks like on disk. Made, recognised, and taken away whole.

A prefix is built where it will stay, because text and binaries embed its path. Its marker file is
written last: a folder without one is what a killed build left, and the next build of the same
prefix begins by taking it away.
"""

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from uuid import uuid4

from condarium.errors import StoreUnusable
from condarium.model.environment import Prefix
from condarium.model.lock import LockedPackage
from condarium.storage.layout import Layout
from condarium.storage.locks import is_held, locked

MARKER = Path("conda-meta", "condarium")
"""In a whole prefix: JSON that says what it is. conda reads only `conda-meta/*.json`."""

ID_LENGTH = 16
_PLACEHOLDER = 255
"""The length of the prefix that conda packages are built with, and that is overwritten."""
_TRASH = ".trash-"
_ASIDE = ".aside-"


@dataclass(frozen=True, kw_only=True)
class PrefixSpec:
    """All that decides what a prefix holds; equal specs share one prefix.

    `lock` is the digest of the lock that this is the `platform` part of.
    """

    lock: str
    platform: str
    packages: Sequence[LockedPackage]
    variables: tuple[tuple[str, str], ...] = ()
    link_scripts: bool = False

    @property
    def id(self) -> str:
        """16 characters of a SHA-256 over the packages with their URLs, in base32.

        The URL counts because conda-meta records it; the lock's other platforms do not.
        """
        content = {
            "platform": self.platform,
            "packages": sorted(
                [each.kind, each.name, each.version, each.build, each.url, each.sha256 or each.md5]
                for each in self.packages
            ),
            "variables": sorted(self.variables),
            "link_scripts": self.link_scripts,
        }
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()
        return base64.b32encode(digest[:10]).decode().lower()


@dataclass
class Phases:
    """Seconds by phase, in the order in which they were first entered."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        begun = perf_counter()
        try:
            yield
        finally:
            self.add(name, perf_counter() - begun)

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name] = round(self.seconds.get(name, 0.0) + seconds, 4)


def is_whole(layout: Layout, prefix: str) -> bool:
    """Whether a prefix is on disk, as far as whoever asks may see."""
    return os.path.exists(f"{layout.root}/prefixes/{prefix}/{MARKER}")  # noqa: PTH110 - a list asks often


def check_length(layout: Layout) -> None:
    """Raises StoreUnusable where packages' placeholders are too short for this store's prefixes."""
    length = len(os.fsencode(layout.prefix("x" * ID_LENGTH)))
    if length > _PLACEHOLDER:
        raise StoreUnusable(
            layout.root,
            f"its prefixes would have paths of {length} bytes, and packages have room for "
            f"{_PLACEHOLDER}; fewer than 80 is best",
        )


def prefix_lock(layout: Layout, prefix: str) -> Path:
    """Held exclusively while a prefix is made or taken away."""
    return layout.locks / "prefix" / prefix


def use_lock(layout: Layout, prefix: str) -> Path:
    """Shared by the commands that run in a prefix (`env run`)."""
    return layout.locks / "use" / prefix


def in_use(layout: Layout, prefix: str) -> bool:
    """Whether a command runs in a prefix. Shells that were activated by conda do not say so."""
    return is_held(use_lock(layout, prefix), even_shared=True)


def mark_whole(layout: Layout, prefix: Prefix) -> None:
    """Declare a prefix whole: from now on it is used as it is."""
    marker = layout.prefix(prefix.id) / MARKER
    content = {
        "version": 1,
        "lock": prefix.lock,
        "platform": prefix.platform,
        "files": prefix.files,
        "manifest": prefix.manifest,
        "link": prefix.link,
    }
    fresh = marker.with_name("condarium.new")
    fresh.write_text(json.dumps(content, sort_keys=True) + "\n")
    fresh.replace(marker)


def stand_aside(layout: Layout, prefix: str) -> None:
    """Move a prefix aside while it is made again; the caller holds its lock."""
    take_away(_aside(layout, prefix))
    layout.prefix(prefix).rename(_aside(layout, prefix))


def bring_back(layout: Layout, prefix: str) -> bool:
    """Put a prefix that stands aside back, unless a whole one took its place; hold its lock.

    Tells whether one stood aside.
    """
    aside = _aside(layout, prefix)
    if not aside.exists():
        return False
    if is_whole(layout, prefix):
        take_away(aside)
    else:
        take_away(layout.prefix(prefix))
        aside.rename(layout.prefix(prefix))
    return True


def recover_prefix(layout: Layout, prefix: str) -> None:
    """Put a prefix back that a killed repair left aside; a repair that still runs is waited for."""
    if not is_whole(layout, prefix) and _aside(layout, prefix).exists():
        with locked(prefix_lock(layout, prefix)):
            bring_back(layout, prefix)


def _aside(layout: Layout, prefix: str) -> Path:
    return layout.prefixes / f"{_ASIDE}{prefix}"


def hidden_folder(layout: Layout) -> Path:
    """Make a folder beside the prefixes; where its maker is killed, `gc` takes it away."""
    folder = layout.prefixes / f"{_TRASH}{uuid4().hex}"
    folder.mkdir()
    return folder


def take_away(path: Path) -> None:
    """Remove a folder so that nobody sees it half removed: first out of sight, then from disk."""
    try:
        if not path.name.startswith(_TRASH):
            path = path.rename(path.with_name(f"{_TRASH}{uuid4().hex}"))
    except FileNotFoundError:
        return
    shutil.rmtree(path, onerror=_make_writable)


def bring_all_back(layout: Layout) -> None:
    """Put back what killed repairs left aside; nobody makes a prefix meanwhile."""
    for aside in list(layout.prefixes.glob(f"{_ASIDE}*")):
        bring_back(layout, aside.name.removeprefix(_ASIDE))


def trash(layout: Layout) -> list[Path]:
    """What killed processes left: all that is hidden. Nobody makes a prefix meanwhile.

    Not what a repair set aside: that comes back.
    """
    hidden = layout.prefixes.glob(".*")
    return [path for path in hidden if not path.name.startswith(_ASIDE)]


def _make_writable(function: object, path: str, error: object) -> None:
    """Packages may bring folders that their owner cannot write to; make them so, and try again."""
    failed = Path(path)
    for folder in (failed.parent, failed):
        if folder.is_dir() and not folder.is_symlink():
            folder.chmod(0o700)
    if failed.is_dir() and not failed.is_symlink():
        shutil.rmtree(failed)
    else:
        failed.unlink(missing_ok=True)
