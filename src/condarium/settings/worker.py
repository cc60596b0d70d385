"""How jobs are carried out: what each may take, and how workers look after each other."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from condarium.model.jobs import DEFAULT_QUEUE, Limits
from condarium.settings import reading


@dataclass(frozen=True, kw_only=True)
class JobSettings:
    """What a job may take, how often it is tried, and how long it is kept once it ended."""

    wall_time: timedelta = timedelta(hours=2)
    memory: int = 16 * 10**9
    most_attempts: int = 3
    retention: timedelta = timedelta(days=90)
    waiting: int = 200
    """How many jobs of one account, and as many on one thing, may wait."""
    documents: int = 64 * 10**6
    """How many bytes the files of one account's jobs that wait may have."""

    @property
    def limits(self) -> Limits:
        return Limits(wall_time=self.wall_time, memory=self.memory)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Take CONDARIUM_JOB_TIME, _JOB_MEMORY, _JOB_ATTEMPTS and _JOB_RETENTION.

        CONDARIUM_JOBS_WAITING and _DOCUMENTS_WAITING bound what waits. Raises BadSetting.
        """
        return cls(
            wall_time=reading.span("CONDARIUM_JOB_TIME", environ, cls.wall_time),
            memory=reading.size("CONDARIUM_JOB_MEMORY", environ, cls.memory),
            most_attempts=_count("CONDARIUM_JOB_ATTEMPTS", environ, cls.most_attempts),
            retention=reading.span("CONDARIUM_JOB_RETENTION", environ, cls.retention),
            waiting=_count("CONDARIUM_JOBS_WAITING", environ, cls.waiting),
            documents=reading.size("CONDARIUM_DOCUMENTS_WAITING", environ, cls.documents),
        )


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """A worker takes jobs of its `queues`, as many at once as it has `slots`.

    It says each `heartbeat` that it lives; one that was `silence` without a word is dead to the
    others. `grace` is how long the jobs of a worker that is stopped may go on.
    """

    queues: tuple[str, ...] = (DEFAULT_QUEUE,)
    slots: int = 2
    heartbeat: timedelta = timedelta(seconds=5)
    silence: timedelta = timedelta(seconds=30)
    grace: timedelta = timedelta(seconds=20)
    schedules: bool = True
    embedded: bool = True
    """Whether a server has a worker within."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Take CONDARIUM_WORKER_QUEUES, _SLOTS, _HEARTBEAT, _SILENCE and _GRACE.

        CONDARIUM_SCHEDULES=0 leaves out the schedules that a new store gets, and
        CONDARIUM_SERVE_WORKER=0 the worker of a server. Raises BadSetting.
        """
        queues = environ.get("CONDARIUM_WORKER_QUEUES", "").replace(",", " ").split()
        return cls(
            queues=tuple(queues) or cls.queues,
            slots=_count("CONDARIUM_WORKER_SLOTS", environ, os.cpu_count() or cls.slots),
            heartbeat=reading.span("CONDARIUM_WORKER_HEARTBEAT", environ, cls.heartbeat),
            silence=reading.span("CONDARIUM_WORKER_SILENCE", environ, cls.silence),
            grace=reading.span("CONDARIUM_WORKER_GRACE", environ, cls.grace),
            schedules=reading.flag("CONDARIUM_SCHEDULES", environ, default=True) is not False,
            embedded=reading.flag("CONDARIUM_SERVE_WORKER", environ, default=True) is not False,
        )


def _count(name: str, environ: Mapping[str, str], default: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 10_000):
        raise reading.BadSetting(name, text, "a whole number from 1 on")
    return int(text)
