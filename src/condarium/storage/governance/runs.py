"""Runs of workflows at GitHub, and those of their jobs that could not be decided about."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from condarium.model.from_plain import from_plain
from condarium.model.governance.workflow_job import WorkflowJob, WorkflowRun
from condarium.model.plain import to_plain
from condarium.storage.tables import workflow_jobs, workflow_runs
from condarium.storage.upsert import insert_if_new

UNDECIDED, OVER = "undecided", "over"


class Runs:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, run: WorkflowRun, *, at: datetime) -> bool:
        """Keep what was said of an attempt of a run; what was said first stays."""
        values = {
            "repository": run.project.id,
            "run": run.id,
            "attempt": run.attempt,
            "said": to_plain(run),
            "at": at,
        }
        return insert_if_new(self._connection, workflow_runs, values)

    def get(self, repository: str | None, run: str, attempt: int) -> WorkflowRun | None:
        asked = {"of_repository": repository, "of_run": run, "of_attempt": attempt}
        said = self._connection.scalar(_GET, asked)
        return None if said is None else _run(said)

    def remove(self, run: WorkflowRun) -> None:
        """Forget an attempt that has no more jobs."""
        same = _is_run(workflow_runs, run.project.id, run.id, run.attempt)
        self._connection.execute(workflow_runs.delete().where(*same))

    def put_off(self, job: WorkflowJob, *, at: datetime) -> bool:
        """Keep a job until its run is known; False where it was over before it was heard of."""
        return self._note(job, UNDECIDED, at) or not self.is_over(job.id)

    def end(self, job: WorkflowJob, *, at: datetime) -> None:
        """Keep that a job is over, so that it is not decided about any more."""
        if not self._note(job, OVER, at):
            of = workflow_jobs.c.job == job.id
            self._connection.execute(workflow_jobs.update().where(of).values(state=OVER))

    def is_over(self, job: str) -> bool:
        return self._connection.scalar(_IS_OVER, {"of_job": job}) is not None

    def decided(self, job: str) -> None:
        """A job that was put off is an admission now."""
        of = workflow_jobs.c.job == job, workflow_jobs.c.state == UNDECIDED
        self._connection.execute(workflow_jobs.delete().where(*of))

    def undecided(
        self, run: WorkflowRun | None = None, *, limit: int | None = None
    ) -> list[WorkflowJob]:
        """Jobs that were put off, of a run or of all, the oldest first."""
        query = select(workflow_jobs.c.said).where(workflow_jobs.c.state == UNDECIDED)
        if run is not None:
            of = _is_run(workflow_jobs, run.project.id, run.id, run.attempt)
            query = query.where(*of)
        found = self._connection.scalars(query.order_by(workflow_jobs.c.at).limit(limit))
        return [from_plain(WorkflowJob, said, where="a job at GitHub") for said in found]

    def forget(self, *, runs: datetime, jobs: datetime) -> None:
        """Forget what was heard of before, and cannot matter any more."""
        old_jobs = workflow_jobs.delete().where(workflow_jobs.c.at < jobs)
        for old in (workflow_runs.delete().where(workflow_runs.c.at < runs), old_jobs):
            self._connection.execute(old)

    def _note(self, job: WorkflowJob, state: str, at: datetime) -> bool:
        values = {
            "job": job.id,
            "repository": job.project.id,
            "run": job.run,
            "attempt": job.attempt,
            "said": to_plain(job),
            "state": state,
            "at": at,
        }
        return insert_if_new(self._connection, workflow_jobs, values)


def _is_run(table: Any, repository: Any, run: Any, attempt: Any) -> tuple[Any, ...]:
    return table.c.repository == repository, table.c.run == run, table.c.attempt == attempt


def _run(said: Any) -> WorkflowRun:
    found: WorkflowRun = from_plain(WorkflowRun, said, where="a run at GitHub")
    return found


# to make a statement takes longer than to carry it out: those of every webhook are made once
_GET = select(workflow_runs.c.said).where(
    *_is_run(
        workflow_runs, bindparam("of_repository"), bindparam("of_run"), bindparam("of_attempt")
    )
)
_IS_OVER = select(workflow_jobs.c.job).where(
    workflow_jobs.c.job == bindparam("of_job"), workflow_jobs.c.state == OVER
)
