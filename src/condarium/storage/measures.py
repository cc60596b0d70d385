"""Figures about everything in a store: what /metrics tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Float, Select, cast, extract, func, select

from condarium.model.jobs import JobStatus
from condarium.storage.tables import channels, encodings, files, jobs, prefixes, revisions, workers


@dataclass(frozen=True, kw_only=True)
class Activity:
    """What is being done.

    `jobs` are those that are kept, counted by operation and status; `ended` says of those that
    ended how many they are and for how many seconds they ran, by operation. `heard_at` is when the
    most silent of the workers that have not ended was last heard of, `waiting_since` when the first
    of the jobs that wait was asked for; None without any.
    """

    jobs: Mapping[tuple[str, str], int]
    ended: Mapping[str, tuple[int, float]]
    workers: int
    heard_at: datetime | None
    waiting_since: datetime | None


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """How much there is; `bytes` are of packages, prefixes and encodings."""

    channels: int
    revisions: int
    bytes: Mapping[str, int]


class Measures:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def activity(self) -> Activity:
        """Cheap: what it asks is about jobs and workers."""
        workers_there = select(func.count(), func.min(workers.c.heartbeat_at))
        count, heard_at = self._connection.execute(
            workers_there.where(workers.c.ended_at.is_(None))
        ).one()
        counted = select(jobs.c.operation, jobs.c.status, func.count())
        counted = counted.group_by(jobs.c.operation, jobs.c.status)
        waiting = select(func.min(jobs.c.created_at)).where(jobs.c.status == JobStatus.QUEUED)
        return Activity(
            jobs={(row[0], row[1]): row[2] for row in self._connection.execute(counted)},
            ended=self._ended(),
            workers=count,
            heard_at=heard_at,
            waiting_since=self._connection.scalar(waiting),
        )

    def holdings(self) -> Holdings:
        """Less cheap: it reads every package's row."""
        return Holdings(
            channels=self._number(select(func.count()).select_from(channels)),
            revisions=self._number(select(func.count()).select_from(revisions)),
            bytes={
                "packages": self._number(select(func.sum(files.c.size))),
                "prefixes": self._number(select(func.sum(prefixes.c.bytes))),
                "encodings": self._number(select(func.sum(encodings.c.size))),
            },
        )

    def _ended(self) -> dict[str, tuple[int, float]]:
        chosen = (
            select(jobs.c.operation, func.count(), func.sum(self._seconds()))
            .where(jobs.c.started_at.is_not(None), jobs.c.ended_at.is_not(None))
            .group_by(jobs.c.operation)
        )
        return {row[0]: (row[1], float(row[2])) for row in self._connection.execute(chosen)}

    def _seconds(self) -> Any:
        if self._connection.dialect.name == "sqlite":
            days = func.julianday(jobs.c.ended_at) - func.julianday(jobs.c.started_at)
            return cast(days, Float) * 86_400
        return extract("epoch", jobs.c.ended_at) - extract("epoch", jobs.c.started_at)

    def _number(self, chosen: Select[Any]) -> int:
        return int(self._connection.scalar(chosen) or 0)
