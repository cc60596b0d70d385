"""DBOS: an attempt at a job is a workflow, whose steps are done once, whoever dies in between.

Which job goes next is our own rule, and so is who takes over from whom: the workflow of a later
attempt begins by asking what earlier ones have kept, and keeps that itself.

A workflow's name begins with its job's life, `job-NUMBER-TIME-`, from when it was asked for or
retried: what is left here of jobs of the same numbers, in facts that were lost, is nobody's.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from condarium.jobs.carrying_out.running import Outcome
from condarium.model.actor import JobClaim
from condarium.model.jobs import JobStatus
from condarium.settings import Settings
from condarium.storage.layout import Layout
from condarium.storage.modes import close_to_others

if TYPE_CHECKING:
    from dbos import DBOS

_log = logging.getLogger(__name__)
_VERSION = "1"
"""Of the workflow's steps: what another version has begun is not gone on with."""
_RUN = "run"
_TIDY = 60.0
"""How many seconds lie between two looks at what is kept for nothing."""
_AT_ONCE = 1000

Run = Callable[[JobClaim], Outcome]
Settle = Callable[[JobClaim, Outcome], None]
LetGo = Callable[[JobClaim], None]
Over = Callable[[Iterable[int]], frozenset[int]]
"""Tells which jobs of these numbers ended a while ago, or are forgotten."""


class Durable:
    """DBOS, launched as one worker's; there is one in a process."""

    def __init__(
        self,
        settings: Settings,
        worker: str,
        *,
        run: Run,
        settle: Settle,
        let_go: LetGo,
        over: Over,
    ) -> None:
        from dbos import DBOS, SetWorkflowID

        for name in ("dbos", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self._dbos, self._named = DBOS, SetWorkflowID
        self._over, self._tidy_at = over, 0.0
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

    def start(self, claim: JobClaim, asked_at: datetime) -> None:
        """Begin an attempt at a job that was asked for then, in a thread of its own."""
        life = f"job-{claim.job}-{round(asked_at.timestamp() * 1e6)}-"
        with self._named(f"{life}{claim.attempt}-{secrets.token_hex(6)}"):
            self._dbos.start_workflow(self._carry_out, claim.job, claim.attempt, life)

    def tidy(self) -> None:
        """Remove, now and then, what is kept of attempts at jobs that are over, whoever made it."""
        if time.monotonic() < self._tidy_at:
            return
        self._tidy_at = time.monotonic() + _TIDY
        try:
            self._remove_old()
        except Exception as error:  # noqa: BLE001 - what is left lies there until the next time
            _log.warning("ended attempts are kept", extra={"why": str(error)})

    def _remove_old(self) -> None:
        found = self._dbos.list_workflows(limit=_AT_ONCE, load_input=False, load_output=False)
        jobs = {each.workflow_id: int(each.workflow_id.split("-")[1]) for each in found}
        over = self._over(jobs.values())
        if old := [name for name, job in jobs.items() if job in over]:
            self._dbos.delete_workflows(old)

    def stop(self) -> None:
        self._dbos.destroy(destroy_registry=True)

    def _register(self, dbos: "type[DBOS]", run: Run, settle: Settle, let_go: LetGo) -> None:
        @dbos.step(name=_RUN)
        def run_step(job: int, attempt: int, life: str) -> Any:
            return self._kept(life) or run(JobClaim(job=job, attempt=attempt))

        @dbos.step(name="settle")
        def settle_step(job: int, attempt: int, outcome: Any) -> None:
            settle(JobClaim(job=job, attempt=attempt), outcome)

        @dbos.workflow(name="carry-out")
        def carry_out(job: int, attempt: int, life: str) -> None:
            try:
                settle_step(job, attempt, run_step(job, attempt, life))
            finally:
                let_go(JobClaim(job=job, attempt=attempt))

        self._carry_out = carry_out

    def _kept(self, life: str) -> Outcome | None:
        """The success of an earlier attempt, whose worker died before it could say so.

        One that was said ends the job: there is no later attempt then.
        """
        for earlier in self._dbos.list_workflows(
            workflow_id_prefix=life, load_input=False, load_output=False
        ):
            for step in self._dbos.list_workflow_steps(earlier.workflow_id):
                output: Outcome = step["output"] or {}
                if step["function_name"] == _RUN and output.get("status") == JobStatus.SUCCEEDED:
                    return output
        return None


def _url(settings: Settings) -> str:
    """Where DBOS keeps its own tables: beside the facts."""
    if settings.database and not settings.database.startswith("sqlite"):
        return f"postgresql+psycopg://{settings.database.partition('://')[2]}"
    file = Layout(settings.store).root / "jobs.db"
    close_to_others(file)
    return f"sqlite:///{file}"
