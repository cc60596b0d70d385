"""Plan: what files would change, found out by doing it in a unit of work that is then undone."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from condarium.errors import BadInput, Conflict
from condarium.governance.files.comparing import changes, changes_of
from condarium.governance.files.recognising import read_states
from condarium.governance.files.state import State
from condarium.governance.files.writing import plain_state
from condarium.governance.planning.applying import Applying, audit_detail
from condarium.governance.planning.effects import loses
from condarium.governance.planning.meaning import meant
from condarium.governance.planning.naming import everybody
from condarium.governance.planning.present import Present, hold, present
from condarium.governance.planning.widening import gains
from condarium.model.actor import Actor
from condarium.model.audit import AuditEntry, AuditFilter, Outcome
from condarium.model.document import Document
from condarium.model.governance.admission import Admission
from condarium.model.governance.listed import Revoked
from condarium.model.governance.planned import AffectedJob, Applied, Plan, StateChange
from condarium.model.governance.projects import with_id
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

_DIGITS = 12
_TOLD = 8
_ABOUT = ("resource", "terms", "request", "grant", "access")
"""Groups of operations that change what is lent."""


class BadPlanId(BadInput):
    """A text is no plan's id."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"plan: found {found[:60]!r}; expected an id such as 17-0123456789ab-cdef01234567",
            hint="`condarium access plan FILE…` says it with what would change.",
        )


class OtherFiles(Conflict):
    """The files say something else than those of the plan."""

    def __init__(self, plan: str) -> None:
        self.plan = plan
        super().__init__(
            f"the plan {plan} is of files that say something else",
            hint="Look at what these would change: `condarium access plan FILE…`",
        )


class StalePlan(Conflict):
    """What is lent changed since the plan was made; `since` says what was done."""

    def __init__(self, plan: str, since: tuple[str, ...]) -> None:
        self.plan, self.since = plan, since
        done = "\n".join(f"    {each}" for each in since) or "    (time passed: something ended)"
        super().__init__(
            f"what is lent changed since the plan {plan} was made:\n{done}",
            hint="Look at what would change now: `condarium access plan FILE…`",
        )


@dataclass(frozen=True, kw_only=True)
class PlanId:
    """The last audit entry, and digests of what there is and of what the files say."""

    entry: int
    there: str
    wanted: str

    @classmethod
    def parse(cls, text: str) -> "PlanId":
        """Raises BadPlanId."""
        entry, _, digests = text.partition("-")
        there, _, wanted = digests.partition("-")
        if not entry.isdecimal() or len(there) != _DIGITS or len(wanted) != _DIGITS:
            raise BadPlanId(text)
        return cls(entry=int(entry), there=there, wanted=wanted)

    def __str__(self) -> str:
        return f"{self.entry}-{self.there}-{self.wanted}"


class Undone(Exception):
    """A unit of work was only tried."""


def plan(store: Store, documents: Iterable[Document], *, actor: Actor) -> Plan:
    """What files would change, with what follows of it; nothing stays changed.

    Raises BadAccessFile, and what applying them would raise.
    """
    said, now = read_states(documents), store.now()
    found: list[Plan] = []
    try:
        with store.database.note() as facts:
            hold(facts)
            there = present(facts, now)
            found.append(_planned(facts, said, there, actor, now))
            raise Undone
    except Undone:
        return found[0]


def apply(
    store: Store, documents: Iterable[Document], *, plan: str, running: bool, actor: Actor
) -> Applied:
    """Make what is lent what files say, where the plan of it still holds.

    Files that change nothing are applied whatever the plan. Raises BadAccessFile, BadPlanId,
    OtherFiles, StalePlan, and what making a resource, a budget or a grant raises.
    """
    said, planned = read_states(documents), PlanId.parse(plan)
    if planned.wanted != _digest(said):
        raise OtherFiles(plan)
    detail: dict[str, str] = {}
    with store.database.change(actor, "access apply", str(planned), detail) as facts:
        hold(facts)
        now = store.now()
        there = present(facts, now)
        wanted = meant(said, there, now)
        made = changes(there.state, wanted)
        if made and planned.there != _digest(there.state):
            raise StalePlan(plan, tuple(_since(facts, planned.entry)))
        reason = f"files were applied (plan {plan})"
        applying = Applying(facts=facts, actor=actor, at=now, reason=reason)
        revoked = applying.apply(wanted, there, running=running)
        detail |= {**audit_detail(reason, revoked), "changes": str(len(made))}
        left = plain_state(present(facts, now).state)
        facts.applied.add(left, at=now, by=actor.name)
    return Applied(
        plan=plan,
        changes=made,
        cancelled=revoked.cancelled,
        jobs=revoked.jobs,
        running=revoked.running,
        warnings=unknown(wanted),
    )


def unknown(state: State) -> tuple[str, ...]:
    """Of whom no id is known, in one sentence."""
    names = sorted({with_id(who) for who in everybody(state.grants) if who.id is None})
    if not names:
        return ()
    shown = ", ".join(names[:_TOLD]) + (", …" if len(names) > _TOLD else "")
    return (
        f"the ids of {len(names)} are not known, so that they may use nothing until "
        f"`condarium access resolve` has found them: {shown}",
    )


def _planned(facts: "Facts", said: State, there: Present, actor: Actor, now: datetime) -> Plan:
    wanted = meant(said, there, now)
    identity = PlanId(entry=facts.audit.head()[0], there=_digest(there.state), wanted=_digest(said))
    last, drift = facts.applied.last(), tuple[StateChange, ...]()
    if last is not None:
        drift = changes_of(last.state, plain_state(there.state))
    applying = Applying(facts=facts, actor=actor, at=now, reason="a plan")
    revoked = applying.apply(wanted, there, running=False)
    return Plan(
        id=str(identity),
        changes=changes(there.state, wanted),
        loses=loses(there.state, wanted),
        gains=gains(there.state, wanted),
        cancelled=tuple(_jobs(facts, revoked, revoked.cancelled)),
        running=tuple(_jobs(facts, revoked, revoked.running)),
        drift=drift,
        applied_at=last.at if last else None,
        warnings=unknown(wanted),
    )


def _jobs(facts: "Facts", revoked: Revoked, numbers: Iterable[int]) -> Iterator[AffectedJob]:
    wanted = set(numbers)
    if not wanted:
        return
    for each in reversed(facts.admissions.all(grants=revoked.grants)):
        if each.id in wanted:
            yield _affected(each)


def _affected(admission: Admission) -> AffectedJob:
    return AffectedJob(
        admission=admission.id,
        project=str(admission.project),
        resource=admission.resource or "",
        state="running" if admission.started_at else "waiting",
        job=admission.job,
    )


def _digest(state: State) -> str:
    text = json.dumps(plain_state(state), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _since(facts: "Facts", entry: int) -> Iterator[str]:
    """What was done to what is lent since an audit entry, the latest first."""
    for each in facts.audit.search(AuditFilter(outcome=Outcome.DONE), before=None, limit=_LOOKED):
        if each.number > entry and each.action.split()[0] in _ABOUT:
            yield _told(each)


_LOOKED = 500


def _told(entry: AuditEntry) -> str:
    return f"{entry.action} {entry.target} by {entry.actor} at {entry.at:%FT%TZ}"
