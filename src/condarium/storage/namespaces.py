"""Namespaces: what owns environments, and how much of everything they may have."""

from datetime import datetime

from sqlalchemy import Connection, select

from condarium.errors import NoSuchNamespace
from condarium.storage.tables import namespaces
from condarium.storage.upsert import insert_new


def ensure_namespace(connection: Connection, name: str, *, at: datetime, actor: str) -> None:
    """Have a namespace: the first environment in it makes one where there is none."""
    insert_new(connection, namespaces, [{"name": name, "created_at": at, "created_by": actor}])


def namespace_id(connection: Connection, name: str) -> int:
    """Raises NoSuchNamespace."""
    found = connection.scalar(select(namespaces.c.id).where(namespaces.c.name == name))
    if found is None:
        raise NoSuchNamespace(name)
    return int(found)


class Namespaces:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
