"""Channels come and go: local ones, unions of others, and proxies of channels elsewhere."""

from collections.abc import Sequence
from datetime import datetime

from condarium.errors import BadArguments, Conflict
from condarium.model.access.decisions import PLATFORM
from condarium.model.access.permissions import Permission, ThingKind
from condarium.model.actor import Actor
from condarium.model.channel_url import BadChannel, parse_channel_url
from condarium.model.hosting.changes import ChannelCreated, ChannelEdited, ChannelRemoved
from condarium.model.hosting.fact import FactKind
from condarium.model.hosting.hosted import ChannelKind, Filter, HostedChannel, UnionMode
from condarium.model.subdirs import is_subdir, likely_subdir
from condarium.model.view import ChannelName
from condarium.storage.facts import Facts
from condarium.storage.store import Store

_SCHEMES = ("https://", "http://", "file://")


class PrivateMember(Conflict):
    """A public union would show what is in a private channel."""

    def __init__(self, union: ChannelName, members: Sequence[ChannelName]) -> None:
        self.union, self.members = union, tuple(members)
        names = ", ".join(map(str, members))
        private = "is private" if len(members) == 1 else "are private"
        super().__init__(
            f"the union {union} would be public, and {names} {private}",
            hint="A union is as private as its most private member: make that public, or the "
            "union private.",
        )


class ChannelWasRemoved(Conflict):
    """There was a channel of this name, and its addresses were to stay the same for ever."""

    def __init__(self, channel: ChannelName, at: datetime) -> None:
        self.channel, self.at = channel, at
        super().__init__(
            f"there was a channel {channel}, which was removed at {at:%FT%TZ}: locks and caches "
            "may still have its files, and a new one could show others at the same addresses",
            hint="Give the new one another name, or --reuse this one if nobody used the old one.",
        )


class ChannelInUse(Conflict):
    """A channel is a member of a union; `unions` are those that may be told."""

    def __init__(self, channel: ChannelName, unions: Sequence[ChannelName]) -> None:
        self.channel, self.unions = channel, tuple(unions)
        if not unions:
            hint = "Ask an administrator: you may not see which."
            super().__init__(f"channel {channel} is in a union", hint=hint)
            return
        super().__init__(
            f"channel {channel} is in the union {', '.join(map(str, unions))}",
            hint=f"Remove the union first: condarium channel remove {unions[0]}",
        )


def create(
    store: Store,
    name: ChannelName,
    *,
    public: bool,
    description: str,
    members: Sequence[ChannelName] = (),
    mode: UnionMode = UnionMode.FIRST,
    upstream: str | None = None,
    filter: Filter | None = None,  # noqa: A002 - the word that a proxy has for it
    reuse: bool = False,
    actor: Actor,
) -> ChannelCreated:
    """Make a channel: a union where it has `members`, a proxy where it has an `upstream`.

    Whoever makes it is bound as its owner; of a union, they must be allowed to read the members.
    A union can only be of channels that are there, so that none can contain itself. A name that was
    removed is taken again only for `reuse`. Raises NotPermitted, ChannelExists, ChannelWasRemoved,
    NoSuchChannel, PrivateMember, BadChannel, BadPackageSpec, BadArguments.
    """
    actor.require(Permission.CHANNEL_CREATE, PLATFORM)
    if members and upstream is not None:
        raise BadArguments("a channel is a union or a proxy, not both")
    kind = ChannelKind.UNION if members else ChannelKind.PROXY if upstream else ChannelKind.LOCAL
    channel = HostedChannel(
        id=0,
        name=name,
        kind=kind,
        public=public,
        description=description,
        created_at=store.now(),
        created_by=actor.name,
        head=0,
        members=tuple(dict.fromkeys(members)),
        mode=mode,
        upstream=None if upstream is None else _address(upstream),
        filter=_checked(filter or Filter()),
    )
    detail = {"kind": str(kind), "public": "yes" if public else "no"}
    with store.database.change(actor, "channel create", name.name, detail) as facts:
        for member in channel.members:
            actor.require_each(Permission.CHANNEL_READ, facts.channels.things(member))
        _check_members(facts, channel)
        facts.channels.create(channel)
        facts.bindings.add_creator(actor, ThingKind.CHANNEL, name.name, at=store.now())
        removed = facts.audit.last("channel remove", name.name)
        if removed is not None and not reuse:
            raise ChannelWasRemoved(name, removed)
    return ChannelCreated(
        channel=name,
        kind=kind,
        public=public,
        description=description,
        members=channel.members,
        merge=mode is UnionMode.MERGE,
        upstream=channel.upstream,
    )


def edit(
    store: Store,
    name: ChannelName,
    *,
    public: bool | None,
    description: str | None,
    actor: Actor,
) -> ChannelEdited:
    """Change who may read a channel, or what is said of it; None leaves it as it is.

    Raises NoSuchChannel, PrivateMember where a public union would have a private member.
    """
    detail = {"public": str(public), "description": str(description)}
    with store.database.change(actor, "channel edit", name.name, detail) as facts:
        before = facts.channels.lock(name)
        facts.channels.change(name, public=public, description=description)
        after = facts.channels.get(name)
        _check_members(facts, after)
        for union in facts.channels.all():
            if union.public and not after.public and name in union.members:
                raise PrivateMember(union.name, [name])
    return ChannelEdited(
        channel=name,
        public=after.public,
        description=after.description,
        changed=after != before,
    )


def remove(store: Store, name: ChannelName, *, actor: Actor) -> ChannelRemoved:
    """Delete a channel, its log and its facts. Raises NoSuchChannel, ChannelInUse."""
    with store.database.change(actor, "channel remove", name.name) as facts:
        channel = facts.channels.lock(name)
        unions = [each for each in facts.channels.all() if name in each.members]
        if unions:
            known = [each for each in unions if actor.may(Permission.CHANNEL_READ, each.thing)]
            raise ChannelInUse(name, [each.name for each in known])
        holding = facts.holdings.holding(channel, at=channel.head, kind=FactKind.FILE)
        files = sum(1 for _ in holding)
        facts.channels.remove(name)
        facts.jobs.detach(ThingKind.CHANNEL, name.name)
    return ChannelRemoved(channel=name, revisions=channel.head, files=files)


def _check_members(facts: Facts, channel: HostedChannel) -> None:
    """Hold the members, so that none of them is removed meanwhile."""
    members = [facts.channels.lock(member) for member in sorted(channel.members)]
    private = [member.name for member in members if not member.public]
    if channel.public and private:
        raise PrivateMember(channel.name, private)


def _address(text: str) -> str:
    """The URL of a channel elsewhere. Raises BadChannel."""
    if not text.startswith(_SCHEMES):
        hint = "Write where it is, such as https://conda.example.org/lab."
        raise BadChannel(text, "not the URL of a channel", hint=hint)
    parsed = parse_channel_url(text)
    if parsed.credentials is not None:
        hint = "Leave them out, and keep them where conda keeps them; whoever sees the channel "
        raise BadChannel(text, "a URL with credentials", hint=f"{hint}sees its URL.")
    return parsed.url


def _checked(chosen: Filter) -> Filter:
    if chosen.specs or chosen.exclude:
        from condarium.engine.solving.record_spec import RecordSpec  # rattler takes its time

        for text in (*chosen.specs, *chosen.exclude):
            RecordSpec.parse(text)
    for subdir in chosen.subdirs:
        if not is_subdir(subdir):
            guess = likely_subdir(subdir)
            raise BadArguments(
                f"{subdir!r} is not a subdir",
                hint=f"Did you mean {guess}?" if guess else "Such as linux-64 or noarch.",
            )
    return chosen
