"""Labels: sets of package files, each seen as a channel of its own."""

from collections.abc import Callable, Iterable, Sequence

from condarium.channels.changing.file_changes import FileChange, Step
from condarium.channels.changing.selecting import Held, select, with_label
from condarium.errors import BadArguments
from condarium.model.actor import Actor
from condarium.model.hosting.changes import FilesChanged
from condarium.model.hosting.hosted import HostedChannel
from condarium.model.view import ChannelName, check_label
from condarium.storage.facts import Facts
from condarium.storage.store import Store


def add(
    store: Store,
    channel: ChannelName,
    label: str,
    specs: Sequence[str],
    *,
    dry_run: bool,
    reason: str,
    actor: Actor,
) -> FilesChanged:
    """Give a label to files. Raises BadName, NothingFits."""
    check_label(label)
    change = FileChange(
        action="label add",
        choose=lambda facts, hosted: select(facts, hosted, specs),
        step=lambda held: None if label in held.labels else Step(opened=[held.labelled(label)]),
        label=label,
    )
    return change.make(store, channel, dry_run=dry_run, reason=reason, actor=actor)


def remove(
    store: Store,
    channel: ChannelName,
    label: str,
    specs: Sequence[str],
    *,
    dry_run: bool,
    reason: str,
    actor: Actor,
) -> FilesChanged:
    """Take a label from files, which stay in the channel. Raises BadName, NothingFits."""
    check_label(label)
    change = FileChange(
        action="label remove",
        choose=lambda facts, hosted: select(facts, hosted, specs),
        step=lambda held: Step(closed=[held.labels[label]]) if label in held.labels else None,
        label=label,
    )
    return change.make(store, channel, dry_run=dry_run, reason=reason, actor=actor)


def copy(
    store: Store,
    channel: ChannelName,
    label: str,
    to: str,
    *,
    specs: Sequence[str] = (),
    dry_run: bool,
    reason: str,
    actor: Actor,
) -> FilesChanged:
    """Give a label to all files that have another one, or to some of them.

    Raises BadName, NoSuchLabel, NothingFits.
    """
    _check_two(label, to)
    change = FileChange(
        action="label copy",
        choose=_labelled(label, specs),
        step=lambda held: None if to in held.labels else Step(opened=[held.labelled(to)]),
        label=label,
        to=to,
    )
    return change.make(store, channel, dry_run=dry_run, reason=reason, actor=actor)


def promote(
    store: Store,
    channel: ChannelName,
    label: str,
    to: str,
    *,
    specs: Sequence[str] = (),
    dry_run: bool,
    reason: str,
    actor: Actor,
) -> FilesChanged:
    """Move all files that have a label, or some of them, to another label.

    Raises BadName, NoSuchLabel, NothingFits.
    """
    _check_two(label, to)

    def step(held: Held) -> Step:
        new = [] if to in held.labels else [held.labelled(to)]
        return Step(opened=new, closed=[held.labels[label]])

    change = FileChange(
        action="label promote", choose=_labelled(label, specs), step=step, label=label, to=to
    )
    return change.make(store, channel, dry_run=dry_run, reason=reason, actor=actor)


def _labelled(label: str, specs: Sequence[str]) -> Callable[[Facts, HostedChannel], Iterable[Held]]:
    if not specs:
        return lambda facts, channel: with_label(facts, channel, label)
    return lambda facts, channel: select(facts, channel, specs, label=label)


def _check_two(label: str, to: str) -> None:
    if check_label(label) == check_label(to):
        raise BadArguments(
            f"the label {label} was named twice", hint="Name another label to bring files to."
        )
