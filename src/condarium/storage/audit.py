"""Audit entries: appended in the unit of work that they speak of."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from condarium.model.environment import AuditEntry
from condarium.storage.tables import audit


class Audit:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self, *, at: datetime, actor: str, action: str, target: str, detail: Mapping[str, str]
    ) -> None:
        self._connection.execute(
            audit.insert().values(
                at=at, actor=actor, action=action, target=target, detail=dict(detail)
            )
        )

    def last(self, action: str, target: str) -> datetime | None:
        """When something was last done to a thing; None where it never was."""
        chosen = select(func.max(audit.c.at)).where(
            audit.c.action == action, audit.c.target == target
        )
        found: datetime | None = self._connection.scalar(chosen)
        return found

    def all(self) -> list[AuditEntry]:
        """Every entry, the oldest first."""
        rows = self._connection.execute(select(audit).order_by(audit.c.id))
        return [
            AuditEntry(
                number=row.id,
                at=row.at,
                actor=row.actor,
                action=row.action,
                target=row.target,
                detail=row.detail,
            )
            for row in rows
        ]
