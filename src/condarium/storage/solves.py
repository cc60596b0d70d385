"""Which lock answered a question: the same spec on the same channels is not solved twice."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select

from condarium.storage.answers import Answer
from condarium.storage.tables import solves
from condarium.storage.upsert import upsert


class Solves:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, key: str) -> Answer | None:
        """What answered this question."""
        row = self._connection.execute(select(solves).where(solves.c.key == key)).first()
        return Answer(lock=row.lock, packages=row.packages) if row else None

    def add(self, key: str, answer: Answer, *, at: datetime) -> None:
        """Remember an answer; where two processes solved at once, the later one stands."""
        values = {"lock": answer.lock, "packages": dict(answer.packages), "at": at}
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
