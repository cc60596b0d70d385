"""What differs between two locks, platform by platform."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

from condarium.model.lock import Lock, LockedPackage


@dataclass(frozen=True, kw_only=True)
class PackageChange:
    """A package that is on one side only, or in another version or build on each."""

    platform: str
    name: str
    kind: Literal["conda", "pypi"]
    before: str | None
    after: str | None

    @property
    def what(self) -> Literal["added", "removed", "changed"]:
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"

    def __str__(self) -> str:
        """Such as `~ numpy 2.4.5 → 2.4.6 (linux-64)`."""
        sign = {"added": "+", "removed": "-", "changed": "~"}[self.what]
        versions = " → ".join(filter(None, (self.before, self.after)))
        where = self.platform if self.kind == "conda" else f"{self.platform}, PyPI"
        return f"{sign} {self.name} {versions} ({where})"


@dataclass(frozen=True, kw_only=True)
class ChangeCounts:
    """How many packages were added, removed and changed, over all platforms."""

    added: int
    removed: int
    changed: int

    @classmethod
    def of(cls, changes: Iterable[PackageChange]) -> Self:
        counts = Counter(change.what for change in changes)
        return cls(added=counts["added"], removed=counts["removed"], changed=counts["changed"])


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The changes that lead from `before` to `after`, by platform and name."""

    before: str
    after: str
    changes: tuple[PackageChange, ...]


def compare(before: Lock | None, after: Lock) -> tuple[PackageChange, ...]:
    """The changes between two locks; everything is added where there is none before.

    A platform that only one side has counts as a change of all its packages. The same version and
    build from another URL is a change too: other bytes.
    """
    changes: list[PackageChange] = []
    platforms = sorted({*(before.platforms if before else ()), *after.platforms})
    for platform in platforms:
        old = _by_name(before, platform)
        new = _by_name(after, platform)
        changes += [
            PackageChange(
                platform=platform,
                name=name,
                kind=kind,
                before=_text(old.get((kind, name)), new.get((kind, name))),
                after=_text(new.get((kind, name)), old.get((kind, name))),
            )
            for kind, name in sorted({*old, *new}, key=lambda key: (key[1], key[0]))
            if _identity(old.get((kind, name))) != _identity(new.get((kind, name)))
        ]
    return tuple(changes)


_Key = tuple[Literal["conda", "pypi"], str]


def _by_name(lock: Lock | None, platform: str) -> Mapping[_Key, LockedPackage]:
    packages = lock.packages.get(platform, ()) if lock else ()
    return {(package.kind, package.name): package for package in packages}


def _identity(package: LockedPackage | None) -> tuple[str, ...] | None:
    if package is None:
        return None
    return (package.version, package.build, package.sha256 or package.md5 or package.url)


def _text(package: LockedPackage | None, other: LockedPackage | None) -> str | None:
    """Version and build; the URL too where nothing else tells two packages apart."""
    if package is None:
        return None
    text = f"{package.version} {package.build}".strip()
    if other and (package.version, package.build) == (other.version, other.build):
        return f"{text} ({package.url})"
    return text
