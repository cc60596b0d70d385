"""What operations on a whole store answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Template:
    """A configuration file with every option at its default."""

    content: str


@dataclass(frozen=True, kw_only=True)
class ConfigurationChecked:
    """A file that is right; `options` are those that it sets. `file` is None without one.

    `unknown` are variables of the environment that look like ours and say nothing, each with the
    one that may be meant, or an empty text.
    """

    file: Path | None
    options: tuple[str, ...]
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OptionValue:
    """What holds for an option: secrets are masked; `value` is None where there is none."""

    name: str
    variable: str
    value: str | None
    source: Literal["environment", "file", "default"]


@dataclass(frozen=True, kw_only=True)
class BackupLine:
    """A backup that can be restored: `blobs` and `bytes` are of all that it needs."""

    name: str
    at: datetime
    condarium: str
    revision: str
    rows: int
    blobs: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class BackedUp:
    """A backup that was made. `copied` and `copied_bytes` are what was not there already.

    `missing` are digests that facts name of bytes that the store has lost.
    """

    backup: BackupLine
    place: str
    copied: int
    copied_bytes: int
    missing: tuple[str, ...]
    took: timedelta

    @property
    def ok(self) -> bool:
        return not self.missing


@dataclass(frozen=True, kw_only=True)
class Damage:
    """What is wrong in a place of backups: a blob, a dump or a manifest, and who needs it."""

    what: str
    found: str
    backups: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BackupsVerified:
    """What was looked at: `bytes` is 0 where only sizes were compared."""

    place: str
    backups: int
    blobs: int
    bytes: int
    damages: tuple[Damage, ...]

    @property
    def ok(self) -> bool:
        return not self.damages


@dataclass(frozen=True, kw_only=True)
class BackupsPruned:
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    blobs: int
    bytes: int
    dry_run: bool


@dataclass(frozen=True, kw_only=True)
class StoreRestored:
    """A store that was made out of a backup.

    `jobs` were waiting or running and are now failed; `prefixes` were made again, `waiting` are
    environments whose prefixes were not, and `failed` says of which of them that was tried, and
    what was wrong.
    """

    backup: BackupLine
    store: Path
    revision: str
    rows: Mapping[str, int] = field(default_factory=dict)
    blobs: int
    bytes: int
    jobs: int
    prefixes: int
    waiting: tuple[str, ...]
    failed: Mapping[str, str] = field(default_factory=dict)
    took: timedelta

    @property
    def ok(self) -> bool:
        return not self.failed


@dataclass(frozen=True, kw_only=True)
class Upgraded:
    """A schema brought up to date: `copy` is what the database was before, where it is SQLite."""

    before: str | None
    after: str
    dry_run: bool
    copy: Path | None = None

    @property
    def changed(self) -> bool:
        return self.before != self.after


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found, and what to do about it."""

    check: str
    verdict: Verdict
    found: str
    hint: str | None = None


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What `doctor` found, in the order in which it looked."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return all(each.verdict is not Verdict.PROBLEM for each in self.findings)
