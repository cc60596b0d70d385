"""What channels have, counted; and since when, and until when, facts held."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, case, func, or_, select

from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.hosted import HostedChannel
from condarium.storage.tables import facts, files, shards


class Span(NamedTuple):
    """A fact, from the revision that opened it until the one that closed it, if any did."""

    fact: Fact
    since: int
    until: int | None


class SubdirCount(NamedTuple):
    """What a subdir has now, under any label; `size` in bytes, as far as sizes are known."""

    subdir: str
    packages: int
    files: int
    size: int


class LabelCount(NamedTuple):
    """What has a label now, and the last revision that gave it to a file or took it from one."""

    label: str
    packages: int
    files: int
    changed: int


class Contents:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def names(self, channel: HostedChannel, label: str | None = None) -> set[str]:
        """The packages that are shown now, under a label or under any."""
        chosen = select(shards.c.name).where(
            shards.c.channel_id == channel.id, shards.c.until.is_(None)
        )
        if label is not None:
            chosen = chosen.where(shards.c.label == label)
        return set(self._connection.execute(chosen.distinct()).scalars())

    def count(self, channel: HostedChannel, kind: FactKind) -> int:
        """How many facts of a kind hold now."""
        chosen = select(func.count()).select_from(facts).where(_now(channel, kind))
        return int(self._connection.scalar(chosen) or 0)

    def subdirs(self, channel: HostedChannel) -> list[SubdirCount]:
        chosen = (
            select(
                facts.c.subdir,
                func.count(facts.c.name.distinct()),
                func.count(),
                func.coalesce(func.sum(files.c.size), 0),
            )
            .join(
                files,
                and_(
                    files.c.channel_id == facts.c.channel_id,
                    files.c.subdir == facts.c.subdir,
                    files.c.file_name == facts.c.file_name,
                ),
            )
            .where(_now(channel, FactKind.FILE))
            .group_by(facts.c.subdir)
            .order_by(facts.c.subdir)
        )
        return [
            SubdirCount(subdir, packages, count, int(size))
            for subdir, packages, count, size in self._connection.execute(chosen)
        ]

    def labels(self, channel: HostedChannel) -> list[LabelCount]:
        """The labels that any file has."""
        holds = facts.c.until.is_(None)
        chosen = (
            select(
                facts.c.value,
                func.count(case((holds, facts.c.name)).distinct()),
                func.count(case((holds, 1))),
                func.max(facts.c.since),
                func.max(facts.c.until),
            )
            .where(facts.c.channel_id == channel.id, facts.c.kind == FactKind.LABEL)
            .group_by(facts.c.value)
            .order_by(facts.c.value)
        )
        return [
            LabelCount(label, packages, count, max(since, until or 0))
            for label, packages, count, since, until in self._connection.execute(chosen)
            if count
        ]

    def spans(self, channel: HostedChannel, kind: FactKind) -> list[Span]:
        """Every fact of a kind, in the order in which they were opened."""
        chosen = self._spans(channel).where(facts.c.kind == kind)
        if kind is FactKind.PATCH:  # found by index: no other kind is about no package
            chosen = chosen.where(facts.c.subdir == "", facts.c.name == "")
        return [_span(row) for row in self._connection.execute(chosen.order_by(facts.c.since))]

    def spans_of(self, channel: HostedChannel, name: str, subdirs: Iterable[str]) -> list[Span]:
        """All facts there ever were about a package."""
        chosen = self._spans(channel).where(facts.c.subdir.in_(list(subdirs)))
        return [_span(row) for row in self._connection.execute(chosen.where(facts.c.name == name))]

    def differing(self, channel: HostedChannel, before: int, after: int) -> Iterator[Span]:
        """Spans that reach over one of two revisions only.

        A fact that ended and began again in between has two of them.
        """
        chosen = self._spans(channel).where(
            or_(
                and_(
                    facts.c.since > before,
                    facts.c.since <= after,
                    or_(facts.c.until.is_(None), facts.c.until > after),
                ),
                and_(facts.c.until > before, facts.c.until <= after, facts.c.since <= before),
            )
        )
        return (_span(row) for row in self._connection.execute(chosen))

    def changed_at(
        self, channel: HostedChannel, number: int, *, limit: int | None
    ) -> tuple[list[Fact], list[Fact]]:
        """The first facts that a revision opened, and closed: at most `limit` in all."""
        found: list[list[Fact]] = []
        for column in (facts.c.since, facts.c.until):
            chosen = self._spans(channel).where(column == number).order_by(facts.c.id)
            rows = self._connection.execute(chosen.limit(limit))
            found.append([_span(row).fact for row in rows])
            limit = None if limit is None else limit - len(found[-1])
        return found[0], found[1]

    def reshown(self, channel: HostedChannel, name: str, subdirs: Iterable[str]) -> set[int]:
        """The revisions at which what is shown of a package changed, in any label."""
        chosen = select(shards.c.since, shards.c.until).where(
            shards.c.channel_id == channel.id,
            shards.c.subdir.in_(list(subdirs)),
            shards.c.name == name,
        )
        found = {number for row in self._connection.execute(chosen) for number in row}
        return found - {None}

    def _spans(self, channel: HostedChannel) -> Select[Any]:
        columns = [facts.c[name] for name in Fact.__dataclass_fields__]
        return select(*columns, facts.c.since, facts.c.until).where(
            facts.c.channel_id == channel.id
        )


def _now(channel: HostedChannel, kind: FactKind) -> Any:
    return and_(facts.c.channel_id == channel.id, facts.c.kind == kind, facts.c.until.is_(None))


def _span(row: Row[Any]) -> Span:
    values = row._asdict()
    since, until = values.pop("since"), values.pop("until")
    return Span(Fact(**{**values, "kind": FactKind(row.kind)}), since, until)
