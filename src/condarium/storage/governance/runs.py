"""Runs of workflows at GitHub, and those of their jobs that could not be decided about."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, select

from condarium.model.governance.workflow_job import WorkflowJob, WorkflowRun
from condarium.model.plain import to_plain
from condarium.storage.tables import workflow_jobs, workflow_runs
from condarium.storage.upsert import insert_if_new, insert_new

UNDECIDED, OVER = "undecided", "over"
_SOON, _LATE = timedelta(seconds=20), timedelta(hours=1)
Attempt = tuple[str | None, str, int]
"""A repository's id, a run's there, and which attempt of it."""


def attempt_of(said: WorkflowJob | WorkflowRun) -> Attempt:
    run = said.run if isinstance(said, WorkflowJob) else said.id
    return said.project.id, run, said.attempt


class Runs:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, run: WorkflowRun, *, at: datetime) -> None:
        """Keep what was said of an attempt of a run; what was said first stays."""
        self.add_all([run], at=at)

    def add_all(self, runs: Iterable[WorkflowRun], *, at: datetime) -> None:
        rows = [
            {
                "repository": run.project.id,
                "run": run.id,
                "attempt": run.attempt,
                "said": to_plain(run),
                "at": at,
            }
            for run in sorted(runs, key=attempt_of)
        ]
        insert_new(self._connection, workflow_runs, rows)

    def get(self, repository: str | None, run: str, attempt: int) -> WorkflowRun | None:
        asked = {"of_repository": repository, "of_run": run, "of_attempt": attempt}
        said = self._connection.scalar(_GET, asked)
        return None if said is None else _run(said)

    def known(self, jobs: Iterable[WorkflowJob]) -> dict[Attempt, WorkflowRun]:
        """The attempts of runs of these jobs, those that are known."""
        wanted = {attempt_of(job) for job in jobs}
        asked = {
            "repositories": list({repository for repository, _, _ in wanted}),
            "runs": list({run for _, run, _ in wanted}),
        }
        rows = self._connection.execute(_KNOWN, asked)
        return {
            (row.repository, row.run, row.attempt): _run(row.said)
            for row in rows
            if (row.repository, row.run, row.attempt) in wanted
        }

    def remove(self, run: WorkflowRun) -> None:
        """Forget an attempt that has no more jobs."""
        same = _is_run(workflow_runs, run.project.id, run.id, run.attempt)
        self._connection.execute(workflow_runs.delete().where(*same))

    def put_off(self, jobs: Iterable[WorkflowJob], *, at: datetime) -> None:
        """Keep jobs until their runs are known; what is kept of one already stays."""
        rows = [_row(job, UNDECIDED, at) for job in sorted(jobs, key=lambda job: job.id)]
        insert_new(self._connection, workflow_jobs, rows)

    def end(self, job: WorkflowJob, *, at: datetime) -> None:
        """Keep that a job is over, so that it is not decided about any more."""
        if not insert_if_new(self._connection, workflow_jobs, _row(job, OVER, at)):
            of = workflow_jobs.c.job == job.id
            self._connection.execute(workflow_jobs.update().where(of).values(state=OVER))

    def over(self, jobs: Iterable[str]) -> set[str]:
        """Which of these jobs were over before they were heard of."""
        return set(self._connection.scalars(_OVER, {"jobs": list(jobs)}))

    def decided(self, jobs: Iterable[str]) -> None:
        """Jobs that were put off are admissions now."""
        self._connection.execute(_DECIDED, {"jobs": list(jobs)})

    def undecided_of(self, runs: Iterable[WorkflowRun]) -> dict[Attempt, list[WorkflowJob]]:
        """Jobs that were put off, of these runs, the oldest first."""
        found: dict[Attempt, list[WorkflowJob]] = {attempt_of(run): [] for run in runs}
        if not found:
            return {}
        asked = {
            "repositories": list({repository for repository, _, _ in found}),
            "runs": list({run for _, run, _ in found}),
        }
        for said in self._connection.scalars(_UNDECIDED_OF, asked):
            job = _job(said)
            if attempt_of(job) in found:
                found[attempt_of(job)].append(job)
        return found

    def undecided(
        self, run: WorkflowRun | None = None, *, limit: int | None = None
    ) -> list[WorkflowJob]:
        """Jobs that were put off, of a run or of all, the oldest first."""
        query = select(workflow_jobs.c.said).where(workflow_jobs.c.state == UNDECIDED)
        if run is not None:
            of = _is_run(workflow_jobs, run.project.id, run.id, run.attempt)
            query = query.where(*of)
        found = self._connection.scalars(query.order_by(workflow_jobs.c.at).limit(limit))
        return [_job(said) for said in found]

    def due(self, at: datetime, *, limit: int) -> list[WorkflowJob]:
        """Jobs that were put off and are looked at again now, whoever waited longest for it first.

        The next time is as far off as they are old already, an hour at most: so those that nothing
        is ever heard of keep no other waiting.
        """
        rows = self._connection.execute(_DUE.limit(limit), {"now": at}).all()
        later = [
            {"of_job": row.job, "then": at + min(max(at - row.at, _SOON), _LATE)} for row in rows
        ]
        if later:
            self._connection.execute(_LOOK_LATER, later)
        return [_job(row.said) for row in rows]

    def forget(self, *, runs: datetime, jobs: datetime) -> None:
        """Forget what was heard of before, and cannot matter any more."""
        old_jobs = workflow_jobs.delete().where(workflow_jobs.c.at < jobs)
        for old in (workflow_runs.delete().where(workflow_runs.c.at < runs), old_jobs):
            self._connection.execute(old)


def _row(job: WorkflowJob, state: str, at: datetime) -> dict[str, Any]:
    return {
        "job": job.id,
        "repository": job.project.id,
        "run": job.run,
        "attempt": job.attempt,
        "said": to_plain(job),
        "state": state,
        "at": at,
        "again_at": at,
    }


def _is_run(table: Any, repository: Any, run: Any, attempt: Any) -> tuple[Any, ...]:
    return table.c.repository == repository, table.c.run == run, table.c.attempt == attempt


def _run(said: Any) -> WorkflowRun:
    return msgspec.convert(said, WorkflowRun)  # far quicker than `from_plain`


def _job(said: Any) -> WorkflowJob:
    return msgspec.convert(said, WorkflowJob)


# to make a statement takes longer than to carry it out: those of every webhook are made once
_GET = select(workflow_runs.c.said).where(
    *_is_run(
        workflow_runs, bindparam("of_repository"), bindparam("of_run"), bindparam("of_attempt")
    )
)
_KNOWN = select(workflow_runs).where(
    workflow_runs.c.repository.in_(bindparam("repositories", expanding=True)),
    workflow_runs.c.run.in_(bindparam("runs", expanding=True)),
)
_OVER = select(workflow_jobs.c.job).where(
    workflow_jobs.c.job.in_(bindparam("jobs", expanding=True)), workflow_jobs.c.state == OVER
)
_DECIDED = workflow_jobs.delete().where(
    workflow_jobs.c.job.in_(bindparam("jobs", expanding=True)), workflow_jobs.c.state == UNDECIDED
)
_DUE = (
    select(workflow_jobs.c.job, workflow_jobs.c.at, workflow_jobs.c.said)
    .where(workflow_jobs.c.state == UNDECIDED, workflow_jobs.c.again_at <= bindparam("now"))
    .order_by(workflow_jobs.c.again_at, workflow_jobs.c.job)
)
_LOOK_LATER = (
    workflow_jobs.update()
    .where(workflow_jobs.c.job == bindparam("of_job"))
    .values(again_at=bindparam("then"))
)
_UNDECIDED_OF = (
    select(workflow_jobs.c.said)
    .where(
        workflow_jobs.c.repository.in_(bindparam("repositories", expanding=True)),
        workflow_jobs.c.run.in_(bindparam("runs", expanding=True)),
        workflow_jobs.c.state == UNDECIDED,
    )
    .order_by(workflow_jobs.c.at)
)
