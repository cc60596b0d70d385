"""The database: SQLite in WAL mode, or PostgreSQL; opened, migrated, and used in units of work."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from functools import cached_property
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from condarium.model.actor import Actor
from condarium.storage.advisory import AdvisoryLock
from condarium.storage.answers import HEAD
from condarium.storage.facts import Facts
from condarium.storage.failures import BadStoreAddress, StoreBusy, say_database_error
from condarium.storage.holding import Flock, StoreLock
from condarium.storage.locks import locked
from condarium.storage.schema import bring_up, check_unchanged, revision_of
from condarium.storage.sqlite import Watch, sqlite_engine

_KEPT = 4
_MOST = 24
"""How many connections to PostgreSQL a process has to read with, and as many to write with; some
are kept. With more than two such processes, it has to allow more than its usual 100."""


class Database:
    """Facts, read and changed in units of work: a unit commits whole or not at all."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._reading, self._writing = _modes(engine)
        self._now = now

    @contextmanager
    def read(self) -> Iterator[Facts]:
        """Facts as of one instant, however many questions are asked; nobody waits for a reader."""
        with translated(), self._reading.connect() as connection:
            yield Facts(connection)

    @contextmanager
    def change(
        self,
        actor: Actor,
        action: str,
        target: str,
        detail: Mapping[str, str] | None = None,
    ) -> Iterator[Facts]:
        """A unit of work that changes facts, and the audit entry that goes with it.

        In a job that somebody else has taken over meanwhile, raises JobTakenOver: a job's changes
        are made by one attempt only. So are those of a request with a key: raises
        RequestTakenOver.
        """
        with self.note() as facts:
            yield facts
            if actor.job:
                facts.jobs.commit(actor.job, at=self._now())
            if actor.request:
                facts.idempotency.commit(actor.request)
            facts.audit.add(
                at=self._now(), actor=actor, action=action, target=target, detail=detail or {}
            )

    @contextmanager
    def note(self) -> Iterator[Facts]:
        """A unit of work on what can be found out again: no audit entry goes with it."""
        with translated(), self._writing.begin() as connection:
            yield Facts(connection)

    def check_schema(self) -> None:
        """Raise DatabaseFailed where it does not answer, SchemaChanged where it is another now."""
        with translated(), self._reading.connect() as connection:
            check_unchanged(connection)

    def version(self) -> int | None:
        """A number that changes with every commit, quick to ask for; None where there is none."""
        return None if self._watch is None else self._watch.version()

    @cached_property
    def lock(self) -> StoreLock:
        """The store's lock where the facts are: it reaches all who share them."""
        if self._engine.dialect.name == "postgresql":
            return AdvisoryLock(self._engine)
        return Flock(Path(f"{self._engine.url.database}-lock"))

    def try_alone(self, name: str) -> AbstractContextManager[object] | None:
        """Have a lock of this name until that is left; None where somebody else has it.

        It reaches all machines that share the facts; with SQLite that is this one, and whoever asks
        has to have a lock of its files besides.
        """
        if self._engine.dialect.name != "postgresql":
            return nullcontext()
        return AdvisoryLock(self._engine, name=name).alone(patience=0)

    @cached_property
    def _watch(self) -> Watch | None:
        url = self._engine.url
        if self._engine.dialect.name != "sqlite" or not url.database:
            return None
        return Watch(Path(url.database))

    def close(self) -> None:
        if watch := vars(self).get("_watch"):
            watch.close()
        for engine in (self._reading, self._writing, self._engine):
            engine.dispose()


def open_database(
    url: str | URL, *, lock: Path, now: Callable[[], datetime], upgrade: bool | None = True
) -> Database:
    """Open the database at a SQLAlchemy URL; make its schema where it is empty.

    An older schema is brought up to date if `upgrade` says so, or for None if it is SQLite's: a
    PostgreSQL database has other users. `lock` is a file that keeps two processes of one machine
    from migrating at once. Raises StoreTooNew where a newer condarium has been here, StoreTooOld,
    SchemaBroken, DatabaseFailed where it cannot be reached, BadStoreAddress where the URL is not
    one of SQLite or PostgreSQL.
    """
    engine = open_engine(url)
    even_if_older = engine.dialect.name == "sqlite" if upgrade is None else upgrade
    try:
        with translated():
            with engine.connect() as connection:
                revision = revision_of(connection)
            if revision != HEAD:
                with locked(lock):
                    bring_up(engine, even_if_older=even_if_older)
    except BaseException:
        engine.dispose()
        raise
    return Database(engine, now=now)


def import_whole() -> None:
    """Import the part of SQLAlchemy that we do not use, before there are threads.

    Libraries of ours do. While one thread imports it, statements that another makes can fail.
    """
    import sqlalchemy.orm  # noqa: F401


def open_engine(url: str | URL) -> Engine:
    """Reach a database, whatever it holds. Raises BadStoreAddress."""
    expected = "sqlite:///FILE or postgresql://USER@HOST/DATABASE"
    try:
        parsed = make_url(url)
    except ArgumentError as error:  # what was found may hold a password
        raise BadStoreAddress("CONDARIUM_DATABASE", "no URL", expected) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return sqlite_engine(parsed.set(drivername="sqlite"))
    if backend not in ("postgresql", "postgres"):
        raise BadStoreAddress("CONDARIUM_DATABASE", f"{backend}://", expected)
    try:
        return _postgresql_engine(parsed.set(drivername="postgresql+psycopg"))
    except ModuleNotFoundError as error:
        raise BadStoreAddress(
            "CONDARIUM_DATABASE",
            "a PostgreSQL database, and no psycopg to reach it with",
            "both",
            hint="Install it: pip install 'condarium[postgresql]'",
        ) from error


def _modes(engine: Engine) -> tuple[Engine, Engine]:
    """An engine to read with, and one to write with.

    A reader sees one snapshot. SQLite's always do; on PostgreSQL it is asked for, and writers go
    without: they must see what those whom they waited for have committed. There readers have
    connections of their own, too: writers may have all of theirs while they wait for each other.
    """
    writing = engine.execution_options(condarium_writes=True)
    if engine.dialect.name == "sqlite":
        return engine, writing
    reading = _postgresql_engine(engine.url).execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )
    return reading, writing


def _postgresql_engine(url: URL) -> Engine:
    return create_engine(url, pool_size=_KEPT, max_overflow=_MOST - _KEPT)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the driver raises into our own error, at the edge."""
    try:
        yield
    except DBAPIError as error:
        raise say_database_error(error.orig or error) from error
    except NoConnectionFree as error:
        raise StoreBusy from error
