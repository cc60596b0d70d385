"""Which lock answered a question: the same spec on the same channels is not solved twice."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select

from condarium.storage.tables import solves
from condarium.storage.upsert import upsert


class Solves:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, key: str) -> str | None:
        """The digest of the lock that answered this question."""
        return self._connection.scalar(select(solves.c.lock).where(solves.c.key == key))

    def add(self, key: str, lock: str, *, at: datetime) -> None:
        """Remember an answer; where two processes solved at once, the later one stands."""
        values = {"lock": lock, "at": at}
        self._connection.execute(upsert(self._connection, solves, {"key": key}, values=values))

    def locks_since(self, instant: datetime) -> frozenset[str]:
        """The locks that answered a question at `instant` or later."""
        return frozenset(
            self._connection.scalars(select(solves.c.lock).where(solves.c.at >= instant))
        )

    def remove_before(self, instant: datetime, *, keep: Collection[str]) -> None:
        """Forget answers older than `instant`, but for the locks to `keep`."""
        old = self._connection.scalars(select(solves.c.lock).where(solves.c.at < instant))
        for digest in set(old) - set(keep):
            self._connection.execute(
                solves.delete().where(solves.c.lock == digest, solves.c.at < instant)
            )
