"""Credentials of jobs: a runner is offered a job, gets a secret for it once, and redeems it once.

A secret is bound to a job, a resource, a project and a commit; only its digest is kept. Whoever
offers and whoever redeems holds the resource, so that of two at once one is first.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from condarium.errors import BadArguments, Refused
from condarium.governance.admission.admitting import still
from condarium.governance.admission.ending import end_in
from condarium.governance.admission.leases import LEASE, expire
from condarium.governance.admission.turns import turn
from condarium.model.actor import Actor, Permission
from condarium.model.audit import Outcome
from condarium.model.document import Document
from condarium.model.governance.admission import Admission, AdmissionState, Offered
from condarium.model.governance.projects import Project, with_id
from condarium.model.governance.resources import Resource, ResourceKind
from condarium.model.secret import Secret
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

PREFIX = "condarium_job_"
"""What each begins with, so that scanners of leaked secrets find it."""
GOOD_FOR = timedelta(minutes=10)
_MOST_DROPPED = 20
"""How many jobs that are not admitted any more one call takes out of the line."""
MOST_WRONG = 3
"""How often one may be presented for what it is not for; then it is void."""


class CredentialRefused(Refused):
    """The credential does not admit this job here."""

    def __init__(
        self,
        reason: str,
        *,
        admission: int | None = None,
        wrong: bool = False,
        void: bool = False,
    ) -> None:
        self.reason, self.admission, self.wrong, self.void = reason, admission, wrong, void
        super().__init__(
            f"the credential {reason}",
            hint="A runner gets one from `condarium admission next RESOURCE`: for one job, to be "
            "redeemed once, within 10 minutes.",
        )


class NotTheHolder(Refused):
    """The job was taken by another account that runs machines of the resource."""

    def __init__(self, admission: int, who: str) -> None:
        self.admission, self.who = admission, who
        super().__init__(
            f"{who} did not take admission {admission}",
            hint="The account that was offered a job redeems it, says that it runs, and ends it; "
            "those may, too, who lend the resource.",
        )


def offer_next(store: Store, resource: str, *, runner: str, actor: Actor) -> Offered:
    """Offer the job whose turn it is to a runner, with a secret that is told this once.

    Nothing is offered where none waits, or none may run. Raises NoSuchResource, BadArguments for a
    queue of our own workers.
    """
    expire(store)
    detail = {"runner": runner}
    secret, now = PREFIX + token_urlsafe(32), store.now()
    with store.database.read() as facts:
        if facts.resources.get(resource).settings.kind is ResourceKind.QUEUE:
            raise BadArguments(
                f"{resource} is a queue of workers: its jobs are not offered to runners",
                hint=f"condarium worker --queue {resource}",
            )
        waiting = len(facts.admissions.waiting(resource))
        if turn(facts, facts.resources.get(resource), now).next is None:
            return Offered(admission=None, waiting=waiting)
    with store.database.change(actor, "admission offer", resource, detail) as facts:
        held = facts.resources.lock(resource)
        chosen = _next_still_allowed(facts, held, now, detail)
        if chosen is None:
            return Offered(admission=None, waiting=len(facts.admissions.waiting(resource)))
        until, holder = now + GOOD_FOR, actor.who.id or ""
        facts.admissions.offer(
            chosen.id, digest_of(secret), at=now, until=until, runner=runner, holder=holder
        )
        detail |= {"admission": str(chosen.id), "project": chosen.project.name}
        admission = facts.admissions.get(chosen.id)
    return Offered(admission=admission, secret=secret, until=until, waiting=waiting - 1)


def redeem(
    store: Store,
    secret: Secret,
    *,
    resource: str,
    project: Project,
    commit: str,
    runner: str,
    actor: Actor,
) -> Admission:
    """Begin the job that a credential is for: that of this resource, project and commit.

    Raises CredentialRefused, BadArguments; each refusal is in the audit log. What is presented for
    something else is not used up by it, so that a stranger's mistake does not cost the right one
    its job; the third time it is void.
    """
    if project.key is None:
        raise BadArguments(
            f"which project {project} is, is not known",
            hint="Say its id behind a #, as `condarium admission next` does.",
        )
    digest, now = digest_of(secret.reveal()), store.now()
    detail = {"project": with_id(project), "commit": commit, "runner": runner}
    try:
        with store.database.change(actor, "admission redeem", resource, detail) as facts:
            facts.resources.lock(resource)
            found = _presented(facts, digest, resource, project, commit, runner, now)
            _check_holder(facts, found, actor)
            if why := _not_any_more(facts, found, now):
                raise CredentialRefused(f"is void: {why}", admission=found.id, void=True)
            lease = lease_of(replace(found, started_at=now), now)
            runner = runner or found.runner
            facts.admissions.start(found.id, at=now, lease_until=lease, runner=runner)
            detail["admission"] = str(found.id)
            return facts.admissions.get(found.id)
    except CredentialRefused as error:
        _note(store, error, resource, detail, actor)
        raise


def check_holder(facts: "Facts", admission: Admission, actor: Actor) -> None:
    """Raise NotTheHolder unless this principal took the job for its runner, or lends the resource.

    Others who run machines of the resource are other machines.
    """
    assert admission.resource is not None
    lends = actor.may(Permission.RESOURCE_LEND, facts.resources.thing(admission.resource))
    if not lends and admission.holder != (actor.who.id or ""):
        raise NotTheHolder(admission.id, actor.name)


def read(document: Document) -> Secret:
    """The credential in the first line of a file."""
    return Secret(document.content.decode(errors="replace").partition("\n")[0].strip())


def lease_of(admission: Admission, now: datetime) -> datetime:
    """Until when it need not be heard of; never for longer than it was admitted for."""
    if admission.started_at is None or admission.time is None:
        return now + LEASE
    return min(now + LEASE, admission.started_at + admission.time)


def digest_of(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _check_holder(facts: "Facts", admission: Admission, actor: Actor) -> None:
    try:
        check_holder(facts, admission, actor)
    except NotTheHolder as error:
        reason = "is for whoever was offered the job"
        raise CredentialRefused(reason, admission=admission.id, wrong=True) from error


def _next_still_allowed(
    facts: "Facts", resource: Resource, now: datetime, detail: dict[str, str]
) -> Admission | None:
    """Whose turn it is; those are cancelled that would not be admitted any more."""
    for _ in range(_MOST_DROPPED):
        chosen = turn(facts, resource, now).next
        if chosen is None:
            return None
        admission = facts.admissions.get(chosen.id)
        why = _not_any_more(facts, admission, now)
        if why is None:
            return admission
        end_in(facts, admission, AdmissionState.CANCELLED, at=now, why=why)
        detail["cancelled"] = ", ".join(filter(None, [detail.get("cancelled"), str(admission.id)]))
    return None


def _not_any_more(facts: "Facts", admission: Admission, now: datetime) -> str | None:
    """Why a job that was admitted would not be now, if so."""
    decision = still(facts, admission.asked, now)
    if decision.allowed and decision.resource == admission.resource:
        return None
    return f"not admitted any more: {decision.reasons[0]}"


def _presented(
    facts: "Facts",
    digest: str,
    resource: str,
    project: Project,
    commit: str,
    runner: str,
    now: datetime,
) -> Admission:
    """The admission whose credential it is, if it is good for this. Raises CredentialRefused."""
    found = facts.admissions.by_credential(digest)
    if found is None:
        raise CredentialRefused("is none of this server's, or a newer one is in its place")
    admission, until, _ = found
    if admission.state is not AdmissionState.OFFERED or until is None:
        raise CredentialRefused(_why_void(admission), admission=admission.id)
    if until <= now:
        raise CredentialRefused("has expired", admission=admission.id)
    bound = {
        "resource": (admission.resource, resource),
        "project": (admission.project.key, project.key),
        "commit": (admission.commit, commit.lower()),
        "runner": (admission.runner, runner or admission.runner),
    }
    for name, (wanted, presented) in bound.items():
        if (admission.runner or name != "runner") and wanted != presented:
            raise CredentialRefused(f"is for another {name}", admission=admission.id, wrong=True)
    return admission


def _why_void(admission: Admission) -> str:
    match admission.state:
        case AdmissionState.CANCELLED:
            return "is void: its job was cancelled, or its grant revoked"
        case AdmissionState.WAITING:
            return "is void: it was not redeemed in time, or presented wrongly too often"
        case _:
            return "was used already"


def _note(
    store: Store, error: CredentialRefused, resource: str, detail: dict[str, str], actor: Actor
) -> None:
    """Count a wrong presentation, and put the refusal in the audit log."""
    said = {**detail, "reasons": error.reason, "admission": str(error.admission or "")}
    with store.database.note() as facts:
        if error.wrong and error.admission is not None:
            facts.admissions.present_wrongly(error.admission, most=MOST_WRONG)
        if error.void and error.admission is not None:
            facts.admissions.void([error.admission])
        facts.audit.add(
            at=store.now(),
            actor=actor,
            action="admission redeem",
            target=resource,
            detail={name: text for name, text in said.items() if text},
            outcome=Outcome.REFUSED,
        )
