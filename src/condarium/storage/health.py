"""Questions to a database about itself."""

from datetime import UTC, datetime

from sqlalchemy import Connection, func, inspect, select, text

from condarium.model.jobs import Job, JobFilter, JobStatus
from condarium.storage.tables import audit, metadata, principals, signing_keys
from condarium.storage.work.jobs import Jobs


class Health:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def engine(self) -> str:
        return "PostgreSQL" if self._connection.dialect.name == "postgresql" else "SQLite"

    def missing_tables(self) -> list[str]:
        """Tables that there should be."""
        return sorted({*metadata.tables} - {*inspect(self._connection).get_table_names()})

    def damage(self) -> str | None:
        """What SQLite says is wrong with its file; PostgreSQL looks after its own."""
        if self.engine != "SQLite":
            return None
        rows = self._connection.scalars(text("PRAGMA quick_check(5)")).all()
        return None if rows == ["ok"] else "; ".join(map(str, rows))

    def journal(self) -> str:
        return str(self._connection.scalar(text("PRAGMA journal_mode")))

    def now(self) -> datetime | None:
        """The database server's clock; None where it is this machine's."""
        if self.engine == "SQLite":
            return None
        found: datetime | None = self._connection.scalar(text("SELECT clock_timestamp()"))
        return found.astimezone(UTC) if found else None

    def keeps_secrets(self) -> bool:
        """Whether passwords or keys are in the database."""
        tables = (principals, signing_keys)
        return any(self._connection.execute(select(each).limit(1)).first() for each in tables)

    def last_instant(self) -> datetime | None:
        found: datetime | None = self._connection.scalar(select(func.max(audit.c.at)))
        return found

    def jobs_of(self, status: JobStatus) -> list[Job]:
        return Jobs(self._connection).find(JobFilter(status=status))
