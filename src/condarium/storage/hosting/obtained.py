"""Which bytes each channel got itself, rather than only heard of.

A record or an index elsewhere may name any hash, that of another channel's private bytes as well:
that a blob is there says nothing about who may have it.
"""

from collections.abc import Iterable
from itertools import islice

from sqlalchemy import Connection, Table, select

from condarium.model.hosting.hosted import ChannelKind, HostedChannel
from condarium.storage.tables import derived, obtained, shards
from condarium.storage.upsert import insert_new

_AT_ONCE = 400
"""How many values one statement asks for; SQLite allows a limited number of variables."""


class Obtained:
    """Digests are the 32 bytes of a SHA-256."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, channel: HostedChannel, digests: Iterable[bytes]) -> None:
        """Note what a channel fetched, was handed, or made; noting it again changes nothing."""
        rows = [{"channel_id": channel.id, "digest": digest} for digest in sorted({*digests})]
        insert_new(self._connection, obtained, rows)

    def among(self, channel: HostedChannel, digests: Iterable[bytes]) -> set[bytes]:
        """Those that are noted of the channel."""
        return self._of(obtained, channel, digests)

    def shards_among(self, channel: HostedChannel, digests: Iterable[bytes]) -> set[bytes]:
        """The shards that the channel made or fetched: a proxy's indexes name others as well."""
        digests = list(digests)
        other = obtained if channel.kind is ChannelKind.PROXY else shards
        return self._of(derived, channel, digests) | self._of(other, channel, digests)

    def _of(self, table: Table, channel: HostedChannel, digests: Iterable[bytes]) -> set[bytes]:
        found: set[bytes] = set()
        rest = iter(digests)
        while part := list(islice(rest, _AT_ONCE)):
            chosen = select(table.c.digest).where(
                table.c.channel_id == channel.id, table.c.digest.in_(part)
            )
            found.update(self._connection.execute(chosen).scalars())
        return found
