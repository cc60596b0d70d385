"""Admitting: a job asks for what is lent, and what is decided is a fact in one unit of work.

The resource is held from before the decision until the unit ends. So nothing is granted, revoked or
spent between what a decision was made on and what it reserves.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from condarium.model.actor import Actor
from condarium.model.governance.admission import (
    Admission,
    AdmissionState,
    Applicant,
    Decision,
    Grants,
)
from condarium.model.governance.amounts import cost_of, say_amount
from condarium.model.governance.deciding import decide, how_to_ask
from condarium.model.governance.grants import Grant
from condarium.model.governance.ledger import begin_of, end_of
from condarium.model.governance.projects import Project, with_id
from condarium.model.governance.resources import Resource
from condarium.model.instants import say_instant
from condarium.storage.governance.ledger import BudgetSpent
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

_LONGEST_EVENT = 64
_LONGEST_BRANCH = 255
"""Characters that are kept: what people read."""


def admit(
    store: Store, job: Applicant, *, source: str, external: str, actor: Actor
) -> Admission | None:
    """Admit a job or refuse it, in a unit of work with its audit entry. See `admit_in`."""
    detail: dict[str, str] = {}
    with store.database.change(actor, "admission decide", external, detail) as facts:
        admission = admit_in(facts, job, source=source, external=external, at=store.now())
        if admission is not None:
            detail |= said(admission)
    return admission


def admit_in(
    facts: "Facts",
    applicant: Applicant,
    *,
    source: str,
    external: str,
    at: datetime,
    job: int | None = None,
    priority: int = 0,
    chain: int = 0,
) -> Admission | None:
    """Decide on a job, and reserve what it may cost, in the unit of work that the caller opened.

    A refusal is an admission too, with its reasons. A job that asks again gets what it got before;
    None is for one whose labels ask for nothing that is lent. `job` is the number of one of our own
    workers.
    """
    if found := facts.admissions.by_external(source, external):
        return found
    asked_for = facts.admissions.asked_for(applicant.labels)
    known = _known(facts, applicant, map(facts.resources.lock, asked_for))
    decision = _within_quota(facts, applicant, known, at)
    if not decision.governed:
        return None
    asked = _asked(applicant, decision, source=source, external=external, at=at)
    asked = replace(asked, job=job, priority=priority, chain=chain)
    if not decision.allowed:
        return facts.admissions.add(asked)[0]
    (resource,) = known.asked_for(applicant.labels)
    time, cost = _time(resource, applicant), _cost(resource, applicant)
    return _reserve(facts, replace(asked, time=time, reserved=cost), resource)


def said(admission: Admission) -> dict[str, str]:
    """What the audit log says of a decision."""
    found = {
        "admission": str(admission.id),
        "project": with_id(admission.project),
        "resource": admission.resource or "",
        "person": with_id(admission.person) if admission.person else "",
        "commit": admission.commit,
        "event": admission.event,
        "grant": str(admission.grant or ""),
        "state": str(admission.state),
        "reasons": "; ".join(admission.reasons),
    }
    return {name: text for name, text in found.items() if text}


def snapshot(facts: "Facts") -> Grants:
    """All that is lent, as it is now."""
    return Grants(
        resources=facts.resources.all(retired=True),
        grants=facts.grants.all(),
        accepted=facts.terms.accepted(),
        approved=facts.grants.approved(),
    )


def still(facts: "Facts", job: Applicant, at: datetime) -> Decision:
    """Whether a job that was admitted would be yet: what it may cost is set aside already."""
    asked = map(facts.resources.lock, facts.admissions.asked_for(job.labels))
    return decide(job, _known(facts, job, asked), at)


def judge_in(
    facts: "Facts", job: Applicant, at: datetime, *, may_see: Callable[[str], bool]
) -> Decision:
    """What would be decided of a job by resources that one may see; nobody is held up by it."""
    found = [name for name in facts.admissions.asked_for(job.labels) if may_see(name)]
    return _within_quota(facts, job, _known(facts, job, map(facts.resources.get, found)), at)


def _known(facts: "Facts", job: Applicant, asked: Iterable[Resource]) -> Grants:
    """What the decision on a job depends on: of 10,000 grants, a few."""
    resources = list(asked)
    grants = [grant for each in resources for grant in _grants(facts, job.project, each.name)]
    people = [job.person.key] if job.person and job.person.key else []
    if not all(label.isascii() for label in job.labels):  # what may it look like?
        resources = [*_public(facts), *resources]
    return Grants(
        resources=resources,
        grants=grants,
        accepted=facts.terms.accepted(people=people),
        approved=facts.grants.approved([grant.id for grant in grants]),
    )


def _public(facts: "Facts") -> list[Resource]:
    return [each for each in facts.resources.all() if each.settings.public]


def _grants(facts: "Facts", project: Project, resource: str) -> list[Grant]:
    """Those of a project; where it has none, those of others that had its name."""
    own = facts.grants.of(project, resource)
    return own or facts.grants.all(resource=resource, project=replace(project, id=None))


def _asked(
    job: Applicant, decision: Decision, *, source: str, external: str, at: datetime
) -> Admission:
    return Admission(
        id=0,
        source=source,
        external=external,
        project=job.project,
        resource=decision.resource,
        grant=decision.grant,
        state=AdmissionState.WAITING if decision.allowed else AdmissionState.REFUSED,
        reasons=decision.reasons,
        commit=job.commit.lower(),
        event=job.event[:_LONGEST_EVENT],
        branch=job.branch and job.branch[:_LONGEST_BRANCH],
        person=job.person,
        labels=job.labels,
        run=job.run,
        at=at,
    )


def _within_quota(facts: "Facts", job: Applicant, known: Grants, at: datetime) -> Decision:
    """The decision, where a grant allows nothing whose quota is too small by now."""
    decision = decide(job, known, at)
    if not decision.allowed:
        return decision
    (resource,) = known.asked_for(job.labels)
    grant = next(each for each in known.grants if each.id == decision.grant)
    why = _too_much(facts, grant, _cost(resource, job), at)
    if why is None:
        return decision
    others = replace(known, grants=[each for each in known.grants if each is not grant])
    again = _within_quota(facts, job, others, at)
    refused = replace(decision, allowed=False, reasons=(why, how_to_ask(job, resource.name)))
    return again if again.allowed else refused


def _too_much(facts: "Facts", grant: Grant, cost: int, at: datetime) -> str | None:
    quota, period = grant.lending.quota, grant.lending.period
    if quota is None:
        return None
    spent = facts.ledger.spent_under(grant.id, begin_of(period, at))
    if spent + cost <= quota:
        return None
    ends = end_of(period, at)
    until = f" until {say_instant(ends)}" if ends else ""
    return (
        f"quota: the job may cost {say_amount(cost)} credits, and of the {say_amount(quota)} of "
        f"grant {grant.id} are {say_amount(max(quota - spent, 0))} left{until}"
    )


def _reserve(facts: "Facts", asked: Admission, resource: Resource) -> Admission:
    """Set aside what the job may cost, of a budget; where none has that, it is refused."""
    admission, new = facts.admissions.add(asked)
    if not new:
        return admission
    try:
        facts.ledger.reserve(
            resource, asked.project, asked.reserved, admission=admission.id, at=asked.at
        )
    except BudgetSpent as error:
        reasons = [f"budget: {error.message}", *([error.hint] if error.hint else [])]
        facts.admissions.refuse(admission.id, reasons, at=asked.at)
        return facts.admissions.get(admission.id)
    return admission


def _time(resource: Resource, job: Applicant) -> timedelta:
    return job.time or resource.settings.longest_job


def _cost(resource: Resource, job: Applicant) -> int:
    """Microcredits, if it takes as long as it may."""
    return cost_of(_time(resource, job), resource.settings.factor)
