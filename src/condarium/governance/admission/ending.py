"""Ending: an admission is over; it costs what its job took, and the rest comes back."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.amounts import part_of, say_amount
from condarium.storage.governance.till import BudgetSpent

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
) -> Admission | None:
    """End an admission in the unit of work that the caller opened, and settle what it costs.

    `seconds` is how long its job took, where that was measured; else it is as long as it had a
    machine, at the price of when it was admitted. What never began costs nothing. What was lost,
    and has ended after all, costs the more. None is for one that was over: nothing was changed.
    """
    if admission.resource is None:
        return None
    facts.resources.lock(admission.resource)
    now = facts.admissions.get(admission.id)
    late = now.state is AdmissionState.LOST and state is AdmissionState.ENDED
    if now.state.over and not late:
        return None
    until = _until(now, state, at)
    took = _took(now, until) if seconds is None else timedelta(seconds=max(seconds, 0))
    cost = part_of(now.reserved, took, now.time) if now.time is not None else 0
    charged = (_charge_more if late else _charge)(facts, now, cost, at)
    facts.admissions.end(now.id, state, at=until, cost=charged, why=why)
    return facts.admissions.get(now.id)


def _until(now: Admission, state: AdmissionState, at: datetime) -> datetime:
    """When it ended. A runner that falls silent has its machine as long as its lease goes on; of a
    job of our own workers, whose machine died, nobody knows more than when it was last heard of.
    """
    if state is AdmissionState.LOST:
        return min((now.heard_at if now.job else now.lease_until) or at, at)
    return at if now.job or now.up_at is None else min(at, now.up_at)


def _took(now: Admission, until: datetime) -> timedelta:
    return replace(now, ended_at=None).took(until)


def _charge(facts: "Facts", now: Admission, cost: int, at: datetime) -> int:
    return facts.ledger.settle(now.id, cost, at=at)


def _charge_more(facts: "Facts", lost: Admission, cost: int, at: datetime) -> int:
    """Charge what a lost job took beyond what it was charged for, of a budget that has it."""
    charged = lost.cost or 0
    if cost <= charged:
        return charged
    try:
        more = cost - charged
        resource = facts.resources.get(lost.resource or "")
        facts.ledger.reserve(resource, lost.project, more, admission=lost.id, at=at)
    except BudgetSpent as error:
        text = f"{say_amount(error.needed)} credits were not charged: no budget has them any more"
        facts.admissions.flag(lost.id, text)
        return charged
    return facts.ledger.settle(lost.id, cost, at=at)
