"""Jobs at GitHub: what its webhooks say becomes admissions, and ends them.

A job can be decided about when its run is known, which says who is behind it. Webhooks come in any
order, or late, or twice; so a job whose run is not known yet is put off, one that is over before it
was queued is never admitted, and the same body again changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from condarium.governance.admission.admitting import admit_in, said
from condarium.governance.admission.ending import end_in
from condarium.model.actor import Actor
from condarium.model.audit import Outcome
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.workflow_job import (
    LATEST,
    Nothing,
    Renamed,
    Said,
    WorkflowJob,
    WorkflowRun,
    applicant,
    disagreement,
)
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

SOURCE = "github"
_ACTOR = Actor(name="github")
_RUNS_KEPT = timedelta(days=7)
"""For how long runs are kept that GitHub did not say to be completed."""
_JOBS_KEPT = 2 * LATEST
"""And deliveries and jobs: whatever says of older ones that they are queued is too late."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What a webhook says, by the SHA-256 of its body; empty where it is looked at again.

    `run` and `role` are what GitHub's API said besides. `unanswered` is why it did not, where it
    should have.
    """

    digest: str
    said: Said
    run: WorkflowRun | None = None
    role: str | None = None
    unanswered: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of it: admitted, refused, undecided, ended, flagged, noted, already or nothing."""

    outcome: str
    reasons: tuple[str, ...] = ()
    admission: int | None = None
    state: AdmissionState | None = None


def take(store: Store, deliveries: Sequence[Delivery]) -> list[Answer]:
    """Take webhooks in one unit of work: together they cost hardly more than one alone.

    Where one fails, none of them was taken.
    """
    at = store.now()
    with store.database.note() as facts:
        return [_take(facts, delivery, at) for delivery in deliveries]


def look_again(store: Store, delivery: Delivery) -> Answer:
    """Take a job that was put off, and that may be decided about by now."""
    (answer,) = take(store, [delivery])
    if answer.outcome != "undecided" and isinstance(delivery.said, WorkflowJob):
        with store.database.note() as facts:
            facts.runs.decided(delivery.said.id)
    return answer


def undecided(store: Store, limit: int) -> list[Delivery]:
    """Jobs that were put off, as if they were heard of again."""
    with store.database.read() as facts:
        jobs = facts.runs.undecided(limit=limit)
    return [Delivery(digest="", said=job) for job in jobs]


def forget(store: Store) -> None:
    """Forget what cannot matter any more."""
    now = store.now()
    with store.database.note() as facts:
        facts.deliveries.forget(now - _JOBS_KEPT)
        facts.runs.forget(runs=now - _RUNS_KEPT, jobs=now - _JOBS_KEPT)


def _take(facts: "Facts", delivery: Delivery, at: datetime) -> Answer:
    said = delivery.said
    if isinstance(said, Nothing):
        return Answer(outcome="nothing", reasons=(said.reason,))
    if isinstance(said, WorkflowJob) and not _concerns_us(facts, said):
        return Answer(outcome="nothing", reasons=("its labels ask for nothing that is lent",))
    if delivery.digest and not facts.deliveries.add(delivery.digest, at=at):
        return _already(facts, said)
    match said:
        case WorkflowRun():
            return _heard(facts, said, delivery, at)
        case Renamed():
            return _renamed(facts, said, at)
    match said.action:
        case "queued":
            return _queued(facts, said, delivery, at)
        case "in_progress":
            return _began(facts, said, at)
        case "completed":
            return _completed(facts, said, at)
    return Answer(outcome="noted", reasons=("it waits for an approval at GitHub",))


def _concerns_us(facts: "Facts", job: WorkflowJob) -> bool:
    """Whether it may ask for what is lent; a label that only looks like one is decided about."""
    if facts.admissions.asked_for(job.labels):
        return True
    if not all(label.isascii() for label in job.labels):
        return True
    return job.action != "queued" and _admission(facts, job) is not None


def _already(facts: "Facts", said: Said) -> Answer:
    found = _admission(facts, said) if isinstance(said, WorkflowJob) else None
    answer = Answer(outcome="already", reasons=("this body has come before",))
    return replace(answer, admission=found.id, state=found.state) if found else answer


def _queued(facts: "Facts", job: WorkflowJob, delivery: Delivery, at: datetime) -> Answer:
    """Decide, where that is possible now. What came before stays."""
    if late := _too_late(facts, job, at):
        return _refuse(facts, job, late, at)
    run = delivery.run or facts.runs.get(job.project.id, job.run, job.attempt)
    if run is None or delivery.unanswered:
        facts.runs.put_off(job, at=at)
        why = delivery.unanswered or "what GitHub says of its run has not come yet"
        return Answer(outcome="undecided", reasons=(why,))
    return _decide(facts, job, run, delivery.role, at)


def _too_late(facts: "Facts", job: WorkflowJob, at: datetime) -> str | None:
    if facts.runs.is_over(job.id):
        return "it was over before it was heard of"
    if at - job.created_at > LATEST:
        hours = LATEST // timedelta(hours=1)
        return f"it was created more than {hours} hours ago; run it again"
    return None


def _decide(
    facts: "Facts", job: WorkflowJob, run: WorkflowRun, role: str | None, at: datetime
) -> Answer:
    if wrong := disagreement(job, run):
        return _refuse(facts, job, wrong, at)
    found = admit_in(facts, applicant(job, run, role), source=SOURCE, external=job.id, at=at)
    if found is None:
        return Answer(outcome="nothing", reasons=("its labels ask for nothing that is lent",))
    if found.at == at:  # else it was decided before
        _audit(facts, "admission decide", found, at)
    return _answer(found)


def _refuse(facts: "Facts", job: WorkflowJob, reason: str, at: datetime) -> Answer:
    """Refuse what no rule needs to be asked about; it is an admission like other refusals."""
    if before := _admission(facts, job):
        return _answer(before)
    refused = Admission(
        id=0,
        source=SOURCE,
        external=job.id,
        project=job.project,
        resource=next(iter(facts.admissions.asked_for(job.labels)), None),
        grant=None,
        state=AdmissionState.REFUSED,
        reasons=(reason,),
        commit=job.commit,
        event="",
        branch=job.branch,
        labels=job.labels,
        run=job.run,
        at=at,
    )
    found, _ = facts.admissions.add(refused)
    _audit(facts, "admission decide", found, at)
    return _answer(found)


def _heard(facts: "Facts", run: WorkflowRun, delivery: Delivery, at: datetime) -> Answer:
    """Keep what a run is while it may have jobs, and decide about those that waited for it."""
    facts.runs.add(run, at=at)
    jobs = [] if delivery.unanswered else facts.runs.undecided(run)
    answers = [_queued(facts, job, replace(delivery, run=run), at) for job in jobs]
    for job in jobs:
        facts.runs.decided(job.id)
    if run.action == "completed":
        facts.runs.remove(run)
    decided = [f"admission {each.admission}: {each.outcome}" for each in answers]
    return Answer(outcome="noted", reasons=tuple(decided))


def _began(facts: "Facts", job: WorkflowJob, at: datetime) -> Answer:
    """Hold what runs where against what was admitted to run there."""
    found = _admission(facts, job)
    if found is None:
        return Answer(outcome="noted")
    if wrong := _wrong_runner(found, job.runner):
        return _flag(facts, found, wrong, at)
    return Answer(outcome="noted", admission=found.id, state=found.state)


def _completed(facts: "Facts", job: WorkflowJob, at: datetime) -> Answer:
    """Settle what a job took as GitHub measured it, but no longer than a machine had it."""
    found = _admission(facts, job)
    if found is None:
        facts.runs.end(job, at=at)
        return Answer(outcome="noted")
    if found.state.over:
        return Answer(outcome="noted", admission=found.id, state=found.state)
    if job.runner and (wrong := _wrong_runner(found, job.runner)):
        _flag(facts, found, wrong, at)
        found = facts.admissions.get(found.id)
    if found.state.over:
        return Answer(outcome="flagged", admission=found.id, state=found.state)
    ran = found.state is AdmissionState.RUNNING
    state = AdmissionState.ENDED if ran else AdmissionState.CANCELLED
    began = found.offered_at or found.started_at or at
    most = max(0.0, (at - began).total_seconds())
    ended = end_in(facts, found, state, at=at, seconds=min(job.took, most) if ran else 0.0)
    _audit(facts, "admission end", ended, at)
    return Answer(outcome="ended", admission=ended.id, state=ended.state)


def _wrong_runner(admission: Admission, runner: str) -> str | None:
    """What is wrong about where a job runs, if anything. A runner without a name is any."""
    if admission.state in (AdmissionState.OFFERED, AdmissionState.RUNNING):
        if admission.runner in ("", runner):
            return None
        return f"picked up by another runner, {runner!r}; expected {admission.runner!r}"
    if admission.state is AdmissionState.ENDED:
        return None
    return f"picked up by another runner, {runner!r}, while it was {admission.state}"


def _flag(facts: "Facts", admission: Admission, wrong: str, at: datetime) -> Answer:
    """Have people look at it; what no machine of ours has is not offered to one any more."""
    facts.admissions.flag(admission.id, wrong)
    if admission.state in (AdmissionState.WAITING, AdmissionState.OFFERED):
        end_in(facts, admission, AdmissionState.CANCELLED, at=at, seconds=0.0)
    found = facts.admissions.get(admission.id)
    _audit(facts, "admission flag", found, at, flagged=wrong)
    return Answer(outcome="flagged", reasons=(wrong,), admission=found.id, state=found.state)


def _renamed(facts: "Facts", said: Renamed, at: datetime) -> Answer:
    """A repository keeps its id, and with it what it may use; only what it is called changes."""
    changed = facts.grants.rename(said.project)
    if not changed:
        return Answer(outcome="nothing", reasons=("nothing is granted to it",))
    facts.audit.add(
        at=at,
        actor=_ACTOR,
        action="grant rename",
        target=str(said.project),
        detail={"id": said.project.id or "", "grants": str(changed)},
    )
    return Answer(outcome="noted", reasons=(f"{changed} grants have its new name",))


def _admission(facts: "Facts", job: WorkflowJob) -> Admission | None:
    return facts.admissions.by_external(SOURCE, job.id)


def _answer(found: Admission) -> Answer:
    refused = found.state is AdmissionState.REFUSED
    outcome = "refused" if refused else "admitted"
    return Answer(outcome=outcome, reasons=found.reasons, admission=found.id, state=found.state)


def _audit(facts: "Facts", action: str, admission: Admission, at: datetime, **detail: str) -> None:
    refused = action == "admission decide" and admission.state is AdmissionState.REFUSED
    facts.audit.add(
        at=at,
        actor=_ACTOR,
        action=action,
        target=admission.external,
        detail=said(admission) | detail,
        outcome=Outcome.REFUSED if refused else Outcome.DONE,
    )
