"""Webhooks that were taken, by the SHA-256 of their bodies: the same one again has no effect."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from condarium.storage.tables import webhook_deliveries
from condarium.storage.upsert import insert_and_tell


class Deliveries:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, digests: Iterable[str], *, at: datetime) -> set[str]:
        """Say which bodies have come for the first time."""
        rows = [{"digest": digest, "at": at} for digest in sorted(set(digests))]
        told = insert_and_tell(self._connection, webhook_deliveries, rows, "digest")
        return {digest for (digest,) in told}

    def forget(self, before: datetime) -> None:
        """What is so old is refused, or does nothing, by itself."""
        old = webhook_deliveries.delete().where(webhook_deliveries.c.at < before)
        self._connection.execute(old)
