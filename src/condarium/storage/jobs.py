"""Jobs as facts: what waits, what runs and where, what came of it."""

from datetime import datetime

from sqlalchemy import Connection

from condarium.errors import Conflict
from condarium.model.actor import JobClaim
from condarium.model.jobs import JobStatus
from condarium.storage.tables import jobs


class JobTakenOver(Conflict):
    """Somebody else carries out the job by now, or it was cancelled."""

    def __init__(self, job: int) -> None:
        self.job = job
        super().__init__(f"job {job} is no longer carried out here: it was taken over or cancelled")


class Jobs:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def commit(self, claim: JobClaim, *, at: datetime) -> None:
        """Note that the job's changes are made, in the unit of work that makes them.

        Raises JobTakenOver where another attempt carries it out by now: nothing is changed then.
        """
        changed = self._connection.execute(
            jobs.update()
            .where(
                jobs.c.id == claim.job,
                jobs.c.attempts == claim.attempt,
                jobs.c.status == JobStatus.RUNNING,
            )
            .values(committed_at=at)
        )
        if not changed.rowcount:
            raise JobTakenOver(claim.job)
