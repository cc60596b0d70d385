"""Builds: what ran for an environment, how long each phase took, and how it ended."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from condarium.model.environment import Build, BuildStatus
from condarium.model.names import EnvironmentName
from condarium.storage.tables import builds, environments


class Builds:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def start(self, environment_id: int, *, at: datetime, actor: str) -> int:
        added = self._connection.scalar(
            builds.insert()
            .values(
                environment_id=environment_id,
                status=BuildStatus.RUNNING,
                started_at=at,
                actor=actor,
                phases={},
            )
            .returning(builds.c.id)
        )
        return int(added or 0)

    def end(
        self,
        build: int,
        status: BuildStatus,
        *,
        at: datetime,
        phases: Mapping[str, float],
        log: str | None = None,
        generation: int | None = None,
        error: str | None = None,
    ) -> None:
        self._connection.execute(
            builds.update()
            .where(builds.c.id == build)
            .values(
                status=status,
                ended_at=at,
                phases=dict(phases),
                log=log,
                generation=generation,
                error=error,
            )
        )

    def of(self, environment: EnvironmentName) -> list[Build]:
        """The builds of an environment, the oldest first."""
        return self._select(
            environments.c.namespace == environment.namespace,
            environments.c.name == environment.name,
        )

    def running(self) -> list[Build]:
        return self._select(builds.c.status == BuildStatus.RUNNING)

    def logs(self) -> frozenset[str]:
        return frozenset(
            self._connection.scalars(select(builds.c.log).where(builds.c.log.is_not(None)))
        )

    def _select(self, *conditions: object) -> list[Build]:
        rows = self._connection.execute(
            select(builds, environments.c.namespace, environments.c.name)
            .join(environments, environments.c.id == builds.c.environment_id)
            .where(*conditions)  # type: ignore[arg-type]  # SQLAlchemy's operators return more than bool
            .order_by(builds.c.id)
        )
        return [
            Build(
                id=row.id,
                environment=EnvironmentName(row.namespace, row.name),
                status=BuildStatus(row.status),
                started_at=row.started_at,
                ended_at=row.ended_at,
                actor=row.actor,
                generation=row.generation,
                phases=row.phases,
                log=row.log,
                error=row.error,
            )
            for row in rows
        ]
