"""Channels that this store keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from condarium.model.access.decisions import Thing
from condarium.model.access.permissions import ThingKind
from condarium.model.view import ChannelName

Record = Mapping[str, Any]
"""What an index says of a package file: index.json with hashes and size (CEP 36), hashes in hex."""


class ChannelKind(StrEnum):
    LOCAL = "local"
    """It has what is published into it."""
    UNION = "union"
    """Several channels, shown as one."""
    PROXY = "proxy"
    """A channel elsewhere, of which it keeps what was asked for."""


class UnionMode(StrEnum):
    FIRST = "first"
    """All of a package name comes from the first channel that has any of it."""
    MERGE = "merge"
    """A package name has the files of all; where two have the same file, that of the first."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a proxy lets through; what is empty or None lets everything through.

    `specs` are MatchSpecs, of which a record must match one; `exclude` are those of which it may
    match none; `licenses` are SPDX names, of which a record's licence must be one.
    """

    specs: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    subdirs: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ()
    cooldown: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class HostedChannel:
    """A channel of this store. `head` is the number of its last revision, 0 where it is empty.

    `members` and `mode` are a union's; `upstream` (a URL) and `filter` a proxy's.
    """

    id: int
    name: ChannelName
    kind: ChannelKind
    public: bool
    description: str
    created_at: datetime
    created_by: str
    head: int
    members: tuple[ChannelName, ...] = ()
    mode: UnionMode = UnionMode.FIRST
    upstream: str | None = None
    filter: Filter = field(default_factory=Filter)

    @property
    def thing(self) -> Thing:
        """The channel as a thing that one may have a role on."""
        return Thing(kind=ThingKind.CHANNEL, name=self.name.name, public=self.public)


@dataclass(frozen=True, kw_only=True)
class HostedFile:
    """A package file that a channel has, or had.

    `record` is as it was published, unpatched, with `indexed_timestamp`; `about` what else
    about.json says; `source` the URL to fetch the bytes from where the store has none yet.
    """

    subdir: str
    file_name: str
    name: str
    version: str
    build: str
    build_number: int
    sha256: str
    md5: str | None
    size: int | None
    indexed_at: int
    record: bytes
    about: bytes | None = None
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class HostedPatch:
    """A patch document of a channel, by its position among the channel's patches.

    `document` is the digest of its bytes; `candidates` are, by subdir, the package names that it
    may touch, None for any (in a subdir, or at all).
    """

    position: int
    document: str
    name: str
    kind: str
    subdir: str | None
    summary: str
    candidates: Mapping[str, frozenset[str] | None] | None

    def touches(self, subdir: str) -> frozenset[str] | None:
        """The names that it may touch in a subdir, None for any."""
        if self.candidates is None:
            return None
        return self.candidates.get(subdir, frozenset())
