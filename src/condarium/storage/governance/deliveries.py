"""Webhooks that were taken, by the SHA-256 of their bodies: the same one again has no effect."""

from datetime import datetime

from sqlalchemy import Connection

from condarium.storage.tables import webhook_deliveries
from condarium.storage.upsert import insert_if_new


class Deliveries:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, digest: str, *, at: datetime) -> bool:
        """Say whether this body has come for the first time."""
        return insert_if_new(self._connection, webhook_deliveries, {"digest": digest, "at": at})

    def forget(self, before: datetime) -> None:
        """What is so old is refused, or does nothing, by itself."""
        old = webhook_deliveries.delete().where(webhook_deliveries.c.at < before)
        self._connection.execute(old)
