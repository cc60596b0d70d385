"""What an environment is over time: its generations, which is active, and how each was built."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from condarium.model.names import EnvironmentName


@dataclass(frozen=True, kw_only=True)
class Environment:
    """An environment as it stands; `active` is a generation's number, None before the first."""

    name: EnvironmentName
    created_at: datetime
    created_by: str
    active: int | None
    generations: int
    prefix: str | None = None
    """The id of the active generation's prefix."""


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A spec and its lock, numbered from 1 within an environment, never changed.

    `spec` and `lock` are blobs (SHA-256); `spec` is None where a lock was installed as it is.
    `prefix` is None where the lock does not cover the platform of the store's machine.
    """

    environment: EnvironmentName
    number: int
    spec: str | None
    lock: str
    platforms: tuple[str, ...]
    packages: int
    prefix: str | None
    created_at: datetime
    created_by: str
    reason: str
    archived_at: datetime | None = None
    active: bool = False


@dataclass(frozen=True, kw_only=True)
class Activation:
    """The fact that a generation became the active one."""

    number: int
    at: datetime
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Prefix:
    """What a lock looks like on disk. `id` names its folder; the rest says what was put there.

    `manifest` digests the path, kind and SHA-256 of every file that packages brought, so that a
    prefix made again can be compared with the one before; `link` is how files got there.
    """

    id: str
    lock: str
    platform: str
    built_at: datetime
    files: int
    link: str
    manifest: str
    link_scripts: bool = False
    compiled: bool = False
    bytes: int | None = None
    """Of the files that packages brought, shared or not; None where an old release made it."""


class BuildStatus(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True)
class Build:
    """One run of solve → lock → fetch → link → activate; `phases` are seconds by name."""

    id: int
    environment: EnvironmentName
    status: BuildStatus
    started_at: datetime
    ended_at: datetime | None
    actor: str
    generation: int | None
    phases: Mapping[str, float] = field(default_factory=dict)
    log: str | None = None
    error: str | None = None
