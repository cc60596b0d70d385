"""All rows about a channel, whatever they say: for comparing them with one another."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection, select, union

from condarium.model.hosting.hosted import HostedChannel
from condarium.storage.hosting.shards import ShardKey
from condarium.storage.tables import encodings, facts, files, shards

_AT_ONCE = 400


class ShardSpan(NamedTuple):
    """A shard that a name has from a revision until another."""

    key: ShardKey
    digest: bytes
    since: int
    until: int | None

    def holds(self, number: int) -> bool:
        return self.since <= number and (self.until is None or number < self.until)


class Inspection:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def names(self, channel: HostedChannel) -> dict[str, list[str]]:
        """By subdir, every package name of which there is or was anything."""
        chosen = union(
            *(
                select(table.c.subdir, table.c.name).where(table.c.channel_id == channel.id)
                for table in (facts, files, shards)
            )
        )
        found: dict[str, list[str]] = {}
        for subdir, name in self._connection.execute(chosen):
            if name:
                found.setdefault(subdir, []).append(name)
        return {subdir: sorted(names) for subdir, names in sorted(found.items())}

    def shards(
        self, channel: HostedChannel, subdir: str, names: Iterable[str]
    ) -> Iterator[ShardSpan]:
        """The shards that some names have or had, in every label."""
        rest = iter(names)
        while part := list(islice(rest, _AT_ONCE)):
            chosen = select(shards).where(
                shards.c.channel_id == channel.id,
                shards.c.subdir == subdir,
                shards.c.name.in_(part),
            )
            for row in self._connection.execute(chosen):
                key = ShardKey(row.label, row.subdir, row.name)
                yield ShardSpan(key, row.digest, row.since, row.until)

    def encoded(self, channel: HostedChannel) -> list[tuple[str, str]]:
        """The views and subdirs of which files are kept."""
        chosen = select(encodings.c.view, encodings.c.subdir).distinct()
        chosen = chosen.where(encodings.c.channel_id == channel.id)
        rows = self._connection.execute(chosen.order_by(encodings.c.view, encodings.c.subdir))
        return [(row.view, row.subdir) for row in rows]
