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
) -> Admission:
    """End an admission in the unit of work that the caller opened, and settle what it costs.

    `seconds` is how long its job took, where that was measured; else it is from its start until
    now, or until its last heartbeat where it is lost. What never began costs nothing. A second end
    changes nothing.
    """
    if admission.resource is None:
        return admission
    resource = facts.resources.lock(admission.resource)
    now = facts.admissions.get(admission.id)
    if now.state.over:
        return now
    took = timedelta(0)
    if now.started_at is not None:
        last = now.heard_at if state is AdmissionState.LOST else at
        measured = (last or at) - now.started_at
        took = max(timedelta(0), measured if seconds is None else timedelta(seconds=seconds))
    cost = facts.ledger.settle(now.id, cost_of(took, resource.settings.factor), at=at)
    facts.admissions.end(now.id, state, at=at, cost=cost)
    return facts.admissions.get(now.id)
