"""What becomes of an admission as its job goes on: it runs while a worker has the job, waits when
none has, and is settled by the time that all attempts took together.

Each step is made in the unit of work that changes the job. The resource is held first, as all do
who change both: so nobody waits for each other in a circle.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from condarium.errors import Refused
from condarium.governance.admission.ending import end_in
from condarium.governance.admission.leases import LEASE
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.jobs import JobStatus, Order
from condarium.storage.facts import Facts


class AdmissionOver(Refused):
    """The job's admission to what is lent was cancelled, or its machine was lost."""

    def __init__(self, admission: Admission) -> None:
        self.admission, self.state = admission.id, str(admission.state)
        why = f": {admission.why}" if admission.why else ""
        super().__init__(
            f"the admission {admission.id} to {admission.resource} is {admission.state}{why}",
            hint=f"condarium admission show {admission.id}",
        )


_ENDS = {
    JobStatus.SUCCEEDED: AdmissionState.ENDED,
    JobStatus.FAILED: AdmissionState.ENDED,
    JobStatus.CANCELLED: AdmissionState.CANCELLED,
}


def hold(facts: Facts, jobs: Iterable[int]) -> None:
    """Hold the resources that some jobs run on, in the order in which all who hold several do."""
    found = (_open(facts, job) for job in jobs)
    facts.resources.hold({each.resource for each in found if each and each.resource})


def held(facts: Facts, job: int) -> Admission | None:
    """The admission of a job that is not over, its resource held until the unit of work ends."""
    if _open(facts, job) is None:
        return None
    hold(facts, [job])
    return _open(facts, job)  # somebody else may have had it held, and ended it


def lease(silence: timedelta) -> timedelta:
    """How long nothing need be heard of a job whose worker is dead after such a silence."""
    return max(LEASE, silence)


def begin(
    facts: Facts, admission: Admission, worker: str, *, at: datetime, silence: timedelta
) -> bool:
    """Say that a worker has its job; what earlier attempts took counts, as if it were one piece."""
    began, until = at - admission.took(at), at + lease(silence)
    started = facts.admissions.start(admission.id, at=began, lease_until=until, runner=worker)
    return started and facts.admissions.heartbeat(admission.id, at=at, lease_until=until)


def pause(facts: Facts, admission: Admission | None, *, at: datetime, lost: bool) -> None:
    """Say that no worker has its job any more: it waits, and costs no more.

    Where its worker was `lost`, that began when it was last heard of.
    """
    if admission is not None:
        since = admission.heard_at or at if lost else at
        facts.admissions.pause(admission.id, at=since)


def end(
    facts: Facts,
    admission: Admission | None,
    status: JobStatus,
    *,
    at: datetime,
    lost: bool = False,
    why: str = "",
) -> None:
    """Settle what a job took that has this status now, or whose worker was lost."""
    if admission is not None:
        state = AdmissionState.LOST if lost else _ENDS[status]
        end_in(facts, admission, state, at=at, why=why)


def bounded(admission: Admission | None, order: Order, at: datetime) -> Order:
    """An order that may take as long as is left of the time for which its job was admitted."""
    if admission is None or admission.time is None:
        return order
    left = max(admission.time - admission.took(at), timedelta())
    return replace(order, limits=replace(order.limits, wall_time=left))


def refusal(facts: Facts, job: int) -> AdmissionOver | None:
    """Why a job may not go on that runs on what is lent: its admission is over."""
    found = facts.admissions.of_job(job)
    return AdmissionOver(found) if found and found.state.over else None


def _open(facts: Facts, job: int) -> Admission | None:
    found = facts.admissions.of_job(job)
    return None if found is None or found.state.over else found
