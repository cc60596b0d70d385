"""What operations answer that take over what is elsewhere."""

from dataclasses import dataclass

from condarium.model.view import ChannelName


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
