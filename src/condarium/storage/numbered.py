"""Rows that are given numbers as they are inserted."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table


def insert(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    """Insert a row and give its number."""
    key = connection.execute(_into(table), dict(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


@cache
def _into(table: Table) -> Any:
    """Made once: to make a statement takes longer than SQLite takes to carry it out."""
    return table.insert()
