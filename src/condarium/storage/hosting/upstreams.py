"""What proxies know of the channels behind them: no fact, for it can be found out again."""

from dataclasses import asdict

from sqlalchemy import Connection, select

from condarium.model.hosting.hosted import HostedChannel
from condarium.model.hosting.upstream import UpstreamIndex, UpstreamState
from condarium.storage.tables import upstreams
from condarium.storage.upsert import upsert


class Upstreams:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def state(self, channel: HostedChannel) -> UpstreamState | None:
        """None for a proxy that has never asked."""
        chosen = select(upstreams).where(upstreams.c.channel_id == channel.id)
        row = self._connection.execute(chosen).first()
        if row is None:
            return None
        values = row._asdict()
        del values["channel_id"]
        indexes = {subdir: UpstreamIndex(**each) for subdir, each in values["indexes"].items()}
        return UpstreamState(**{**values, "indexes": indexes})

    def keep(self, channel: HostedChannel, state: UpstreamState) -> None:
        indexes = {subdir: asdict(each) for subdir, each in state.indexes.items()}
        values = {**vars(state), "indexes": indexes}
        key = {"channel_id": channel.id}
        self._connection.execute(upsert(self._connection, upstreams, key, values=values))
