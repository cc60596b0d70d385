"""What operations that change a channel answer.

`revision` is the number of the revision that was made, None where nothing had to change.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from condarium.model.view import ChannelName

FileAction = Literal[
    "yank",
    "unyank",
    "remove-package",
    "label add",
    "label remove",
    "label copy",
    "label promote",
]


@dataclass(frozen=True, kw_only=True)
class ChannelCreated:
    """`members` and `merge` are a union's, `upstream` is a proxy's."""

    channel: ChannelName
    kind: str
    public: bool
    description: str
    members: tuple[ChannelName, ...] = ()
    merge: bool = False
    upstream: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChannelEdited:
    """What a channel is now; `changed` says whether it was otherwise before."""

    channel: ChannelName
    public: bool
    description: str
    changed: bool


@dataclass(frozen=True, kw_only=True)
class ChannelRemoved:
    """How many revisions the channel had, and how many package files were in it."""

    channel: ChannelName
    revisions: int
    files: int


@dataclass(frozen=True, kw_only=True)
class FilesChanged:
    """Files, as `subdir/file_name`, that were changed, or would be, and those that need not be.

    `label` is the one that was named first, `to` the second; `hidden` are files that carry no label
    now, so that no index shows them.
    """

    channel: ChannelName
    action: FileAction
    revision: int | None
    dry_run: bool
    files: tuple[str, ...]
    unchanged: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    label: str | None = None
    to: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChannelPatch:
    """A patch by its number, which is its place in the order in which patches apply.

    `document` is the digest of its text, `subdir` where instructions for one subdir are for.
    """

    number: int
    name: str
    kind: str
    summary: str
    document: str
    subdir: str | None = None


@dataclass(frozen=True, kw_only=True)
class PatchesChanged:
    """Patches that were added or undone; `packages` are those that look different by it.

    `unchanged` are patches that were there already, or were undone before.
    """

    channel: ChannelName
    action: Literal["patch add", "patch undo"]
    revision: int | None
    patches: tuple[ChannelPatch, ...]
    unchanged: tuple[ChannelPatch, ...]
    packages: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class KeyChange:
    """What a record says under a key, before and after; None where it says nothing."""

    key: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True)
class RecordChange:
    """A record that a patch changes, or removes from the index."""

    subdir: str
    file_name: str
    name: str
    what: Literal["changed", "removed"]
    keys: tuple[KeyChange, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Dependents:
    """The first of the packages that depend on one that changes, and how many there are."""

    packages: tuple[str, ...]
    count: int


@dataclass(frozen=True, kw_only=True)
class PatchTrial:
    """What patches would do to the channel as it is at `head`.

    `changes` and `dependents` are the first of what there is; `changed` and `removed` count all
    records, `packages` all names of packages.
    """

    channel: ChannelName
    head: int
    patches: tuple[ChannelPatch, ...]
    changed: int
    removed: int
    packages: int
    changes: tuple[RecordChange, ...]
    dependents: Mapping[str, Dependents] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reverted:
    """A revision that was undone: what it had brought is gone, what it had ended holds again.

    `gone` and `back` name files, labels, yanks and patches.
    """

    channel: ChannelName
    undone: int
    action: str
    revision: int | None
    gone: tuple[str, ...]
    back: tuple[str, ...]
