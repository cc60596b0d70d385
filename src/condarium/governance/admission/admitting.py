"""Admitting: a job asks for what is lent, and what is decided is a fact in one unit of work.

Resources are held from before a decision until the unit ends. So nothing is granted, revoked or
spent between what a decision was made on and what it reserves.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from condarium.governance.grants.vouching import approvals_in
from condarium.model.actor import Actor
from condarium.model.governance.admission import (
    Admission,
    AdmissionState,
    Applicant,
    Decision,
    Grants,
)
from condarium.model.governance.amounts import cost_of, say_amount
from condarium.model.governance.deciding import decide
from condarium.model.governance.grants import Grant
from condarium.model.governance.ledger import begin_of, end_of
from condarium.model.governance.projects import with_id
from condarium.model.governance.resources import Resource
from condarium.model.instants import say_instant
from condarium.storage.governance.till import BudgetSpent, Claim, Till
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

_LONGEST_EVENT = 64
_LONGEST_BRANCH = 255
"""Characters that are kept: what people read."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A job that asks, and who it is where it is: `number` is that of one of our own workers."""

    job: Applicant
    source: str
    external: str
    number: int | None = None
    priority: int = 0
    chain: int = 0

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.external


@dataclass(frozen=True, kw_only=True)
class Known:
    """What decisions on some jobs depend on; `spent` is how much, by grants that have a quota."""

    lent: Grants
    spent: dict[int, int]

    def spend(self, grant: int, amount: int) -> None:
        if grant in self.spent:
            self.spent[grant] += amount


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
    asking = Asking(
        job=applicant, source=source, external=external, number=job, priority=priority, chain=chain
    )
    (admission,) = admit_all_in(facts, [asking], at)
    return admission


def admit_all_in(facts: "Facts", asking: Sequence[Asking], at: datetime) -> list[Admission | None]:
    """The same for several jobs, which are different ones that have not asked before.

    What they depend on is asked and written together; they are decided one after the other, and
    each sees what those before it reserved.
    """
    if not asking:
        return []
    known = _known(facts, [each.job for each in asking], at)
    till = facts.ledger.till(known.lent.resources, at)
    claims: dict[tuple[str, str], Claim] = {}
    decided = [_decided(known, till, claims, each, at) for each in asking]
    added = facts.admissions.add_all([each for each in decided if each is not None])
    made = {(each.source, each.external): each for each in added if each is not None}
    till.write({made[key].id: claim for key, claim in claims.items() if key in made})
    return [
        # it is there and not new where somebody else was quicker
        each and (made.get(asked.key) or facts.admissions.by_external(*asked.key))
        for asked, each in zip(asking, decided, strict=True)
    ]


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


def still(facts: "Facts", job: Applicant, at: datetime) -> Decision:
    """Whether a job that was admitted would be yet: what it may cost is set aside already."""
    return decide(job, _known(facts, [job], at).lent, at)


def judge_in(
    facts: "Facts",
    job: Applicant,
    at: datetime,
    *,
    may_see: Callable[[str], bool],
    untold: frozenset[str] = frozenset(),
) -> Decision:
    """What would be decided of a job by resources that one may see; nobody is held up by it."""
    asked_for = facts.admissions.asked_for(job.labels, services=True)
    resources = [facts.resources.get(name) for name in asked_for if may_see(name)]
    known = _known_of(facts, [job], resources, at)
    return _within_quota(replace(known, lent=replace(known.lent, untold=untold)), job, at)


def _known(facts: "Facts", jobs: Sequence[Applicant], at: datetime) -> Known:
    labels = [label for job in jobs for label in job.labels]
    resources = facts.resources.lock_all(facts.admissions.asked_for(labels))
    return _known_of(facts, jobs, resources, at)


def _known_of(
    facts: "Facts", jobs: Sequence[Applicant], resources: Sequence[Resource], at: datetime
) -> Known:
    """What the decisions on jobs depend on: of 10,000 grants, a few."""
    asked = Grants(resources=resources)
    pairs = {(job.project, each.name) for job in jobs for each in asked.asked_for(job.labels)}
    grants = facts.grants.of_each(pairs)
    approved = approvals_in(facts, grants, {job.commit.lower() for job in jobs})
    people = {job.person.key for job in jobs if job.person and job.person.key}
    people.update(*(each.people for each in approved))
    if not all(label.isascii() for job in jobs for label in job.labels):  # what may it look like?
        resources = [*_public(facts), *resources]
    lent = Grants(
        resources=resources,
        grants=grants,
        accepted=facts.terms.accepted(people=people) if people else frozenset(),
        approved=approved,
    )
    return Known(lent=lent, spent=_spent(facts, grants, at))


def _spent(facts: "Facts", grants: Iterable[Grant], at: datetime) -> dict[int, int]:
    """Microcredits that are spent already under each grant with a quota, in its period.

    What was revoked or ended in a period counts in it: to grant it anew is not to grant it twice.
    """
    grants, counted = list(grants), dict[datetime | None, dict[int, list[int]]]()
    over = [grant for grant in grants if grant.state(at).over]
    for grant in grants:
        if grant.lending.quota is not None and grant not in over:
            since = begin_of(grant.lending.period, at)
            before = [each.id for each in over if since and _same_use(each, grant)]
            counted.setdefault(since, {})[grant.id] = [grant.id, *before]
    found = dict[int, int]()
    for since, under in counted.items():
        spent = facts.ledger.spent_under(set(chain(*under.values())), since)
        found |= {grant: sum(spent[each] for each in numbers) for grant, numbers in under.items()}
    return found


def _same_use(one: Grant, other: Grant) -> bool:
    return (one.project.key, one.resource) == (other.project.key, other.resource)


def _public(facts: "Facts") -> list[Resource]:
    return [each for each in facts.resources.all() if each.settings.public]


def _decided(
    known: Known,
    till: Till,
    claims: dict[tuple[str, str], Claim],
    asking: Asking,
    at: datetime,
) -> Admission | None:
    """What is decided of a job, and noted in `known` and `claims` where it may cost something."""
    job, decision = asking.job, _within_quota(known, asking.job, at)
    if not decision.governed:
        return None
    asked = _asked(asking, decision, at)
    if not decision.allowed:
        return asked
    (resource,) = known.lent.asked_for(job.labels)
    asked = replace(asked, time=_time(resource, job), reserved=_cost(resource, job))
    try:
        claim = till.claim(resource, job.project, asked.reserved)
    except BudgetSpent as error:
        reasons = (f"budget: {error.message}", *((error.hint,) if error.hint else ()))
        refused = replace(asked, state=AdmissionState.REFUSED, reasons=reasons, ended_at=at)
        return replace(refused, reserved=0, cost=0)
    if claim is not None:
        claims[asking.key] = claim
    assert decision.grant is not None
    known.spend(decision.grant, asked.reserved)
    return asked


def _asked(asking: Asking, decision: Decision, at: datetime) -> Admission:
    job = asking.job
    return Admission(
        id=0,
        source=asking.source,
        external=asking.external,
        project=job.project,
        resource=decision.resource,
        grant=decision.grant,
        state=AdmissionState.WAITING if decision.allowed else AdmissionState.REFUSED,
        reasons=decision.reasons,
        commit=job.commit.lower(),
        event=job.event[:_LONGEST_EVENT],
        branch=job.branch and job.branch[:_LONGEST_BRANCH],
        person=job.person,
        head=job.head,
        role=job.role,
        labels=job.labels,
        run=job.run,
        job=asking.number,
        priority=asking.priority,
        chain=asking.chain,
        at=at,
    )


def _within_quota(known: Known, job: Applicant, at: datetime) -> Decision:
    """The decision, where a grant allows nothing whose quota is too small by now."""
    decision = decide(job, known.lent, at)
    if not decision.allowed:
        return decision
    (resource,) = known.lent.asked_for(job.labels)
    grant = next(each for each in known.lent.grants if each.id == decision.grant)
    why = _too_much(known, grant, _cost(resource, job), at)
    if why is None:
        return decision
    others = [each for each in known.lent.grants if each is not grant]
    again = _within_quota(replace(known, lent=replace(known.lent, grants=others)), job, at)
    refused = replace(decision, allowed=False, reasons=(why,))
    return again if again.allowed else refused


def _too_much(known: Known, grant: Grant, cost: int, at: datetime) -> str | None:
    quota, spent = grant.lending.quota, known.spent.get(grant.id, 0)
    if quota is None or spent + cost <= quota:
        return None
    ends = end_of(grant.lending.period, at)
    until = f" until {say_instant(ends)}" if ends else ""
    return (
        f"quota: the job may cost {say_amount(cost)} credits, and of the {say_amount(quota)} of "
        f"grant {grant.id}, {say_amount(max(quota - spent, 0))} are left{until}"
    )


def _time(resource: Resource, job: Applicant) -> timedelta:
    return job.time or resource.settings.longest_job


def _cost(resource: Resource, job: Applicant) -> int:
    """Microcredits, if it takes as long as it may."""
    return cost_of(_time(resource, job), resource.settings.factor)
