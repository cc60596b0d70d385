"""Leases: what nobody redeems waits again, and what nobody hears of is lost, and costs no more."""

from datetime import timedelta

from condarium.governance.ending import end_in
from condarium.model.actor import Actor
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.storage.store import Store

LEASE = timedelta(minutes=5)
"""How long after its last heartbeat a job is taken for lost."""
_ITSELF = Actor(name="condarium")


def expire(store: Store) -> tuple[Admission, ...]:
    """Mark as lost what fell silent, and have wait again what was offered in vain; give the lost.

    Each is a unit of work of its own, which looks again: its heartbeat may have come meanwhile.
    """
    with store.database.read() as facts:
        silent = facts.admissions.silent(store.now())
        late = facts.admissions.late(store.now())
    if late:
        with store.database.note() as facts:
            facts.admissions.take_back(store.now())
    return tuple(lost for each in silent if (lost := _lose(store, each)))


def _lose(store: Store, silent: Admission) -> Admission | None:
    now, detail = store.now(), {"runner": silent.runner, "project": str(silent.project)}
    with store.database.change(_ITSELF, "admission lose", str(silent.id), detail) as facts:
        if silent.resource is not None:
            facts.resources.lock(silent.resource)
        found = facts.admissions.get(silent.id)
        if found.lease_until is None or found.lease_until >= now:
            detail["outcome"] = "it was heard of after all"
            return None
        return end_in(facts, found, AdmissionState.LOST, at=now)
