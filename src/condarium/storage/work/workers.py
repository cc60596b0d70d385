"""Workers: who carries out jobs, on which machine, and when they were last heard of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from condarium.model.jobs import JobStatus, WorkerLine
from condarium.storage.tables import jobs, workers


class Workers:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(
        self, worker: str, *, host: str, queues: Sequence[str], slots: int, at: datetime
    ) -> None:
        self._connection.execute(
            workers.insert().values(
                id=worker,
                host=host,
                queues=list(queues),
                slots=slots,
                started_at=at,
                heartbeat_at=at,
            )
        )

    def beat(self, worker: str, *, at: datetime) -> bool:
        """Note that a worker lives; False where it is taken for dead, and its jobs are others'."""
        changed = self._connection.execute(
            workers.update()
            .where(workers.c.id == worker, workers.c.ended_at.is_(None))
            .values(heartbeat_at=at)
        )
        return bool(changed.rowcount)

    def revive(self, worker: str, *, at: datetime) -> None:
        """Note that a worker lives after all."""
        self._connection.execute(
            workers.update().where(workers.c.id == worker).values(ended_at=None, heartbeat_at=at)
        )

    def end(self, worker: str, *, at: datetime) -> bool:
        """Note that a worker ended; False where that was noted before."""
        changed = self._connection.execute(
            workers.update()
            .where(workers.c.id == worker, workers.c.ended_at.is_(None))
            .values(ended_at=at)
        )
        return bool(changed.rowcount)

    def heartbeats(self) -> dict[str, datetime]:
        """When each worker that did not end was last heard of, by its own clock."""
        found = select(workers.c.id, workers.c.heartbeat_at).where(workers.c.ended_at.is_(None))
        return {row.id: row.heartbeat_at for row in self._connection.execute(found)}

    def any(self) -> bool:
        """Whether there ever was one."""
        return self._connection.scalar(select(workers.c.id).limit(1)) is not None

    def forget(self, before: datetime) -> None:
        """Forget those that ended before."""
        self._connection.execute(workers.delete().where(workers.c.ended_at < before))

    def list(self, *, alive_since: datetime) -> list[WorkerLine]:
        """All workers, the newest last; alive are those that were heard of since."""
        running = (
            select(func.count())
            .where(jobs.c.worker == workers.c.id, jobs.c.status == JobStatus.RUNNING)
            .scalar_subquery()
        )
        found = select(workers, running.label("running")).order_by(workers.c.started_at)
        return [_line(row, alive_since) for row in self._connection.execute(found)]


def _line(row: Any, alive_since: datetime) -> WorkerLine:
    fields = dict(row._mapping)
    alive = row.ended_at is None and row.heartbeat_at >= alive_since
    return WorkerLine(**{**fields, "queues": tuple(row.queues)}, alive=alive)
