"""Who does something, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """What an operation needs its actor to be allowed to do."""

    ENVIRONMENT_READ = "environment:read"
    ENVIRONMENT_BUILD = "environment:build"
    ENVIRONMENT_ACTIVATE = "environment:activate"
    ENVIRONMENT_ARCHIVE = "environment:archive"
    ENVIRONMENT_REMOVE = "environment:remove"
    ENVIRONMENT_RUN = "environment:run"
    CHANNEL_READ = "channel:read"
    CHANNEL_PUBLISH = "channel:publish"
    CHANNEL_MANAGE = "channel:manage"
    LOCK_SOLVE = "lock:solve"
    STORE_MAINTAIN = "store:maintain"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Somebody who calls operations; on a store of one's own, the user of the operating system.

    `permissions` is None for an actor who may do everything.
    """

    name: str
    permissions: frozenset[Permission] | None = None
