"""The database: SQLite in WAL mode, or PostgreSQL; opened, migrated, and used in units of work."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from condarium.errors import DatabaseFailed, StoreTooNew
from condarium.model.actor import Actor
from condarium.storage.facts import Facts
from condarium.storage.locks import locked
from condarium.storage.tables import HEAD


class Database:
    """Facts, read and changed in units of work: a unit commits whole or not at all."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    @contextmanager
    def read(self) -> Iterator[Facts]:
        with _translated(), self._engine.connect() as connection:
            yield Facts(connection)

    @contextmanager
    def change(
        self,
        actor: Actor,
        action: str,
        target: str,
        detail: Mapping[str, str] | None = None,
    ) -> Iterator[Facts]:
        """A unit of work that changes facts, and the audit entry that goes with it."""
        with self.note() as facts:
            yield facts
            facts.audit.add(
                at=self._now(), actor=actor.name, action=action, target=target, detail=detail or {}
            )

    @contextmanager
    def note(self) -> Iterator[Facts]:
        """A unit of work on what can be found out again: no audit entry goes with it."""
        writing = self._engine.execution_options(condarium_writes=True)
        with _translated(), writing.begin() as connection:
            yield Facts(connection)

    def close(self) -> None:
        self._engine.dispose()


def open_database(url: str, *, lock: Path, now: Callable[[], datetime]) -> Database:
    """Open the database at a SQLAlchemy URL and bring its schema up to date.

    `lock` is a file that keeps two processes of one machine from migrating at once. Raises
    StoreTooNew where a newer condarium has been here, DatabaseFailed where it cannot be reached.
    """
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    with _translated():
        if _revision(engine) != HEAD:
            with locked(lock):
                _migrate(engine)
    return Database(engine, now=now)


def _prepare_sqlite(engine: Engine) -> None:
    """WAL, waiting for writers, and transactions that we begin ourselves.

    The driver's own handling begins too late for a transaction that reads before it writes, which
    then fails with "database is locked" instead of waiting.
    """

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout=60000")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("condarium_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _revision(engine: Engine) -> str | None:
    """The schema's revision; None for a database without one."""
    with engine.connect() as connection:
        if not engine.dialect.has_table(connection, "alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine) -> None:
    revision = _revision(engine)
    if revision == HEAD:
        return
    # Alembic takes half a second to import, and is needed once in a store's life.
    from condarium.storage.migrate import known_revisions, upgrade

    if revision is not None and revision not in known_revisions():
        raise StoreTooNew(found=revision, known=HEAD)
    with engine.execution_options(condarium_writes=True).begin() as connection:
        upgrade(connection)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what the driver raises into our own error, at the edge."""
    try:
        yield
    except (OperationalError, DBAPIError) as error:
        raise DatabaseFailed(str(error.orig).strip()) from error
