"""What operations on channels answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from condarium.model.fact import Revision
from condarium.model.view import ChannelName


@dataclass(frozen=True, kw_only=True)
class ChannelSummary:
    """A channel in a list. `packages` and `bytes` are of what is in it now, under any label."""

    name: ChannelName
    kind: str
    public: bool
    description: str
    revision: int
    changed_at: datetime | None
    packages: int


@dataclass(frozen=True, kw_only=True)
class PublishedFile:
    subdir: str
    file_name: str
    status: Literal["published", "labelled", "there already"]
    sha256: str
    size: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Published:
    """`revision` is None where everything was there already."""

    channel: ChannelName
    labels: tuple[str, ...]
    revision: int | None
    files: tuple[PublishedFile, ...]


@dataclass(frozen=True, kw_only=True)
class Revised:
    """A revision that was made; `revision` is None where nothing had to change."""

    channel: ChannelName
    revision: Revision | None
    files: tuple[str, ...] = ()
    """What it is about: `subdir/file_name`."""
