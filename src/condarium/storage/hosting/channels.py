"""Channels, and their logs of revisions."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select
from sqlalchemy.exc import IntegrityError

from condarium.errors import Conflict, NotFound
from condarium.model.access.decisions import Thing
from condarium.model.access.permissions import ThingKind
from condarium.model.hosting.fact import Revision
from condarium.model.hosting.hosted import ChannelKind, Filter, HostedChannel, UnionMode
from condarium.model.view import ChannelName
from condarium.storage.tables import channels, revisions


class NoSuchChannel(NotFound):
    """There is no channel of this name."""

    def __init__(self, name: object) -> None:
        self.name = name
        super().__init__(
            f"there is no channel {name}",
            hint="`condarium channel list` shows those there are; `condarium channel create` "
            "makes one.",
        )


class ChannelExists(Conflict):
    """There is a channel of this name already."""

    def __init__(self, name: object) -> None:
        self.name = name
        super().__init__(
            f"there is a channel {name} already",
            hint=f"`condarium channel show {name}` shows it; give the new one another name.",
        )


class NoSuchRevision(NotFound):
    """The channel has no such revision."""

    def __init__(self, name: object, found: str, head: int) -> None:
        self.name, self.found, self.head = name, found, head
        super().__init__(
            f"channel {name} has no {found}: its revisions are r0 to r{head}",
            hint=f"`condarium channel log {name}` shows them.",
        )


class Channels:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, channel: HostedChannel) -> None:
        """Make a channel; its id and head are not taken. Raises ChannelExists."""
        values = {
            "kind": channel.kind,
            "public": channel.public,
            "description": channel.description,
            "config": _config(channel),
            "created_at": channel.created_at,
            "created_by": channel.created_by,
        }
        try:
            self._connection.execute(channels.insert().values(name=channel.name.name, **values))
        except IntegrityError as error:  # two may ask at once: so nobody looks before
            raise ChannelExists(channel.name) from error

    def get(self, name: ChannelName) -> HostedChannel:
        """Raises NoSuchChannel."""
        row = self._connection.execute(
            self._with_head().where(channels.c.name == name.name)
        ).first()
        if row is None:
            raise NoSuchChannel(name)
        return _channel(row)

    def things(self, name: ChannelName) -> list[Thing]:
        """The channel, and of a union all that is in it, as things to ask about.

        One that is not there is like one of which nothing may be told.
        """
        try:
            channel = self.get(name)
        except NoSuchChannel:
            return [Thing(kind=ThingKind.CHANNEL, name=name.name)]
        behind = [each for member in channel.members for each in self.things(member)]
        return [channel.thing, *behind]

    def lock(self, name: ChannelName) -> HostedChannel:
        """Get a channel that nobody else changes until this unit of work ends."""
        self._connection.execute(self._named(name).with_for_update()).all()
        return self.get(name)

    def all(self) -> list[HostedChannel]:
        """Every channel, by name."""
        return [
            _channel(row)
            for row in self._connection.execute(self._with_head().order_by(channels.c.name))
        ]

    def page(
        self, names: Collection[str] | None, *, after: str | None, limit: int | None
    ) -> list[HostedChannel]:
        """Channels by name behind `after`: all, or public ones and those that are named."""
        chosen = self._with_head().order_by(channels.c.name).limit(limit)
        if names is not None:
            chosen = chosen.where(channels.c.public | channels.c.name.in_(names))
        if after is not None:
            chosen = chosen.where(channels.c.name > after)
        return [_channel(row) for row in self._connection.execute(chosen)]

    def change(
        self, name: ChannelName, *, public: bool | None = None, description: str | None = None
    ) -> None:
        values = {"public": public, "description": description}
        given = {key: value for key, value in values.items() if value is not None}
        if given:
            update = channels.update().where(channels.c.name == name.name)
            self._connection.execute(update.values(**given))

    def remove(self, name: ChannelName) -> None:
        """Remove a channel and all its facts."""
        self._connection.execute(channels.delete().where(channels.c.name == name.name))

    def append(self, channel: HostedChannel, revision: Revision) -> None:
        values = {"channel_id": channel.id, **vars(revision)}
        self._connection.execute(revisions.insert().values(values))

    def revision(self, channel: HostedChannel, number: int) -> Revision:
        """Raises NoSuchRevision; revision 0 is not written down."""
        chosen = self._revisions(channel).where(revisions.c.number == number)
        row = self._connection.execute(chosen).first()
        if row is None:
            raise NoSuchRevision(channel.name, f"revision r{number}", channel.head)
        return _revision(row)

    def last(self, channel: HostedChannel) -> Revision | None:
        """The head's revision; None for a channel without any."""
        return self.revision(channel, channel.head) if channel.head else None

    def number_at(self, channel: HostedChannel, instant: datetime) -> int:
        """The last revision that was made at an instant or before; 0 where there was none."""
        found = self._connection.scalar(
            select(func.max(revisions.c.number)).where(
                revisions.c.channel_id == channel.id, revisions.c.at <= instant
            )
        )
        return int(found or 0)

    def log(
        self, channel: HostedChannel, *, limit: int | None = None, before: int | None = None
    ) -> Iterator[Revision]:
        """Revisions, the newest first."""
        chosen = self._revisions(channel).order_by(revisions.c.number.desc()).limit(limit)
        if before is not None:
            chosen = chosen.where(revisions.c.number < before)
        return (_revision(row) for row in self._connection.execute(chosen))

    def heads(self) -> dict[str, int]:
        """The number of the last revision of every channel, 0 where it has none."""
        rows = self._connection.execute(self._with_head()).all()
        return {row.name: row.head for row in rows}

    def _named(self, name: ChannelName) -> Select[Any]:
        return select(channels.c.id).where(channels.c.name == name.name)

    def _with_head(self) -> Select[Any]:
        head = (
            select(func.coalesce(func.max(revisions.c.number), 0))
            .where(revisions.c.channel_id == channels.c.id)
            .scalar_subquery()
        )
        return select(channels, head.label("head"))

    def _revisions(self, channel: HostedChannel) -> Select[Any]:
        return select(revisions).where(revisions.c.channel_id == channel.id)


def _config(channel: HostedChannel) -> dict[str, Any]:
    match channel.kind:
        case ChannelKind.UNION:
            members = [member.name for member in channel.members]
            return {"members": members, "mode": channel.mode}
        case ChannelKind.PROXY:
            chosen = channel.filter
            return {
                "upstream": channel.upstream,
                "specs": chosen.specs,
                "exclude": chosen.exclude,
                "subdirs": chosen.subdirs,
                "licenses": chosen.licenses,
                "cooldown": chosen.cooldown.total_seconds() if chosen.cooldown else None,
            }
        case ChannelKind.LOCAL:
            return {}


def _channel(row: Row[Any]) -> HostedChannel:
    config = row.config
    cooldown = config.get("cooldown")
    return HostedChannel(
        id=row.id,
        name=ChannelName(row.name),
        kind=ChannelKind(row.kind),
        public=row.public,
        description=row.description,
        created_at=row.created_at,
        created_by=row.created_by,
        head=row.head,
        members=tuple(ChannelName(member) for member in config.get("members", ())),
        mode=UnionMode(config.get("mode", UnionMode.FIRST)),
        upstream=config.get("upstream"),
        filter=Filter(
            specs=tuple(config.get("specs", ())),
            exclude=tuple(config.get("exclude", ())),
            subdirs=tuple(config.get("subdirs", ())),
            licenses=tuple(config.get("licenses", ())),
            cooldown=timedelta(seconds=cooldown) if cooldown else None,
        ),
    )


def _revision(row: Row[Any]) -> Revision:
    values = row._asdict()
    del values["channel_id"]
    return Revision(**values)
