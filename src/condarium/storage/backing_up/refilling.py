"""Putting a dump into a database: in one transaction, so that it is all there or none of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Connection, MetaData, inspect, select, text

from condarium.errors import Conflict
from condarium.model.jobs import JobStatus
from condarium.storage import tables
from condarium.storage.answers import HEAD
from condarium.storage.backing_up.dump import load, read_dump, reflected
from condarium.storage.database import open_engine, translated
from condarium.storage.schema import check_known, hold_alone, revision_of


class StoreNotEmpty(Conflict):
    """The store has something in it already."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"the store is not empty: {found}",
            hint="A backup is restored into an empty store: name another folder with --store, and "
            "an empty database with CONDARIUM_DATABASE.",
        )


@dataclass(frozen=True, kw_only=True)
class Refilled:
    """`rows` by table; `jobs` is how many had not ended, and are failed now."""

    rows: Mapping[str, int]
    jobs: int


def check_empty(url: str | URL) -> None:
    """Raises StoreNotEmpty."""
    with translated():
        engine = open_engine(url)
        try:
            with engine.connect() as connection:
                _check_empty(connection)
        finally:
            engine.dispose()


def refill(url: str | URL, dump: Path, *, at: datetime, maker: int | None = None) -> Refilled:
    """Make an empty database have the rows of a dump, and the newest schema.

    `maker` is the job that made the backup, if one did: it had not ended then, and did its work.

    Raises StoreNotEmpty, StoreTooNew for the dump of a newer condarium, DumpDamaged.
    """
    from condarium.storage.migrate import upgrade

    _, header = next(read_dump(dump))
    check_known(header["revision"])
    with translated():
        engine = open_engine(url)
        try:
            with engine.execution_options(condarium_writes=True).begin() as connection:
                hold_alone(connection)
                _check_empty(connection)
                _make_schema(connection, header["revision"])
                rows = load(connection, dump)
                if header["revision"] != HEAD:
                    upgrade(connection)
                return Refilled(rows=rows, jobs=_end_what_ran(connection, at, maker))
        finally:
            engine.dispose()


def _check_empty(connection: Connection) -> None:
    """Our tables may be there, with nothing in them but the beginning of the audit chain."""
    revision_of(connection)
    for table in reflected(connection, list(tables.metadata.tables)):
        if table.name == "audit_head":
            continue
        if connection.execute(select(table).limit(1)).first() is not None:
            raise StoreNotEmpty(f"its table {table.name} has rows")


def _make_schema(connection: Connection, revision: str) -> None:
    """The empty tables of a revision, in place of those that are there."""
    from condarium.storage.migrate import upgrade

    there = set(inspect(connection).get_table_names())
    old = MetaData()
    old.reflect(connection, only=[name for name in tables.metadata.tables if name in there])
    old.drop_all(connection)
    connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    upgrade(connection, revision)
    for table in reflected(connection, ["audit_head"]):
        connection.execute(table.delete())  # a migration began a chain; the dump has its own


def _end_what_ran(connection: Connection, at: datetime, maker: int | None) -> int:
    """Jobs that waited or ran when the backup was made do so nowhere now."""
    error = {
        "code": "store-restored",
        "message": "the store was restored from a backup that was made before the job ended",
        "hint": "`condarium job retry` begins it again.",
        "data": {},
    }
    jobs = tables.jobs
    own = {"message": "the job made the backup that the store was restored from", "hint": None}
    connection.execute(
        jobs.update()
        .where(jobs.c.id == maker, jobs.c.status == JobStatus.RUNNING)
        .values(status=JobStatus.FAILED, ended_at=at, error=error | own)
    )
    ended = connection.execute(
        jobs.update()
        .where(jobs.c.status.in_([JobStatus.QUEUED, JobStatus.RUNNING]))
        .values(status=JobStatus.FAILED, ended_at=at, error=error)
    )
    workers = tables.workers
    connection.execute(workers.update().where(workers.c.ended_at.is_(None)).values(ended_at=at))
    return ended.rowcount
