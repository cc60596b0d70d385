"""DBOS: an attempt at a job is a workflow, whose steps are done once, whoever dies in between.

Which job goes next is our own rule, and so is who takes over from whom: the workflow of a later
attempt begins by asking what an earlier one has kept.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from condarium.jobs.carrying_out.running import Outcome
from condarium.model.actor import JobClaim
from condarium.model.jobs import JobStatus
from condarium.settings import Settings
from condarium.storage.layout import Layout

if TYPE_CHECKING:
    from dbos import DBOS

_VERSION = "1"
"""Of the workflow's steps: what another version has begun is not gone on with."""
_RUN = "run"
_KEPT = 60.0
"""For how many seconds at least, and twice as many at most, an attempt that ended is kept."""

Run = Callable[[JobClaim], Outcome]
Settle = Callable[[JobClaim, Outcome], None]
LetGo = Callable[[JobClaim], None]


class Durable:
    """DBOS, launched as one worker's; there is one in a process."""

    def __init__(
        self, settings: Settings, worker: str, *, run: Run, settle: Settle, let_go: LetGo
    ) -> None:
        from dbos import DBOS, SetWorkflowID

        for name in ("dbos", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self._dbos, self._named = DBOS, SetWorkflowID
        self._ended: deque[tuple[float, str]] = deque()
        DBOS(
            config={
                "name": "condarium",
                "system_database_url": _url(settings),
                "executor_id": worker,
                "application_version": _VERSION,
                "use_listen_notify": False,
                "sys_db_pool_size": 4,
                "log_level": "ERROR",
                "notification_listener_polling_interval_sec": 1.0,
                "scheduler_polling_interval_sec": 3600.0,
                "enable_otlp": False,
            }
        )
        self._register(DBOS, run, settle, let_go)
        DBOS.listen_queues([])
        DBOS.launch()

    def start(self, claim: JobClaim) -> None:
        """Begin an attempt, in a thread of its own."""
        self._tidy()
        with self._named(_workflow(claim.job, claim.attempt)):
            self._dbos.start_workflow(self._carry_out, claim.job, claim.attempt)

    def _tidy(self) -> None:
        """Remove what is kept of attempts that ended a while ago: nobody asks for it again."""
        before = time.monotonic() - _KEPT
        if not self._ended or self._ended[0][0] >= before - _KEPT:
            return
        old = []
        while self._ended and self._ended[0][0] < before:
            old.append(self._ended.popleft()[1])
        self._dbos.delete_workflows(old)

    def stop(self) -> None:
        self._dbos.destroy(destroy_registry=True)

    def _register(self, dbos: "type[DBOS]", run: Run, settle: Settle, let_go: LetGo) -> None:
        @dbos.step(name=_RUN)
        def run_step(job: int, attempt: int) -> Any:
            return run(JobClaim(job=job, attempt=attempt))

        @dbos.step(name="settle", retries_allowed=True, max_attempts=8, interval_seconds=0.5)
        def settle_step(job: int, attempt: int, outcome: Any) -> None:
            settle(JobClaim(job=job, attempt=attempt), outcome)

        @dbos.workflow(name="carry-out")
        def carry_out(job: int, attempt: int) -> None:
            try:
                outcome = self._kept(job, attempt) or run_step(job, attempt)
                settle_step(job, attempt, outcome)
            finally:
                let_go(JobClaim(job=job, attempt=attempt))
                self._ended.append((time.monotonic(), _workflow(job, attempt)))

        self._carry_out = carry_out

    def _kept(self, job: int, attempt: int) -> Outcome | None:
        """The success of an earlier attempt, whose worker died before it could say so."""
        earlier = _workflow(job, attempt - 1)
        status = self._dbos.get_workflow_status(earlier) if attempt > 1 else None
        if status is None or status.status != "PENDING":
            return None
        self._dbos.cancel_workflow(earlier)  # nobody goes on with it
        for step in self._dbos.list_workflow_steps(earlier):
            output: Outcome = step["output"] or {}
            if step["function_name"] == _RUN and output.get("status") == JobStatus.SUCCEEDED:
                return output
        return None


def _workflow(job: int, attempt: int) -> str:
    return f"job-{job}-{attempt}"


def _url(settings: Settings) -> str:
    """Where DBOS keeps its own tables: beside the facts."""
    if settings.database and not settings.database.startswith("sqlite"):
        return f"postgresql+psycopg://{settings.database.partition('://')[2]}"
    return f"sqlite:///{Layout(settings.store).root / 'jobs.db'}"
