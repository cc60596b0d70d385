"""What prefixes were built: the first build of each says what every later one must be."""

from sqlalchemy import Connection, select

from condarium.model.environment import Prefix
from condarium.storage.tables import prefixes
from condarium.storage.upsert import upsert


class Prefixes:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, prefix: str) -> Prefix | None:
        row = self._connection.execute(select(prefixes).where(prefixes.c.id == prefix)).first()
        return Prefix(**row._mapping) if row else None

    def all(self) -> dict[str, Prefix]:
        rows = self._connection.execute(select(prefixes))
        return {row.id: Prefix(**row._mapping) for row in rows}

    def put(self, prefix: Prefix) -> None:
        """Note a prefix as built, in place of what was known of it."""
        values = dict(vars(prefix))
        key = {"id": values.pop("id")}
        self._connection.execute(upsert(self._connection, prefixes, key, values=values))

    def remove(self, prefix: str) -> None:
        self._connection.execute(prefixes.delete().where(prefixes.c.id == prefix))
