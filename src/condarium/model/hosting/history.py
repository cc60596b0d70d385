"""How a channel came to be what it is, and in what it differs from what it was."""

from dataclasses import dataclass
from typing import Any, Literal

from condarium.model.hosting.fact import FactKind, Revision
from condarium.model.view import ChannelName, View


@dataclass(frozen=True, kw_only=True)
class FactChange:
    """A fact that a revision opened (`began`), or closed. `about` is the name of its patch."""

    began: bool
    kind: FactKind
    subdir: str
    name: str
    file_name: str
    value: str
    position: int
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class LoggedRevision:
    """A revision, and what it changed as far as that was asked for; `omitted` was left out."""

    revision: Revision
    changes: tuple[FactChange, ...] = ()
    omitted: int = 0


@dataclass(frozen=True, kw_only=True)
class ChannelLog:
    """Revisions, the newest first, of which `total` are there to show.

    `package` is the one whose history it is; `detailed` says whether the changes are told;
    `members` are those of a union, which has no revisions of its own.
    """

    channel: ChannelName
    head: int
    revisions: tuple[LoggedRevision, ...]
    total: int
    package: str | None = None
    detailed: bool = False
    members: tuple[ChannelName, ...] = ()
    next: str | None = None


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """A field of a record; None where it has none."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True)
class RecordChange:
    """A file that both views show, with different records."""

    subdir: str
    file_name: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, kw_only=True)
class ViewChange:
    """A file that one of two views shows; `still` says what the other one has of it."""

    subdir: str
    file_name: str
    name: str
    version: str
    still: Literal["hidden", "nothing"]


@dataclass(frozen=True, kw_only=True)
class PackageVersions:
    """A package of which the views have different versions; `status` speaks of it as a whole."""

    name: str
    status: Literal["added", "removed", "changed"]
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ChannelDiff:
    """What makes a view (`before`) into another one (`after`).

    `facts` are labels, yanks and patches that hold at the revision of one of them only, where both
    are of one channel; files that neither view's label shows are among them.
    """

    before: View
    after: View
    before_revision: str
    after_revision: str
    packages: tuple[PackageVersions, ...]
    added: tuple[ViewChange, ...]
    removed: tuple[ViewChange, ...]
    changed: tuple[RecordChange, ...]
    facts: tuple[FactChange, ...]

    @property
    def same(self) -> bool:
        """Whether they differ in nothing."""
        return not (self.added or self.removed or self.changed or self.facts)
