"""What was lent when files were last applied: what has drifted since is found by it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from condarium.storage.tables import applied_files


@dataclass(frozen=True, kw_only=True)
class AppliedState:
    """The state that files left, in plain data."""

    at: datetime
    by: str
    state: dict[str, Any]


class AppliedFiles:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, state: dict[str, Any], *, at: datetime, by: str) -> None:
        self._connection.execute(applied_files.insert().values(state=state, at=at, by=by))

    def last(self) -> AppliedState | None:
        """None where files were never applied."""
        query = select(applied_files).order_by(applied_files.c.id.desc()).limit(1)
        row = self._connection.execute(query).first()
        return AppliedState(at=row.at, by=row.by, state=row.state) if row else None
