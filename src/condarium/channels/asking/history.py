"""The log of a channel: which revisions there are, and what each of them changed."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from condarium.channels.asking.searching import check_limit
from condarium.errors import BadInput, NotFound
from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.history import ChannelLog, FactChange, LoggedRevision
from condarium.model.hosting.hosted import HostedChannel, HostedPatch
from condarium.model.paging import decode_cursor, encode_cursor
from condarium.model.similar import nearest
from condarium.model.view import ChannelName
from condarium.storage.facts import Facts
from condarium.storage.hosting.contents import Span
from condarium.storage.store import Store


class BadRevision(BadInput):
    """The text is not the number of a revision."""

    def __init__(self, channel: ChannelName, found: str) -> None:
        self.channel, self.found = channel, found
        super().__init__(
            f"found {found!r}; expected a revision such as r12",
            hint="r0 is the channel before there was anything in it; "
            f"`condarium channel log {channel}` shows the revisions.",
        )


class NeverInChannel(NotFound):
    """The channel never had a package of this name."""

    def __init__(self, channel: ChannelName, name: str, near: Iterable[str]) -> None:
        self.channel, self.name, self.near = channel, name, tuple(near)
        hint = f"Did you mean {' or '.join(self.near)}?" if self.near else "Check the spelling."
        super().__init__(f"channel {channel} never had a package {name}", hint=hint)


def log(store: Store, name: ChannelName, *, limit: int, cursor: str | None = None) -> ChannelLog:
    """The revisions of a channel, the newest first. Raises NoSuchChannel, BadCursor."""
    check_limit(limit)
    before = int(decode_cursor(cursor, int)[0]) if cursor is not None else None
    with store.database.read() as facts:
        channel = facts.channels.get(name)
        entries = facts.channels.log(channel, limit=limit or None, before=before)
        revisions = tuple(LoggedRevision(revision=entry) for entry in entries)
    return ChannelLog(
        channel=name,
        head=channel.head,
        revisions=revisions,
        total=channel.head,
        members=channel.members,
        next=_next(revisions),
    )


def _next(revisions: Sequence[LoggedRevision]) -> str | None:
    """The cursor of what is older: revisions are numbered from 1 without a gap."""
    last = revisions[-1].revision.number if revisions else 1
    return encode_cursor(last) if last > 1 else None


def log_of_revision(store: Store, name: ChannelName, text: str, *, limit: int) -> ChannelLog:
    """One revision, with what it changed. Raises NoSuchRevision, BadRevision, NoSuchChannel."""
    check_limit(limit)
    number = text.removeprefix("r")
    if not re.fullmatch(r"[1-9][0-9]{0,17}", number):
        raise BadRevision(name, text)
    with store.database.read() as facts:
        channel = facts.channels.get(name)
        revision = facts.channels.revision(channel, int(number))
        patches = facts.holdings.patches(channel)
        opened, closed = facts.contents.changed_at(channel, revision.number, limit=limit or None)
    shown = fact_changes(opened, closed, patches)
    omitted = revision.opened + revision.closed - len(shown)
    entry = LoggedRevision(revision=revision, changes=shown, omitted=omitted)
    return ChannelLog(
        channel=name, head=channel.head, revisions=(entry,), total=channel.head, detailed=True
    )


def log_of_package(store: Store, name: ChannelName, package: str, *, limit: int) -> ChannelLog:
    """The revisions that changed a package, or what is shown of it, with what they did to it.

    Raises NeverInChannel, NoSuchChannel.
    """
    check_limit(limit)
    with store.database.read() as facts:
        channel = facts.channels.get(name)
        changes = _changes_of(facts, channel, package)
        if not changes:
            raise NeverInChannel(name, package, nearest(package, facts.contents.names(channel)))
        numbers = sorted(changes, reverse=True)
        entries = tuple(
            LoggedRevision(
                revision=facts.channels.revision(channel, number), changes=changes[number]
            )
            for number in numbers[: limit or None]
        )
    return ChannelLog(
        channel=name,
        head=channel.head,
        revisions=entries,
        total=len(numbers),
        package=package,
        detailed=True,
    )


def fact_changes(
    opened: Iterable[Fact], closed: Iterable[Fact], patches: Mapping[int, HostedPatch]
) -> tuple[FactChange, ...]:
    """Facts as changes: by kind, what ended before what began."""
    both = [_change(fact, False, patches) for fact in closed]
    both += [_change(fact, True, patches) for fact in opened]
    return tuple(sorted(both, key=_place))


def _place(change: FactChange) -> tuple[int | str, ...]:
    label = change.value if change.kind is FactKind.LABEL else ""
    file = change.subdir, change.name, change.file_name
    return _ORDER.index(change.kind), change.began, label, change.position, *file


_ORDER = (FactKind.FILE, FactKind.LABEL, FactKind.YANK, FactKind.PATCH, FactKind.SHARD)


def _change(fact: Fact, began: bool, patches: Mapping[int, HostedPatch]) -> FactChange:
    patch = patches.get(fact.position) if fact.kind is FactKind.PATCH else None
    return FactChange(began=began, **vars(fact), about=patch.name if patch else "")


def _changes_of(
    facts: Facts, channel: HostedChannel, package: str
) -> dict[int, tuple[FactChange, ...]]:
    """By revision: what began or ended of a package, and patches that changed what is shown."""
    subdirs = facts.holdings.subdirs(channel)
    spans = facts.contents.spans_of(channel, package, subdirs)
    reshown = facts.contents.reshown(channel, package, subdirs)
    opened, closed = _by_revision(spans)
    for at, into in zip(
        _by_revision(facts.contents.spans(channel, FactKind.PATCH)), (opened, closed), strict=True
    ):
        for number in at.keys() & reshown:
            into[number] += at[number]
    patches = facts.holdings.patches(channel)
    return {
        number: fact_changes(opened[number], closed[number], patches)
        for number in {*opened, *closed}
    }


def _by_revision(spans: Iterable[Span]) -> tuple[dict[int, list[Fact]], dict[int, list[Fact]]]:
    """The facts that each revision opened, and those that it closed."""
    opened, closed = defaultdict[int, list[Fact]](list), defaultdict[int, list[Fact]](list)
    for span in spans:
        opened[span.since].append(span.fact)
        if span.until is not None:
            closed[span.until].append(span.fact)
    return opened, closed
