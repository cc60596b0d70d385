"""Which channels there are, and what they have: counted, not read."""

from condarium.model.access.permissions import Permission, ThingKind
from condarium.model.actor import Actor
from condarium.model.hosting.answers import (
    ChannelDetail,
    Labels,
    LabelSummary,
    Patches,
    PatchSummary,
    SubdirSummary,
)
from condarium.model.hosting.fact import FactKind, Revision
from condarium.model.hosting.hosted import ChannelKind, HostedChannel
from condarium.model.hosting.report import ChannelSummary
from condarium.model.paging import Page, decode_cursor, page_of, read_limit
from condarium.model.view import ChannelName
from condarium.storage.facts import Facts
from condarium.storage.store import Store

_LAST = 5
"""How many revisions are shown with a channel."""


def list_channels(
    store: Store, *, actor: Actor, limit: int | None = None, cursor: str | None = None
) -> Page[ChannelSummary]:
    """The channels that an actor may read, by name. Raises BadLimit, BadCursor."""
    size = read_limit(limit)
    after = str(*decode_cursor(cursor, str)) if cursor is not None else None
    readable = actor.names_where(Permission.CHANNEL_READ, ThingKind.CHANNEL)
    with store.database.read() as facts:
        found = facts.channels.page(readable, after=after, limit=size and size + 1)
        page = page_of(found, size, [(channel.name.name,) for channel in found])
        lines = tuple(_summary(facts, each) for each in page if _may_read(facts, each, actor))
    return Page(items=lines, next=page.next)


def _may_read(facts: Facts, channel: HostedChannel, actor: Actor) -> bool:
    """Whether an actor may read a channel that is theirs to read, and what it is made of."""
    parts = facts.channels.things(channel.name) if channel.members else []
    return actor.may_each(Permission.CHANNEL_READ, parts)


def show_channel(store: Store, name: ChannelName) -> ChannelDetail:
    """Raises NoSuchChannel."""
    with store.database.read() as facts:
        channel = facts.channels.get(name)
        counted = facts.contents.subdirs(channel)
        proxy, union = (channel.kind is kind for kind in (ChannelKind.PROXY, ChannelKind.UNION))
        state = facts.upstreams.state(channel) if proxy else None
        return ChannelDetail(
            channel=_summary(facts, channel),
            created_at=channel.created_at,
            created_by=channel.created_by,
            subdirs=tuple(SubdirSummary(**subdir._asdict()) for subdir in counted),
            labels=_labels(facts, channel),
            size=sum(subdir.size for subdir in counted),
            yanked=facts.contents.count(channel, FactKind.YANK),
            patches=facts.contents.count(channel, FactKind.PATCH),
            last=tuple(facts.channels.log(channel, limit=_LAST)),
            members=channel.members,
            mode=channel.mode if union else None,
            upstream=channel.upstream,
            filter=channel.filter if proxy else None,
            asked_at=state.checked_at if state else None,
            failing_since=state.failing_since if state else None,
            failure=state.reason if state else "",
        )


def list_labels(store: Store, name: ChannelName) -> Labels:
    """Raises NoSuchChannel."""
    with store.database.read() as facts:
        return Labels(channel=name, labels=_labels(facts, facts.channels.get(name)))


def list_patches(store: Store, name: ChannelName, *, undone: bool) -> Patches:
    """The patches that hold, or all that the channel ever had. Raises NoSuchChannel."""
    with store.database.read() as facts:
        channel = facts.channels.get(name)
        known = facts.holdings.patches(channel)
        # one that was undone and added again has a span for each time: the last one counts
        spans = {span.fact.position: span for span in facts.contents.spans(channel, FactKind.PATCH)}
    summaries = [
        PatchSummary(
            position=position,
            name=known[position].name,
            kind=known[position].kind,
            subdir=known[position].subdir,
            summary=known[position].summary,
            document=known[position].document,
            added=span.since,
            undone=span.until,
        )
        for position, span in sorted(spans.items())
    ]
    shown = tuple(patch for patch in summaries if undone or patch.undone is None)
    ended = sum(patch.undone is not None for patch in summaries)
    return Patches(channel=name, patches=shown, undone=ended)


def _summary(facts: Facts, channel: HostedChannel) -> ChannelSummary:
    local = channel.kind is ChannelKind.LOCAL
    last = _last(facts, channel)
    return ChannelSummary(
        name=channel.name,
        kind=channel.kind,
        public=channel.public,
        description=channel.description,
        revision=channel.head,
        changed_at=last.at if last else None,
        packages=len(_names(facts, channel)),
        files=facts.contents.count(channel, FactKind.FILE) if local else None,
    )


def _last(facts: Facts, channel: HostedChannel) -> Revision | None:
    """The last revision; of a union, that of the member that changed last."""
    members = [_last(facts, facts.channels.get(member)) for member in channel.members]
    found = [last for last in (facts.channels.last(channel), *members) if last]
    return max(found, key=lambda revision: revision.at, default=None)


def _names(facts: Facts, channel: HostedChannel, label: str | None = None) -> set[str]:
    if channel.kind is not ChannelKind.UNION:
        return facts.contents.names(channel, label)
    members = (facts.channels.get(member) for member in channel.members)
    return set().union(*(_names(facts, member, label) for member in members))


def _labels(facts: Facts, channel: HostedChannel) -> tuple[LabelSummary, ...]:
    if channel.kind is ChannelKind.LOCAL:
        counted = facts.contents.labels(channel)
        return tuple(LabelSummary(**label._asdict()) for label in counted)
    return tuple(
        LabelSummary(
            label=label, packages=len(_names(facts, channel, label)), files=None, changed=None
        )
        for label in sorted(_shown_labels(facts, channel))
    )


def _shown_labels(facts: Facts, channel: HostedChannel) -> set[str]:
    if channel.kind is not ChannelKind.UNION:
        return facts.shards.labels(channel, at=channel.head)
    members = (facts.channels.get(member) for member in channel.members)
    return set().union(*(_shown_labels(facts, member) for member in members))
