"""The schema of a database: of which revision it is, and how it comes to another."""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, inspect, text

from condarium.errors import Conflict, StoreTooNew
from condarium.storage.answers import HEAD

_MIGRATING = 0x636F6E64
"""Names the lock that whoever migrates a PostgreSQL database holds there."""
_FIRST_TABLE = "environments"


class StoreTooOld(Conflict):
    """The store's database is of an earlier release."""

    def __init__(self, *, found: str, known: str) -> None:
        self.found, self.known = found, known
        super().__init__(
            f"the store's database is of schema revision {found}; this condarium needs {known}",
            hint="Stop what still uses the older release, back up, and run `condarium upgrade`; or "
            "set CONDARIUM_AUTO_UPGRADE=1 to have it done when the database is opened.",
        )


class SchemaBroken(Conflict):
    """The database has tables, and does not say of which revision they are."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"the store's database is half migrated, or not condarium's: {found}",
            hint="condarium migrates in one transaction, so somebody else changed it. Restore a "
            "backup into an empty database.",
        )


class SchemaChanged(Conflict):
    """The database has been migrated, or lost its schema, since it was opened."""

    def __init__(self, *, found: str | None, known: str) -> None:
        self.found, self.known = found, known
        super().__init__(
            f"the store's database is of schema revision {found} now; this condarium needs {known}",
            hint="Start the release of whoever migrated it.",
        )


@dataclass(frozen=True)
class Migrated:
    """`before` is None for a database that was empty."""

    before: str | None
    after: str


def revision_of(connection: Connection) -> str | None:
    """The schema's revision; None for a database without one. Raises SchemaBroken."""
    found = inspect(connection)
    if not found.has_table("alembic_version"):
        if found.has_table(_FIRST_TABLE):
            raise SchemaBroken(f"there is a table {_FIRST_TABLE!r}, and no revision")
        return None
    rows = [str(row[0]) for row in connection.execute(text("SELECT * FROM alembic_version"))]
    if len(rows) > 1:
        raise SchemaBroken(f"it says that it is of the revisions {', '.join(sorted(rows))}")
    if not rows and found.has_table(_FIRST_TABLE):
        raise SchemaBroken(f"there is a table {_FIRST_TABLE!r}, and no revision")
    return rows[0] if rows else None


def check_unchanged(connection: Connection) -> None:
    """Raises SchemaChanged where the revision is no longer the one that this release works with."""
    if (found := revision_of(connection)) != HEAD:
        raise SchemaChanged(found=found, known=HEAD)


def check_known(revision: str | None) -> None:
    """Raises StoreTooNew for a revision that only a newer condarium knows."""
    # Alembic takes half a second to import, and is needed once in a store's life.
    from condarium.storage.migrate import known_revisions

    if revision is not None and revision not in known_revisions():
        raise StoreTooNew(found=revision, known=HEAD)


def bring_up(engine: Engine, *, even_if_older: bool = True) -> Migrated:
    """Bring the schema up to date, in one transaction that nobody else's overlaps.

    Raises StoreTooNew, SchemaBroken, and StoreTooOld for one that is older and is to stay so.
    """
    from condarium.storage.migrate import upgrade

    with engine.execution_options(condarium_writes=True).begin() as connection:
        hold_alone(connection)
        before = revision_of(connection)
        check_known(before)
        if before is not None and before != HEAD and not even_if_older:
            raise StoreTooOld(found=before, known=HEAD)
        if before != HEAD:
            upgrade(connection)
    return Migrated(before, HEAD)


def hold_alone(connection: Connection) -> None:
    """Keep all others from migrating until the transaction ends; they may be elsewhere."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
