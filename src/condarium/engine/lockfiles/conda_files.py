"""The conda packages of a lock as files: where each is, and how it is verified."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from condarium.engine.lockfiles.document import LockDocument
from condarium.errors import BadLock


@dataclass(frozen=True, kw_only=True)
class LockedFile:
    """A package file that a lock names; of the hashes one is there at least, in hex.

    `depends` and `constrains` are those that were solved with, None where the lock does not say
    all of them: only a pixi.lock does.
    """

    subdir: str
    file_name: str
    name: str
    url: str
    sha256: str | None
    md5: str | None
    size: int | None
    depends: tuple[str, ...] | None
    constrains: tuple[str, ...] | None

    def is_file(self, *, sha256: str | None, md5: str | None) -> bool:
        """Whether a file with these hashes is the one."""
        return sha256 == self.sha256 if self.sha256 else md5 == self.md5


def locked_files(document: LockDocument, platforms: Iterable[str] = ()) -> list[LockedFile]:
    """Give the package files of a lock for some platforms, or all, each once and sorted.

    Raises PlatformNotLocked, and BadLock where two packages are called the same, or one has no
    hash or must first be built.
    """
    whole = document.format == "pixi"
    found: dict[tuple[str, str], LockedFile] = {}
    for platform in tuple(platforms) or document.platforms:
        for record in document.records(platform):
            file = _file(record, whole=whole)
            other = found.setdefault((file.subdir, file.file_name), file)
            if not file.is_file(sha256=other.sha256, md5=other.md5):
                raise BadLock(
                    document.source,
                    f"two packages are called {file.subdir}/{file.file_name}: "
                    f"{other.url} and {file.url}",
                    hint="A channel has one file of a name; lock against one of the two channels.",
                )
    return [found[key] for key in sorted(found)]


def _file(record: Any, *, whole: bool) -> LockedFile:
    return LockedFile(
        subdir=record.subdir,
        file_name=record.file_name,
        name=record.name.normalized,
        url=record.url,
        sha256=record.sha256.hex() if record.sha256 else None,
        md5=record.md5.hex() if record.md5 else None,
        size=record.size,
        depends=tuple(record.depends) if whole else None,
        constrains=tuple(record.constrains) if whole else None,
    )
