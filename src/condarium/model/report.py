"""What operations on environments answer: values that every face can show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from condarium.model.difference import PackageChange
from condarium.model.environment import Activation, Build, Generation
from condarium.model.lock import LockedPackage
from condarium.model.names import EnvironmentName


@dataclass(frozen=True, kw_only=True)
class Built:
    """What `env build` did. `changed` is False where everything was there already.

    `solved` tells whether a solve was needed (False: the answer was known, or a lock was given);
    `phases` are seconds by name; `generation` is None on a dry run that would make one.
    """

    environment: EnvironmentName
    generation: int | None
    changed: bool
    active: bool
    dry_run: bool
    solved: bool
    platforms: tuple[str, ...]
    packages: int
    changes: tuple[PackageChange, ...]
    prefix: Path | None
    path: Path | None
    link: str | None
    phases: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EnvironmentLine:
    """An environment in a list; `path` is the link to its active prefix."""

    name: EnvironmentName
    active: int | None
    generations: int
    created_at: datetime
    created_by: str
    path: Path
    on_disk: bool


@dataclass(frozen=True, kw_only=True)
class EnvironmentDetail:
    """One generation of an environment, as `env show` answers; `content` is the lock if asked."""

    generation: Generation
    path: Path
    prefix: Path | None
    on_disk: bool
    link: str | None
    spec: str | None
    channels: tuple[str, ...]
    packages: Mapping[str, tuple[LockedPackage, ...]]
    content: str | None = None


@dataclass(frozen=True, kw_only=True)
class GenerationLine:
    """A generation in a history, with what it changed against the one before."""

    generation: Generation
    added: int
    removed: int
    changed: int


@dataclass(frozen=True, kw_only=True)
class History:
    environment: EnvironmentName
    generations: tuple[GenerationLine, ...]
    activations: tuple[Activation, ...]
    builds: tuple[Build, ...]


@dataclass(frozen=True, kw_only=True)
class BuildLog:
    """What a build said; `text` is empty while it runs, and where it was killed."""

    build: Build
    text: str


@dataclass(frozen=True, kw_only=True)
class EnvironmentPath:
    """Where an environment is: `path` follows it, `prefix` stays with the generation."""

    environment: EnvironmentName
    path: Path
    prefix: Path


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A command ran in an environment, and ended with this exit status."""

    environment: EnvironmentName
    exit_code: int


@dataclass(frozen=True, kw_only=True)
class Switched:
    """Another generation is active."""

    environment: EnvironmentName
    generation: int
    previous: int | None
    path: Path


@dataclass(frozen=True, kw_only=True)
class ArchivedGeneration:
    environment: EnvironmentName
    generation: int
    freed: int
    """Bytes that left the disk; 0 where another generation still uses the prefix."""


@dataclass(frozen=True, kw_only=True)
class Archived:
    generations: tuple[ArchivedGeneration, ...]
    dry_run: bool


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A generation is on disk again. `identical` compares it with its first build."""

    environment: EnvironmentName
    generation: int
    prefix: Path
    files: int
    identical: bool
    changed: bool


@dataclass(frozen=True, kw_only=True)
class Removed:
    environment: EnvironmentName
    generations: int


@dataclass(frozen=True, kw_only=True)
class FileProblem:
    """A file of a prefix that is not what its package says.

    `package` is None for a file that no package brought. Below `lib` or `bin`, where programs find
    it, such a file is `unknown`.
    """

    path: str
    package: str | None
    what: Literal["missing", "changed", "unreadable", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Every file of a prefix against its package. `repaired` tells whether problems were mended."""

    environment: EnvironmentName
    generation: int
    files: int
    bytes: int
    problems: tuple[FileProblem, ...]
    unknown: int
    """Files outside of `lib` and `bin` that no package brought: made by running programs."""
    repaired: bool
    also: tuple[EnvironmentName, ...] = ()
    """Other environments that had the same altered files; a repair of this one leaves theirs."""

    @property
    def ok(self) -> bool:
        return not self.problems or self.repaired


@dataclass(frozen=True, kw_only=True)
class DiskUse:
    """Bytes of an environment or a namespace, over all its prefixes on disk.

    `logical` counts every file in every prefix. `own` is what no other one uses, each file once:
    what leaves the disk when this goes and `gc` has run. `shared` is the rest, for which no further
    bytes are needed: files of others, and those that are in several generations of this one. Where
    files are reflinked or copied (`link`), no file is known to be shared.
    """

    name: str
    kind: Literal["environment", "namespace"]
    link: str
    logical: int
    shared: int
    own: int


@dataclass(frozen=True, kw_only=True)
class DiskReport:
    """`disk` is what all of the store but its database occupies, each file counted once.

    That is prefixes and packages, what packages from PyPI and compiled files are linked from, blobs
    (unless they are in a bucket) and indexes of channels.
    """

    rows: tuple[DiskUse, ...]
    disk: int


@dataclass(frozen=True, kw_only=True)
class Locked:
    """A lock, as text in rattler's format; `packages` counts them by platform."""

    content: str
    digest: str
    solved: bool
    packages: Mapping[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CollectedKind:
    kind: Literal[
        "prefixes", "packages", "blobs", "bytecode", "records", "pypi", "indexes", "leftovers"
    ]
    count: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What `gc` took away, or would take away on a dry run."""

    kinds: tuple[CollectedKind, ...]
    dry_run: bool

    @property
    def bytes(self) -> int:
        return sum(kind.bytes for kind in self.kinds)
