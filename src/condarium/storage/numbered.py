"""Rows that are given numbers as they are inserted."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table


def insert(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    """Insert a row and give its number."""
    key = connection.execute(table.insert().values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])
