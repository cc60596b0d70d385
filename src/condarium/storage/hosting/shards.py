"""Which shard each package name has in each label, from one revision until another.

Rows are a view of the facts, kept because it is asked for at every request; `channel verify`
compares them. The bytes are blobs.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, or_, select, union

from condarium.model.hosting.fact import FactKind
from condarium.model.hosting.hosted import HostedChannel
from condarium.storage.bulk import insert_rows
from condarium.storage.tables import derived, facts, shards
from condarium.storage.upsert import upsert


class ShardKey(NamedTuple):
    label: str
    subdir: str
    name: str


class Shards:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def change(
        self, channel: HostedChannel, changed: dict[ShardKey, bytes | None], *, number: int
    ) -> None:
        """From a revision on, names have these shards, or none. Equal ones must not be given."""
        if not changed:
            return
        self._connection.execute(
            shards.update()
            .where(
                shards.c.channel_id == channel.id,
                shards.c.label == bindparam("of_label"),
                shards.c.subdir == bindparam("of_subdir"),
                shards.c.name == bindparam("of_name"),
                shards.c.until.is_(None),
            )
            .values(until=number),
            [
                {"of_label": key.label, "of_subdir": key.subdir, "of_name": key.name}
                for key in changed
            ],
        )
        rows = [
            {"channel_id": channel.id, **key._asdict(), "since": number, "digest": digest}
            for key, digest in changed.items()
            if digest is not None
        ]
        insert_rows(self._connection, shards, rows)

    def of_names(
        self, channel: HostedChannel, subdir: str, names: Iterable[str]
    ) -> dict[ShardKey, bytes]:
        """The present shards of some names of a subdir, in every label."""
        chosen = self._rows(channel).where(
            shards.c.subdir == subdir, shards.c.name.in_(list(names)), shards.c.until.is_(None)
        )
        return {
            ShardKey(row.label, row.subdir, row.name): row.digest
            for row in self._connection.execute(chosen)
        }

    def at(self, channel: HostedChannel, label: str, *, at: int) -> dict[str, dict[str, bytes]]:
        """By subdir, the digest of each name's shard at a revision."""
        found: dict[str, dict[str, bytes]] = {}
        chosen = select(shards.c.subdir, shards.c.name, shards.c.digest).where(
            shards.c.channel_id == channel.id, shards.c.label == label, _holds(at)
        )
        for subdir, name, digest in self._connection.execute(chosen):
            found.setdefault(subdir, {})[name] = digest
        return found

    def changes(
        self, channel: HostedChannel, label: str, *, after: int, at: int
    ) -> Iterator[tuple[str, str, bytes | None]]:
        """Subdir, name and shard at a revision, where it is another than after an earlier one."""
        touched = (
            select(shards.c.subdir, shards.c.name)
            .where(
                shards.c.channel_id == channel.id,
                shards.c.label == label,
                or_(
                    and_(shards.c.since > after, shards.c.since <= at),
                    and_(shards.c.until > after, shards.c.until <= at),
                ),
            )
            .distinct()
            .subquery()
        )
        present = shards.alias()
        joined = select(touched.c.subdir, touched.c.name, present.c.digest).outerjoin(
            present,
            and_(
                present.c.channel_id == channel.id,
                present.c.label == label,
                present.c.subdir == touched.c.subdir,
                present.c.name == touched.c.name,
                present.c.since <= at,
                or_(present.c.until.is_(None), present.c.until > at),
            ),
        )
        return (tuple(row) for row in self._connection.execute(joined))

    def labels(self, channel: HostedChannel, *, at: int) -> set[str]:
        """The labels that anything has at a revision."""
        chosen = select(shards.c.label).where(shards.c.channel_id == channel.id, _holds(at))
        return set(self._connection.execute(chosen.distinct()).scalars())

    def some_labels(self, channel: HostedChannel, limit: int) -> list[str]:
        """The first labels, by name, that anything has or had; each is one step in an index."""
        found: list[str] = []
        while len(found) < limit:
            following = select(shards.c.label).where(
                shards.c.channel_id == channel.id, shards.c.label > (found[-1] if found else "")
            )
            label = self._connection.scalar(following.order_by(shards.c.label).limit(1))
            if label is None:
                break
            found.append(label)
        return found

    def ever_had(self, channel: HostedChannel, label: str) -> bool:
        """Whether anything has a label, or had it."""
        chosen = select(shards.c.label).where(
            shards.c.channel_id == channel.id, shards.c.label == label
        )
        return self._connection.execute(chosen.limit(1)).first() is not None

    def names(self, channel: HostedChannel, subdir: str) -> set[str]:
        """The names that have a shard now, in any label."""
        chosen = select(shards.c.name).where(
            shards.c.channel_id == channel.id, shards.c.subdir == subdir, shards.c.until.is_(None)
        )
        return set(self._connection.execute(chosen.distinct()).scalars())

    def changed_at(self, channel: HostedChannel, number: int) -> set[tuple[str, str]]:
        """Subdir and name of what a revision shows otherwise than the one before it, anywhere."""
        named = select(shards.c.subdir, shards.c.name).where(shards.c.channel_id == channel.id)
        chosen = union(named.where(shards.c.since == number), named.where(shards.c.until == number))
        return {(row.subdir, row.name) for row in self._connection.execute(chosen)}

    def is_of(self, channel: HostedChannel, digest: bytes) -> bool:
        """Whether any view of the channel names this shard, or has lately."""
        return any(
            self._connection.execute(
                select(table.c.digest).where(
                    table.c.channel_id == channel.id, table.c.digest == digest
                )
            ).first()
            for table in (shards, derived)
        )

    def subdirs_of(self, channel: HostedChannel, digest: bytes) -> set[str]:
        """The subdirs in which a name has, or had, this shard."""
        chosen = select(shards.c.subdir).where(
            shards.c.channel_id == channel.id, shards.c.digest == digest
        )
        return set(self._connection.execute(chosen.distinct()).scalars())

    def derive(self, channel: HostedChannel, digests: Iterable[bytes], at: datetime) -> None:
        """Note shards that a view made of others."""
        for digest in digests:
            key = {"channel_id": channel.id, "digest": digest}
            self._connection.execute(upsert(self._connection, derived, key, values={"at": at}))

    def forget_derived(self, before: datetime) -> None:
        self._connection.execute(derived.delete().where(derived.c.at < before))

    def blobs(self) -> set[str]:
        chosen = union(select(shards.c.digest), select(derived.c.digest))
        upstream = select(facts.c.value).where(
            facts.c.kind == FactKind.SHARD, facts.c.until.is_(None)
        )
        ours = {digest.hex() for digest in self._connection.execute(chosen).scalars()}
        return ours.union(self._connection.execute(upstream).scalars())

    def _rows(self, channel: HostedChannel) -> Select[Any]:
        return select(shards).where(shards.c.channel_id == channel.id)


def _holds(at: int) -> Any:
    return and_(shards.c.since <= at, or_(shards.c.until.is_(None), shards.c.until > at))
