"""Admissions, as those see and end them who may: who runs a resource, and whose job it is."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from condarium.errors import BadArguments, Conflict
from condarium.governance.admission.credentials import check_holder, lease_of
from condarium.governance.admission.ending import end_in
from condarium.governance.admission.seeing import own_keys, seen_by, told
from condarium.governance.admission.turns import turn
from condarium.governance.github.queued import put_off
from condarium.model.access.decisions import PLATFORM, Thing
from condarium.model.actor import Actor, Permission
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.projects import Project
from condarium.model.paging import Page, decode_cursor, page_of, read_limit
from condarium.storage.governance.admissions import NoSuchAdmission
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts


class NotRunning(Conflict):
    """The admission does not run: its job has to stop, or never began."""

    def __init__(self, admission: int, state: AdmissionState) -> None:
        self.admission, self.state = admission, state
        super().__init__(
            f"admission {admission} is {state}; expected one that is running",
            hint=f"`condarium admission show {admission}` says why."
            if state.over
            else f"To end it before it begins: condarium admission cancel {admission}",
        )


class TimeOver(Conflict):
    """The job has had all the time for which it was admitted."""

    def __init__(self, admission: Admission) -> None:
        self.admission, self.time = admission.id, admission.time
        super().__init__(
            f"admission {admission.id} was for {admission.time}, which are over",
            hint=f"Stop the job, and say so: condarium admission end {admission.id}",
        )


def list_(
    store: Store,
    *,
    state: AdmissionState | None,
    resource: str | None,
    project: str | None,
    limit: int | None,
    cursor: str | None,
    actor: Actor,
) -> Page[Admission]:
    """Those that the actor may see, the newest first."""
    before = int(decode_cursor(cursor, int)[0]) if cursor is not None else None
    size = read_limit(limit)
    if state is AdmissionState.ASKED:
        return _put_off(store, resource=resource, project=project, limit=size, actor=actor)
    with store.database.read() as facts:
        found = facts.admissions.all(
            states=[state] if state else (),
            resource=resource,
            project=Project.parse(project) if project else None,
            seen=seen_by(facts, actor),
            before=before,
            limit=size and size + 1,
        )
        found = [told(facts, each, actor) for each in found]
    return page_of(found, size, [(each.id,) for each in found])


def _put_off(
    store: Store, *, resource: str | None, project: str | None, limit: int | None, actor: Actor
) -> Page[Admission]:
    """Jobs that cannot be decided about yet, as those see them who may; they are few."""
    of = Project.parse(project) if project else None
    with store.database.read() as facts:
        seen, found = seen_by(facts, actor), put_off(facts)
    chosen = [
        each
        for each in found
        if (seen is None or each.resource in seen.resources)
        and resource in (None, each.resource)
        and (of is None or of.name.lower() == each.project.name.lower())
        and (of is None or of.id in (None, each.project.id))
    ]
    return Page(items=tuple(chosen[:limit]))


def show(store: Store, number: int, actor: Actor) -> Admission:
    """One of them; what waits says why. Raises NoSuchAdmission."""
    with store.database.read() as facts:
        found = told(facts, _visible(facts, number, actor), actor)
        if found.state is not AdmissionState.WAITING or found.resource is None:
            return found
        if found.job is not None:  # its worker and its namespace's quota count as well
            return replace(found, waits=f"a worker; condarium job show {found.job} says why")
        choice = turn(facts, facts.resources.get(found.resource), store.now())
    if choice.next and choice.next.id == number:
        return replace(found, waits="nothing: it is next")
    return replace(found, waits=choice.reasons.get(number, ""))


def heartbeat(store: Store, number: int, actor: Actor) -> Admission:
    """Say that the job of a runner goes on. Raises NotRunning: then it must stop; TimeOver."""
    now = store.now()
    with store.database.note() as facts:
        found = _held(facts, number, actor)
        _check_runs(found)
        lease = lease_of(found, now)
        if lease <= now:
            raise TimeOver(found)
        facts.admissions.heartbeat(number, at=now, lease_until=lease)
        return facts.admissions.get(number)


def end(store: Store, number: int, seconds: float | None, actor: Actor) -> Admission:
    """Say that the job of a runner is over, and settle. Again, it changes nothing.

    One that was lost meanwhile costs as much more as it went on. Raises NotRunning where it never
    began, or was cancelled.
    """
    now, detail = store.now(), {"seconds": str(seconds)} if seconds is not None else {}
    with store.database.read() as facts:
        found = _run_by(facts, number, actor)
    if found.state is AdmissionState.ENDED:
        return found
    with store.database.change(actor, "admission end", str(number), detail) as facts:
        found = _held(facts, number, actor)
        if found.job is not None or found.state not in _MAY_END:
            _check_runs(found)
        took = None if seconds is None else _believed(facts, found, seconds, now, actor)
        ended = end_in(facts, found, AdmissionState.ENDED, at=now, seconds=took) or found
        detail |= {"cost": str(ended.cost), "project": str(ended.project)}
    return ended


def _believed(
    facts: "Facts", found: Admission, seconds: float, now: datetime, actor: Actor
) -> float:
    """How long a job took, of what is said: at least until its last heartbeat, and until now at
    most. Those who lend the resource may say less."""
    lends = actor.may(Permission.RESOURCE_LEND, _thing(facts, found))
    found = replace(found, ended_at=None)  # one that was lost may have gone on
    least = 0.0 if lends else found.took(found.heard_at or now).total_seconds()
    return min(max(seconds, least), found.took(now).total_seconds())


def cancel(store: Store, number: int, reason: str, actor: Actor) -> Admission:
    """Cancel what waits or runs; a runner learns it at its next heartbeat.

    That may who lends the resource, and whoever triggered the job. Raises NoSuchAdmission,
    NotPermitted, NotRunning where it is over, BadArguments for a job of our own workers.
    """
    detail = {"reason": reason} if reason else {}
    with store.database.read() as facts:
        found = _visible(facts, number, actor)
        if not _is_own(facts, found, actor):
            actor.require(Permission.RESOURCE_LEND, _thing(facts, found))
    if found.job is not None:
        raise BadArguments(
            f"admission {number} is of job {found.job} of our own workers",
            hint=f"condarium job cancel {found.job}",
        )
    if found.state.over:
        raise NotRunning(number, found.state)
    with store.database.change(actor, "admission cancel", str(number), detail) as facts:
        why = f"cancelled by {actor.name}{f': {reason}' if reason else ''}"
        ended = end_in(facts, found, AdmissionState.CANCELLED, at=store.now(), why=why)
        if ended is None:  # somebody was quicker: nothing was cancelled
            raise NotRunning(number, facts.admissions.get(number).state)
        return ended


_MAY_END = (AdmissionState.RUNNING, AdmissionState.ENDED, AdmissionState.LOST)


def _check_runs(found: Admission) -> None:
    if found.job is not None:
        raise BadArguments(f"admission {found.id} is of job {found.job}, which a worker has")
    if found.state is not AdmissionState.RUNNING:
        raise NotRunning(found.id, found.state)


def _held(facts: "Facts", number: int, actor: Actor) -> Admission:
    """As it is, with its resource held."""
    found = _run_by(facts, number, actor)
    assert found.resource is not None
    facts.resources.lock(found.resource)
    return facts.admissions.get(number)


def _run_by(facts: "Facts", number: int, actor: Actor) -> Admission:
    found = _visible(facts, number, actor)
    actor.require(Permission.RESOURCE_RUN, _thing(facts, found))
    if found.resource is not None:
        check_holder(facts, found, actor)
    return found


def _visible(facts: "Facts", number: int, actor: Actor) -> Admission:
    """Raises NoSuchAdmission, also for one that the actor may not see."""
    found = facts.admissions.all(numbers=[number], seen=seen_by(facts, actor))
    if not found:
        raise NoSuchAdmission(number)
    return found[0]


def _is_own(facts: "Facts", admission: Admission, actor: Actor) -> bool:
    return admission.person is not None and admission.person.key in own_keys(facts, actor)


def _thing(facts: "Facts", admission: Admission) -> Thing:
    if admission.resource is None:
        return PLATFORM
    return facts.resources.thing(admission.resource)
