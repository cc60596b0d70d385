"""Leases: what nobody redeems waits again, and what nobody hears of is lost."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from condarium.governance.admission.ending import end_in
from condarium.model.actor import Actor
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.grants import GrantState
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

LEASE = timedelta(minutes=5)
"""How long after its last heartbeat a job is taken for lost."""
_OVER = (GrantState.EXPIRED, GrantState.REVOKED)
_ITSELF = Actor(name="condarium")


def expire(store: Store) -> tuple[Admission, ...]:
    """End what fell silent, and what waits on a grant that is over; give those that were ended.

    What was offered in vain waits again. Each end is a unit of work of its own, which looks again:
    its heartbeat may have come meanwhile.
    """
    with store.database.read() as facts:
        silent = facts.admissions.silent(store.now())
        late = facts.admissions.late(store.now())
        lapsed = _lapsed(facts, store.now())
    if late:
        with store.database.note() as facts:
            facts.admissions.take_back(store.now())
    ended = [*(_lose(store, each) for each in silent), *(_drop(store, each) for each in lapsed)]
    return tuple(filter(None, ended))


def _lapsed(facts: "Facts", now: datetime) -> list[Admission]:
    """What waits for a runner on a grant that ended before its turn came."""
    waiting = facts.admissions.waited_on()
    grants = facts.grants.all(numbers=waiting) if waiting else []
    over = [grant.id for grant in grants if grant.state(now) in _OVER]
    if not over:
        return []
    found = facts.admissions.all(states=[AdmissionState.WAITING], grants=over)
    return [each for each in found if each.job is None]


def _drop(store: Store, lapsed: Admission) -> Admission | None:
    now = store.now()
    with store.database.note() as facts:
        if lapsed.resource is not None:
            facts.resources.lock(lapsed.resource)
        if lapsed.id not in [each.id for each in _lapsed(facts, now)]:
            return None
        why = f"grant {lapsed.grant} ended before its turn came"
        ended = end_in(facts, lapsed, AdmissionState.CANCELLED, at=now, why=why)
        return _audit(facts, "admission cancel", ended, now)


def _lose(store: Store, silent: Admission) -> Admission | None:
    """End one that fell silent: as it should, where that is because its time is up."""
    now = store.now()
    with store.database.note() as facts:
        if silent.resource is not None:
            facts.resources.lock(silent.resource)
        found = facts.admissions.get(silent.id)
        if found.lease_until is None or found.lease_until >= now:
            return None
        if found.job is None and found.up_at and found.lease_until >= found.up_at:
            ended = end_in(facts, found, AdmissionState.ENDED, at=now)
            return _audit(facts, "admission end", ended, now)
        ended = end_in(facts, found, AdmissionState.LOST, at=now)
        return _audit(facts, "admission lose", ended, now)


def _audit(facts: "Facts", action: str, ended: Admission | None, at: datetime) -> Admission | None:
    """Put an end in the audit log that was one."""
    if ended is not None:
        detail = {"project": str(ended.project), "runner": ended.runner, "cost": str(ended.cost)}
        facts.audit.add(at=at, actor=_ITSELF, action=action, target=str(ended.id), detail=detail)
    return ended
