"""A lock in PostgreSQL, which reaches all machines that share the facts.

It belongs to a connection of its own, so that PostgreSQL takes it back when its holder dies. Who
waits to have it alone holds up those who come later, as PostgreSQL does with all its locks.
"""

import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from condarium.storage.failures import say_database_error

_KEY = 0x636F6E65
"""Names the lock among those of a database."""


class AdvisoryLock:
    def __init__(self, engine: Engine, *, name: str = "") -> None:
        """The store's own lock, or another one that has a name."""
        self._key = _KEY + zlib.crc32(name.encode()) if name else _KEY
        self._engine = create_engine(engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")

    @contextmanager
    def shared(self, *, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        with self._connected() as connection:
            if not self._ask(connection, "pg_try_advisory_lock_shared"):
                if waiting:
                    waiting()
                self._ask(connection, "pg_advisory_lock_shared")
            yield

    def alone(self, *, patience: float) -> AbstractContextManager[None] | None:
        with ExitStack() as held:
            connection = held.enter_context(self._connected())
            had = self._ask(connection, "pg_try_advisory_lock")
            if not had and not self._insist(connection, patience):
                return None
            return held.pop_all()  # type: ignore[return-value]  # it gives itself; nobody looks

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection whose end is the end of its locks."""
        try:
            connection = self._engine.connect()
        except DBAPIError as error:
            raise say_database_error(error.orig or error) from error
        with connection:
            yield connection

    def _insist(self, connection: Connection, patience: float) -> bool:
        if not patience:
            return False
        connection.execute(text(f"SET lock_timeout = {round(patience * 1000)}"))
        try:
            self._ask(connection, "pg_advisory_lock")
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != "55P03":  # lock_not_available
                raise say_database_error(error.orig or error) from error
            return False
        return True

    def _ask(self, connection: Connection, function: str) -> object:
        return connection.scalar(text(f"SELECT {function}(:key)"), {"key": self._key})
