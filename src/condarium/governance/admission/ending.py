"""Ending: an admission is over; it costs what its job took, and the rest comes back."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.amounts import cost_of

if TYPE_CHECKING:
    from condarium.storage.facts import Facts


def end_in(
    facts: "Facts",
    admission: Admission,
    state: AdmissionState,
    *,
    at: datetime,
    seconds: float | None = None,
    why: str = "",
) -> Admission:
    """End an admission in the unit of work that the caller opened, and settle what it costs.

    `seconds` is how long its job took, where that was measured; else it is as long as it had a
    machine, until its last heartbeat where it is lost. What never began costs nothing. A second
    end changes nothing.
    """
    if admission.resource is None:
        return admission
    resource = facts.resources.lock(admission.resource)
    now = facts.admissions.get(admission.id)
    if now.state.over:
        return now
    until = now.heard_at or at if state is AdmissionState.LOST else at
    took = now.took(until) if seconds is None else timedelta(seconds=max(seconds, 0))
    cost = facts.ledger.settle(now.id, cost_of(took, resource.settings.factor), at=at)
    facts.admissions.end(now.id, state, at=at, cost=cost, why=why)
    return facts.admissions.get(now.id)
