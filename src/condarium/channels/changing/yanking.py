"""Package files are hidden, shown again, and taken out of a channel."""

from collections.abc import Sequence

from condarium.channels.changing.file_changes import FileChange, Step
from condarium.channels.changing.selecting import select
from condarium.model.actor import Actor
from condarium.model.hosting.changes import FilesChanged
from condarium.model.view import ChannelName
from condarium.storage.store import Store


def yank(
    store: Store,
    channel: ChannelName,
    specs: Sequence[str],
    *,
    dry_run: bool,
    reason: str,
    actor: Actor,
) -> FilesChanged:
    """Hide files from every index; who knows the URL of one may still download it."""
    change = FileChange(
        action="yank",
        choose=lambda facts, hosted: select(facts, hosted, specs),
        step=lambda held: None if held.yank else Step(opened=[held.yanked()]),
    )
    return change.make(store, channel, dry_run=dry_run, reason=reason, actor=actor)


def unyank(
    store: Store,
    channel: ChannelName,
    specs: Sequence[str],
    *,
    dry_run: bool,
    reason: str,
    actor: Actor,
) -> FilesChanged:
    """Show files again that were yanked."""
    change = FileChange(
        action="unyank",
        choose=lambda facts, hosted: select(facts, hosted, specs),
        step=lambda held: Step(closed=[held.yank]) if held.yank else None,
    )
    return change.make(store, channel, dry_run=dry_run, reason=reason, actor=actor)


def remove_packages(
    store: Store,
    channel: ChannelName,
    specs: Sequence[str],
    *,
    dry_run: bool,
    reason: str,
    actor: Actor,
) -> FilesChanged:
    """Take files out of a channel, with their labels; views of before still have them."""
    change = FileChange(
        action="remove-package",
        choose=lambda facts, hosted: select(facts, hosted, specs),
        step=lambda held: Step(closed=held.facts),
    )
    return change.make(store, channel, dry_run=dry_run, reason=reason, actor=actor)
