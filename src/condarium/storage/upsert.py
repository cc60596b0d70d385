"""INSERT … ON CONFLICT: SQLite and PostgreSQL spell it alike, SQLAlchemy once for each."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table


def upsert(
    connection: Connection,
    table: Table,
    key: Mapping[str, Any],
    *,
    values: Mapping[str, Any] | None = None,
    at_first: Mapping[str, Any] | None = None,
) -> Any:
    """A statement that gives the row of this key these values; `at_first` only where it is new.

    Two transactions that do so at once wait for each other, and both succeed.
    """
    changed = {**key, **(values or {})}
    statement = _insert(connection)(table).values(**changed, **(at_first or {}))
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed)


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those rows whose key is new."""
    if rows:
        connection.execute(_insert(connection)(table).on_conflict_do_nothing(), rows)


def insert_and_tell(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *columns: str
) -> list[tuple[Any, ...]]:
    """Insert those rows whose key is new, and give these columns of them, in whatever order."""
    if not rows:
        return []
    statement = _insert_new(connection.dialect.name, table, columns)
    return [tuple(row) for row in connection.execute(statement, [dict(row) for row in rows])]


def insert_if_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row, and say whether its key was new."""
    statement = _insert_new(connection.dialect.name, table)
    # without this, PostgreSQL's driver says -1 once the answer was read
    told = {"preserve_rowcount": True}
    return connection.execute(statement, dict(row), execution_options=told).rowcount == 1


@cache
def _insert_new(dialect: str, table: Table, tell: tuple[str, ...] = ()) -> Any:
    """Made once: to make a statement takes longer than SQLite takes to carry it out."""
    statement = _insert_of(dialect)(table).on_conflict_do_nothing()
    return statement.returning(*(table.c[name] for name in tell)) if tell else statement


def _insert(connection: Connection) -> Any:
    return _insert_of(connection.dialect.name)


def _insert_of(dialect: str) -> Any:
    """The dialect's own `insert`; only that dialect is imported, and is imported already."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]  # same shape
    return insert
