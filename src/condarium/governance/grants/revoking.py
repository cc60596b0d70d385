"""Revoking: what is lent is taken back, with all that was admitted on it, whole or not at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from condarium.errors import BadArguments
from condarium.governance.grants.granting import decide_in, may_see, require_lender
from condarium.model.actor import Actor
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.grants import Grant, GrantChange, GrantState
from condarium.model.governance.listed import Revoked
from condarium.model.governance.projects import Project
from condarium.model.jobs import EventKind, JobEvent, JobStatus
from condarium.storage.governance.grants import NoSuchGrant
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

_HELD = (AdmissionState.WAITING, AdmissionState.OFFERED)


@dataclass(frozen=True, kw_only=True)
class Which:
    """Grants: those of some numbers, or all of a project, of a resource and of a provider (of what
    is said of these, all has to be true)."""

    numbers: tuple[int, ...] = ()
    project: Project | None = None
    resource: str | None = None
    provider: str | None = None

    def check(self) -> None:
        """Raise BadArguments unless it is one or the other."""
        named = self.project or self.resource or self.provider
        if bool(self.numbers) == bool(named):
            raise BadArguments(
                "expected numbers of grants, or any of --project, --resource and --provider; "
                f"found {'both' if named else 'none'}"
            )

    def __str__(self) -> str:
        said = [f"grant {number}" for number in self.numbers]
        said += [f"project {self.project}"] if self.project else []
        said += [f"resource {self.resource}"] if self.resource else []
        said += [f"provider {self.provider}"] if self.provider else []
        return ", ".join(said)[:255]


def revoke(store: Store, *, which: Which, reason: str, running: bool, actor: Actor) -> Revoked:
    """Take back what is lent, in one unit of work.

    What waits for a machine is cancelled and refunded, credentials are void; with `running`, what
    runs is cancelled as well, and costs what it took until now. What was revoked already stays so.
    Raises BadArguments, NoSuchGrant, NotPermitted, ReasonNeeded.
    """
    which.check()
    detail = {"reason": reason}
    with store.database.change(actor, "grant revoke", str(which), detail) as facts:
        _hold(facts, which)
        found = chosen(facts, which, actor)
        require_lender(facts, found, actor)
        revoked = revoke_in(
            facts, found, reason=reason, running=running, actor=actor, at=store.now()
        )
        detail |= _said(revoked)
    return revoked


def chosen(facts: "Facts", which: Which, actor: Actor) -> list[Grant]:
    """The grants that are meant, of those that somebody may know of. Raises NoSuchGrant."""
    numbers = which.numbers or None
    found = facts.grants.all(
        numbers=numbers,
        project=which.project,
        resource=which.resource,
        provider=which.provider,
    )
    seen = [each for each in found if may_see(actor, facts.resources.thing(each.resource))]
    for absent in sorted(set(which.numbers) - {each.id for each in seen}):
        raise NoSuchGrant(absent)
    return seen


def _hold(facts: "Facts", which: Which) -> None:
    """Hold what is lent as far as it is meant, so that grants that are being made are waited for,
    and seen by whoever reads them after this."""
    if which.resource is not None:
        names = {which.resource}
    elif which.numbers:
        names = {each.resource for each in facts.grants.all(numbers=which.numbers)}
    else:
        every = facts.resources.all(retired=True)
        provider = which.provider
        names = {each.name for each in every if provider in (None, each.settings.provider)}
    facts.resources.hold(names)


def revoke_in(
    facts: "Facts",
    grants: Iterable[Grant],
    *,
    reason: str,
    running: bool,
    actor: Actor,
    at: datetime,
) -> Revoked:
    """The same in the caller's unit of work, for grants that were read in it.

    Each resource is held, so that nothing is admitted on what is revoked. Raises ReasonNeeded.
    """
    wanted = list(grants)
    facts.resources.hold({grant.resource for grant in wanted})
    revoked = []
    for number in sorted({grant.id for grant in wanted}):
        if facts.grants.lock(number).state(at) is GrantState.REVOKED:
            continue
        change = GrantChange.REVOKED
        revoked.append(decide_in(facts, number, change, actor=actor, reason=reason, at=at))
    admitted = _admitted(facts, [grant.id for grant in revoked])
    ended = [each for each in admitted if running or each.state in _HELD]
    for admission in ended:
        why = f"grant {admission.grant} was revoked by {actor.name}: {reason}"
        _cancel(facts, admission, actor=actor, at=at, why=why)
    return Revoked(
        grants=tuple(grant.id for grant in revoked),
        cancelled=tuple(each.id for each in ended),
        jobs=tuple(each.job for each in ended if each.job is not None),
        running=tuple(each.id for each in admitted if each not in ended),
    )


def _admitted(facts: "Facts", grants: list[int]) -> list[Admission]:
    """What waits or runs on grants, the oldest first."""
    states = (*_HELD, AdmissionState.RUNNING)
    return facts.admissions.all(grants=grants, states=states)[::-1] if grants else []


def _cancel(facts: "Facts", admission: Admission, *, actor: Actor, at: datetime, why: str) -> None:
    from condarium.governance.admission.ending import end_in

    end_in(facts, admission, AdmissionState.CANCELLED, at=at, why=why)
    if admission.job is not None:
        _cancel_job(facts, admission.job, actor=actor, at=at, why=why)


def _cancel_job(facts: "Facts", job: int, *, actor: Actor, at: datetime, why: str) -> None:
    if facts.jobs.cancel(job, at=at, by=actor.name) is not JobStatus.CANCELLED:
        return
    status = JobEvent(number=0, at=at, kind=EventKind.STATUS, text=str(JobStatus.CANCELLED))
    facts.job_events.add(job, [status, JobEvent(number=0, at=at, kind=EventKind.SAY, text=why)])


def _said(revoked: Revoked) -> dict[str, str]:
    said = {"grants": revoked.grants, "cancelled": revoked.cancelled, "jobs": revoked.jobs}
    return {name: ", ".join(map(str, numbers)) for name, numbers in said.items() if numbers}
