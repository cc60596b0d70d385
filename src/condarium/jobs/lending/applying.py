"""A job for a queue whose machines are lent asks to be admitted, in the unit of work that makes it.

The project is the namespace that it is about, the person whose account asks, and the commit is the
digest of what it is to do: so an approval of one order is none of another.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from condarium.errors import NoSuchNamespace, Refused
from condarium.governance.admission.admitting import admit_in, still
from condarium.governance.admission.seeing import told
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import Actor
from condarium.model.governance.admission import Admission, Applicant
from condarium.model.governance.projects import Person, PersonKind, Project, ProjectKind
from condarium.model.governance.resources import Resource
from condarium.model.jobs import Limits, Order
from condarium.storage.facts import Facts
from condarium.storage.store import Store

SOURCE = "job"
"""Where admissions come from that are of our own workers' jobs."""
_EVENT = "job"


class NotAdmitted(Refused):
    """The machines of this queue are lent, and not to this job."""

    def __init__(
        self,
        queue: str,
        resource: str,
        reasons: Sequence[str],
        admission: Admission | None = None,
    ) -> None:
        self.queue, self.resource, self.reasons = queue, resource, tuple(reasons)
        self.admission = admission
        why = "".join(f"\n  {reason}" for reason in self.reasons)
        super().__init__(
            f"the job is not admitted to the queue {queue}{why}",
            hint=f"condarium resource show {resource} says on which terms it is lent, and by whom.",
        )


class NoProject(Refused):
    """Machines are lent to namespaces, and this job is about none."""

    def __init__(self, queue: str, operation: str) -> None:
        self.queue, self.operation = queue, operation
        super().__init__(
            f"{operation} is about no namespace, and the queue {queue} is for jobs of namespaces "
            "to which its machines are lent",
            hint="Leave --job-queue out: other workers carry it out.",
        )


def limits_on(lent: Resource | None, usual: Limits, asked: timedelta | None) -> Limits:
    """What a job may take: as long as it asked for, else as long as machines are lent for."""
    if lent is not None:
        return replace(usual, wall_time=asked or lent.settings.longest_job)
    return replace(usual, wall_time=min(asked or usual.wall_time, usual.wall_time))


def apply(
    facts: Facts, number: int, order: Order, *, actor: Actor, at: datetime, chain: int = 0
) -> Admission | None:
    """Have a job that waits admitted where its queue is lent; None where it is not.

    It asks anew, whatever became of it before. Raises NoProject and NotAdmitted: then the unit of
    work has to be undone.
    """
    lent = facts.resources.of_queues([order.queue]).get(order.queue)
    if lent is None:
        return None
    if order.kind != ThingKind.NAMESPACE or order.resource is None:
        raise NoProject(order.queue, order.operation)
    made = admit_in(
        facts,
        _applicant(facts, number, order),
        source=SOURCE,
        external=f"{number}-{facts.admissions.askings(number) + 1}",
        at=at,
        job=number,
        priority=order.priority,
        chain=chain,
    )
    assert made is not None  # its queue is lent
    if made.state.over:
        raise NotAdmitted(order.queue, lent.name, told(facts, made, actor).reasons, made)
    return made


def note_refused(store: Store, error: NotAdmitted) -> None:
    """Keep a refusal among the admissions, as the unit of work that made it is undone.

    It is of no job: the number that one would have had is another one's.
    """
    if error.admission is None:
        return
    external, labels = f"refused-{uuid4().hex}", (error.queue,)
    refused = replace(error.admission, external=external, labels=labels, run="", job=None)
    with store.database.note() as facts:
        facts.admissions.add(refused)


def apply_again(facts: Facts, number: int, *, actor: Actor, at: datetime) -> Admission | None:
    """The same for a job that asked before, or that waited when its queue was not lent yet."""
    before = facts.admissions.of_job(number)
    chain = before.chain if before else 0
    return apply(facts, number, facts.jobs.order(number), actor=actor, at=at, chain=chain)


def check_still(facts: Facts, number: int, *, at: datetime) -> None:
    """Raise NotAdmitted where a job that was admitted would be no more."""
    order = facts.jobs.order(number)
    decision = still(facts, _applicant(facts, number, order), at)
    if not decision.allowed:
        raise NotAdmitted(order.queue, decision.resource or order.queue, decision.reasons)


def digest_of(order: Order) -> str:
    """What a job is to do, as a SHA-256: it stands for a commit."""
    said = {"operation": order.operation, "arguments": order.arguments, "target": order.target}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _applicant(facts: Facts, number: int, order: Order) -> Applicant:
    assert order.resource is not None
    return Applicant(
        project=_project(facts, order.resource),
        labels=(order.queue, f"run-{number}"),  # a worker claims it by its number: it is its own
        commit=digest_of(order),
        event=_EVENT,
        person=_person(order),
        nobody="the store's owner asked, who has no account (condarium login)",
        run=str(number),
        time=order.limits.wall_time,
    )


def _project(facts: Facts, namespace: str) -> Project:
    try:
        identifier = str(facts.namespaces.id(namespace))
    except NoSuchNamespace:  # nothing was built in it yet: there is nobody to lend to
        identifier = None
    return Project(kind=ProjectKind.NAMESPACE, name=namespace, id=identifier)


def _person(order: Order) -> Person | None:
    if order.principal is None:
        return None
    return Person(kind=PersonKind.USER, name=order.actor, id=order.principal)
