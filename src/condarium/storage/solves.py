"""Which lock answered a question: the same spec on the same channels is not solved twice."""

from datetime import datetime

from sqlalchemy import Connection, select

from condarium.storage.tables import solves


class Solves:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, key: str) -> str | None:
        """The digest of the lock that answered this question."""
        return self._connection.scalar(select(solves.c.lock).where(solves.c.key == key))

    def add(self, key: str, lock: str, *, at: datetime) -> None:
        """Remember an answer; where two processes solved at once, the later one stands."""
        self._connection.execute(solves.delete().where(solves.c.key == key))
        self._connection.execute(solves.insert().values(key=key, lock=lock, at=at))

    def locks(self) -> frozenset[str]:
        return frozenset(self._connection.scalars(select(solves.c.lock)))

    def remove_before(self, instant: datetime) -> int:
        """Forget answers older than `instant`, and say how many they were."""
        return self._connection.execute(solves.delete().where(solves.c.at < instant)).rowcount
