"""Which monolithic encodings of views there are.

Rows are a view of the facts, kept because it is long in the making. The bytes are blobs.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, and_, func, select

from condarium.model.hosting.encoded import Encoded, EncodedSet
from condarium.model.hosting.hosted import HostedChannel
from condarium.storage.tables import (
    builds,
    channels,
    encodings,
    files,
    generations,
    patches,
    prefixes,
    solves,
    sources,
)

_AT_ONCE = 400
"""How many values one statement asks for; SQLite allows a limited number of variables."""

_NAMING: tuple[Column[str], ...] = (
    *(encodings.c.digest, files.c.sha256, patches.c.document, sources.c.sha256),
    *(generations.c.spec, generations.c.lock, prefixes.c.manifest, solves.c.lock, builds.c.log),
)
"""The columns that name blobs, without those that name shards: no file that is JSON is a shard."""


class Encodings:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, channel: HostedChannel, view: str, subdir: str) -> EncodedSet | None:
        """The set of files of a view's subdir, or of the view where the subdir is empty."""
        return _set(self._connection.execute(_of(channel, view, subdir)).all())

    def alike(self, channel: HostedChannel, subdir: str, content: str) -> EncodedSet | None:
        """The set of any view of the channel that joins the same shards."""
        same = select(encodings).where(
            encodings.c.channel_id == channel.id,
            encodings.c.subdir == subdir,
            encodings.c.content == content,
        )
        rows = self._connection.execute(same).all()
        return _set([row for row in rows if row.view == rows[0].view])

    def keep(
        self, channel: HostedChannel, view: str, subdir: str, made: EncodedSet, *, at: datetime
    ) -> set[str]:
        """Put a set in the place of the one before, and give the digests that it replaces.

        `at` is when the view was opened: what somebody else made of it later stays, and this set
        is what is replaced. So it is where the channel is gone.
        """
        if not self._hold(channel):
            return {encoded.digest for encoded in made.files.values()}
        before = self._connection.execute(_of(channel, view, subdir)).all()
        new = {encoded.digest for encoded in made.files.values()}
        old = {row.digest for row in before}
        if any(row.at > at for row in before):
            return new - old
        key = {"channel_id": channel.id, "view": view, "subdir": subdir}
        self._connection.execute(encodings.delete().where(_is(channel, view, subdir)))
        rows = [
            {**key, **vars(encoded), "content": made.content, "at": at}
            for encoded in made.files.values()
        ]
        self._connection.execute(encodings.insert(), rows)
        return old - new

    def _hold(self, channel: HostedChannel) -> bool:
        """Let nobody else keep sets of a channel until this unit of work ends."""
        chosen = select(channels.c.id).where(channels.c.id == channel.id).with_for_update()
        return self._connection.execute(chosen).first() is not None

    def of_the_present(self) -> dict[tuple[str, str], datetime]:
        """When the sets of views that change were made, by view and subdir, the oldest first."""
        at = func.max(encodings.c.at)
        chosen = select(encodings.c.view, encodings.c.subdir, at.label("made"))
        changing = chosen.where(encodings.c.view.not_like("%/as-of/%"))
        grouped = changing.group_by(encodings.c.view, encodings.c.subdir).order_by(at)
        return {(row.view, row.subdir): row.made for row in self._connection.execute(grouped)}

    def drop(self, sets: Iterable[tuple[str, str]]) -> set[str]:
        """Drop sets, by view and subdir, and give the digests that they had."""
        dropped: set[str] = set()
        for view, subdir in sets:
            owner = select(channels.c.id).where(channels.c.name == view.partition("/")[0])
            these = and_(
                encodings.c.channel_id == owner.scalar_subquery(),
                encodings.c.view == view,
                encodings.c.subdir == subdir,
            )
            found = self._connection.execute(select(encodings.c.digest).where(these))
            dropped.update(found.scalars())
            self._connection.execute(encodings.delete().where(these))
        return dropped

    def forget(self, channel: HostedChannel, view: str, subdir: str) -> None:
        """Drop a set; whoever asks for it has it made again."""
        self._connection.execute(encodings.delete().where(_is(channel, view, subdir)))

    def forget_past(self, before: datetime) -> None:
        """Drop the sets of views of the past that were made before an instant."""
        self._connection.execute(
            encodings.delete().where(encodings.c.view.like("%/as-of/%"), encodings.c.at < before)
        )

    def abouts(
        self, channel: HostedChannel, subdir: str, file_names: Iterable[str]
    ) -> Mapping[str, bytes]:
        """What about.json says of some files of a subdir, where it says anything."""
        wanted = sorted(file_names)
        found: dict[str, bytes] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            chosen = select(files.c.file_name, files.c.about).where(
                files.c.channel_id == channel.id,
                files.c.subdir == subdir,
                files.c.file_name.in_(wanted[start : start + _AT_ONCE]),
                files.c.about.is_not(None),
            )
            found |= {row.file_name: row.about for row in self._connection.execute(chosen)}
        return found

    def blobs(self) -> set[str]:
        return set(self._connection.execute(select(encodings.c.digest).distinct()).scalars())

    def named(self, digests: Iterable[str]) -> set[str]:
        """Those of some blobs, which are or were encodings, that any row of any table names."""
        wanted = sorted(digests)
        found: set[str] = set()
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            for column in _NAMING:
                found.update(self._connection.execute(_among(column, part)).scalars())
        return found


def _among(column: Column[str], digests: Sequence[str]) -> Select[str]:
    return select(column).where(column.in_(digests))


def _set(rows: Sequence[Row[Any]]) -> EncodedSet | None:
    if not rows:
        return None
    found = {
        row.file_name: Encoded(
            file_name=row.file_name, digest=row.digest, size=row.size, revision=row.revision
        )
        for row in rows
    }
    return EncodedSet(content=rows[0].content, revision=rows[0].revision, files=found)


def _of(channel: HostedChannel, view: str, subdir: str) -> Select[Any]:
    return select(encodings).where(_is(channel, view, subdir))


def _is(channel: HostedChannel, view: str, subdir: str) -> ColumnElement[bool]:
    return and_(
        encodings.c.channel_id == channel.id,
        encodings.c.view == view,
        encodings.c.subdir == subdir,
    )
