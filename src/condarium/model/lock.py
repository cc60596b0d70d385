"""An environment as it was solved: exactly which files, on which platform."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class LockedPackage:
    """One package of a lock; `sha256` is lower-case hex, `size` is in bytes."""

    kind: Literal["conda", "pypi"]
    name: str
    version: str
    build: str = ""
    subdir: str = ""
    channel: str = ""
    url: str
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    depends: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The packages of every platform that was solved, sorted by name within a platform."""

    channels: tuple[str, ...]
    packages: Mapping[str, tuple[LockedPackage, ...]] = field(default_factory=dict)

    @property
    def platforms(self) -> tuple[str, ...]:
        return tuple(self.packages)
