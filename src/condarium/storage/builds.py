"""Builds: what ran for an environment, how long each phase took, and how it ended."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, select

from condarium.model.environment import Build, BuildStatus
from condarium.model.names import EnvironmentName
from condarium.storage.tables import builds


class Builds:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def start(
        self, environment: EnvironmentName, *, at: datetime, actor: str, job: int | None = None
    ) -> int:
        """Note that a build runs, perhaps in a job, and give its number."""
        added = self._connection.scalar(
            builds.insert()
            .values(
                namespace=environment.namespace,
                name=environment.name,
                status=BuildStatus.RUNNING,
                started_at=at,
                actor=actor,
                job=job,
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

    def made_by(self, job: int) -> Build | None:
        """The build of a job that made a generation; None where none of its attempts did."""
        made = and_(builds.c.job == job, builds.c.generation.is_not(None))
        return next(iter(self._select(made)), None)

    def of(self, environment: EnvironmentName) -> list[Build]:
        """The builds of an environment, the oldest first."""
        return self._select(_of(environment))

    def remove(self, environment: EnvironmentName) -> None:
        self._connection.execute(builds.delete().where(_of(environment)))

    def running(self) -> list[Build]:
        return self._select(builds.c.status == BuildStatus.RUNNING)

    def logs(self) -> frozenset[str]:
        return frozenset(
            self._connection.scalars(select(builds.c.log).where(builds.c.log.is_not(None)))
        )

    def _select(self, condition: ColumnElement[bool]) -> list[Build]:
        rows = self._connection.execute(select(builds).where(condition).order_by(builds.c.id))
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


def _of(environment: EnvironmentName) -> ColumnElement[bool]:
    return and_(builds.c.namespace == environment.namespace, builds.c.name == environment.name)
