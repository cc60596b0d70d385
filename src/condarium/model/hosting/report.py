"""What operations on channels answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from condarium.model.view import ChannelName


@dataclass(frozen=True, kw_only=True)
class ChannelSummary:
    """A channel in a list, with what is in it now under any label.

    `packages` counts their names. `files` is None where the channel does not keep its own: in a
    union, and in a proxy.
    """

    name: ChannelName
    kind: str
    public: bool
    description: str
    revision: int
    changed_at: datetime | None
    packages: int
    files: int | None


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
