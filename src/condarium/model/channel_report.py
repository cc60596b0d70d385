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


@dataclass(frozen=True, kw_only=True)
class SkippedRecords:
    """Records of an index that were not taken over, and why; `examples` are some of their files."""

    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ImportedSubdir:
    """How many records of a subdir are new, were there already, or got a label or came back."""

    subdir: str
    added: int
    there_already: int
    changed: int


@dataclass(frozen=True, kw_only=True)
class Imported:
    """Records taken over from a channel elsewhere; `revision` is None where all were there already.

    `fetched` is in bytes.
    """

    channel: ChannelName
    source: str
    revision: int | None
    subdirs: tuple[ImportedSubdir, ...]
    skipped: tuple[SkippedRecords, ...]
    fetched: int
