"""What questions about packages answer: values that every face can show."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Literal

Kind = Literal["conda", "pypi"]


@dataclass(frozen=True, kw_only=True)
class FoundPackage:
    """One build of a package, in a channel or in a lock.

    `size` is in bytes, `sha256` lower-case hex. A lock does not say `license`, `timestamp` and
    `constrains`.
    """

    kind: Kind = "conda"
    name: str
    version: str
    build: str = ""
    subdir: str = ""
    channel: str = ""
    url: str = ""
    size: int | None = None
    sha256: str | None = None
    license: str | None = None
    timestamp: datetime | None = None
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()


Grouping = Literal["name", "version", "build"]


@dataclass(frozen=True, kw_only=True)
class Found:
    """Packages that a search found, by name and the newest first.

    `source` is what was searched. `limit` is what the caller set; `omitted` counts the groups that
    it left out.
    """

    spec: str
    source: str
    platform: str
    packages: tuple[FoundPackage, ...]
    limit: int | None = None
    omitted: int = 0

    @property
    def by(self) -> Grouping:
        """How they are listed: by name, by version where all have one name, or build by build."""
        return grouping(self.packages)


def grouping(packages: tuple[FoundPackage, ...]) -> Grouping:
    if len({package.name for package in packages}) > 1:
        return "name"
    return "version" if len({package.version for package in packages}) > 1 else "build"


def grouped(
    packages: tuple[FoundPackage, ...], by: Grouping
) -> tuple[tuple[FoundPackage, ...], ...]:
    """Packages that are listed together; those of one version stay apart by channel."""
    if by == "build":
        return tuple((package,) for package in packages)
    if by == "name":
        return tuple(tuple(group) for _, group in groupby(packages, key=lambda each: each.name))
    found: dict[tuple[str, str], list[FoundPackage]] = {}
    for package in packages:
        found.setdefault((package.version, package.channel), []).append(package)
    return tuple(tuple(group) for group in found.values())


@dataclass(frozen=True, kw_only=True)
class Need:
    """`dependent` asks for `package`, in the words of `specs`.

    A version is None where none was chosen, or the machine brings the package. `builds` counts the
    builds of the dependent that ask; version and words are those of the newest.
    """

    dependent: str
    dependent_version: str | None
    package: str
    package_version: str | None
    specs: tuple[str, ...]
    builds: int = 1


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What a package needs: directly, or, as a tree, what that needs in turn, nearest first."""

    package: FoundPackage
    source: str
    platform: str
    needs: tuple[Need, ...]
    tree: bool


@dataclass(frozen=True, kw_only=True)
class Dependents:
    """Who needs a package: directly, or, as a tree, who needs those in turn, nearest first.

    `version` is the package's, None where any of it was meant.
    """

    package: str
    version: str | None
    source: str
    platform: str
    needs: tuple[Need, ...]
    tree: bool
    limit: int | None = None
    omitted: int = 0


@dataclass(frozen=True, kw_only=True)
class Step:
    """A package on a chain, and the words in which the one before it asks for it.

    The first one of a chain is asked for by the author of the spec, or by nobody.
    """

    package: str
    version: str | None
    specs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Reasons:
    """Why a package is there: from what was asked for, the shortest chains to it.

    `asked` are the words in which it was itself asked for. `through` are packages that were asked
    for and reach it through the first ones of the chains only. `spec` is False where nobody knows
    what was asked for, because only a lock is known: then chains begin at what nothing else needs.
    `omitted` counts chains that were left out.
    """

    package: str
    version: str | None
    source: str
    platform: str
    asked: tuple[str, ...]
    chains: tuple[tuple[Step, ...], ...]
    through: tuple[str, ...]
    spec: bool
    omitted: int = 0
