"""What questions about what is in a channel answer."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from condarium.model.answers import FoundPackage, Grouping, grouping
from condarium.model.hosting.fact import Revision
from condarium.model.hosting.hosted import Filter
from condarium.model.hosting.report import ChannelSummary
from condarium.model.view import ChannelName, View


@dataclass(frozen=True, kw_only=True)
class SubdirSummary:
    """`size` is in bytes."""

    subdir: str
    packages: int
    files: int
    size: int


@dataclass(frozen=True, kw_only=True)
class LabelSummary:
    """A label, and what carries it now.

    `changed` is the revision that last gave it to a file or took it from one; it and `files` are
    None where the channel does not keep labels of its own: in a union, and in a proxy.
    """

    label: str
    packages: int
    files: int | None
    changed: int | None


@dataclass(frozen=True, kw_only=True)
class PatchSummary:
    """A patch of a channel's metadata; `undone` is None while it holds.

    `position` is its number; those of a higher one apply later. `document` is the SHA-256 of its
    text, `added` and `undone` are revisions.
    """

    position: int
    name: str
    kind: str
    subdir: str | None
    summary: str
    document: str
    added: int
    undone: int | None


@dataclass(frozen=True, kw_only=True)
class ChannelDetail:
    """A channel, and what is in it. `size` is that of its files, in bytes.

    `members` and `mode` are a union's. `upstream`, `filter` and what follows are a proxy's: when it
    last asked upstream (None where that has never answered), since when that fails, and why.
    `patches` counts those that hold.
    """

    channel: ChannelSummary
    created_at: datetime
    created_by: str
    subdirs: tuple[SubdirSummary, ...]
    labels: tuple[LabelSummary, ...]
    size: int
    yanked: int
    patches: int
    last: tuple[Revision, ...]
    members: tuple[ChannelName, ...] = ()
    mode: str | None = None
    upstream: str | None = None
    filter: Filter | None = None
    asked_at: datetime | None = None
    failing_since: datetime | None = None
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class Labels:
    channel: ChannelName
    labels: tuple[LabelSummary, ...]


@dataclass(frozen=True, kw_only=True)
class Patches:
    """The patches of a channel in the order in which they apply; `undone` counts those that do not
    hold any more, whether they are shown or not."""

    channel: ChannelName
    patches: tuple[PatchSummary, ...]
    undone: int


@dataclass(frozen=True, kw_only=True)
class ViewPackage:
    """A package in a view, over all its subdirs: `newest` by conda's order of versions.

    `hidden` counts files that indexes do not show; where it has no other ones, there is no newest.
    """

    name: str
    newest: str | None
    versions: int
    files: int
    hidden: int
    subdirs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ViewPackages:
    """Packages by their names, of which `total` are there to show.

    `next` is the cursor of those that follow, None where none do; so it is in other lists.
    """

    view: View
    revision: str
    pattern: str | None
    packages: tuple[ViewPackage, ...]
    total: int
    next: str | None = None


FileState = Literal["shown", "yanked", "patched away"]


@dataclass(frozen=True, kw_only=True)
class ViewFile:
    """A package file in a view, of `channel`, which is another one where the view is a union's.

    `state` says whether indexes show it; it can be downloaded in any case. `labels` are all that it
    has. `indexed_at` is when the server first saw it, `size` in bytes; both may be unknown where a
    proxy got the index from elsewhere.
    """

    channel: ChannelName
    subdir: str
    file_name: str
    name: str
    version: str
    build: str
    state: FileState
    labels: tuple[str, ...]
    size: int | None
    sha256: str | None
    indexed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ViewFiles:
    """Package files by name, the newest first.

    `packages` counts the names that were looked into by now, and `of` those there are to look into:
    what is left out was not read, so nobody knows how many files it has.
    """

    view: View
    revision: str
    spec: str | None
    files: tuple[ViewFile, ...]
    packages: int
    of: int
    omitted: int = 0
    """Files left out of the packages that were looked into."""
    next: str | None = None


@dataclass(frozen=True, kw_only=True)
class FoundInChannel:
    """Packages that a search found in a view, by name and the newest first.

    `limit` is what the caller set; `omitted` counts the groups that it left out.
    """

    view: View
    revision: str
    spec: str
    packages: tuple[FoundPackage, ...] = field(default=())
    limit: int | None = None
    omitted: int = 0

    @property
    def by(self) -> Grouping:
        """How they are listed: by name, by version where all have one name, or build by build."""
        return grouping(self.packages)
