"""Jobs at GitHub: what its webhooks say becomes admissions, and ends them.

A job can be decided about when its run is known, which says who is behind it. Webhooks come in any
order, or late, or twice; so a job whose run is not known yet is put off, one that is over before it
was queued is never admitted, and the same body again changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

from condarium.governance.admission.ending import end_in
from condarium.governance.github.deliveries import SOURCE, Answer, Delivery, Log
from condarium.governance.github.queued import NOTHING, Queued, asked_for, decide_all
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.projects import Project
from condarium.model.governance.workflow_job import (
    LATEST,
    Nothing,
    Renamed,
    Said,
    WorkflowJob,
    WorkflowRun,
)
from condarium.storage.governance.runs import attempt_of
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

_RUNS_KEPT = timedelta(days=7)
"""For how long runs are kept that GitHub did not say to be completed."""
_JOBS_KEPT = 2 * LATEST
"""And deliveries and jobs: whatever says of older ones that they are queued is too late."""


def take(store: Store, deliveries: Sequence[Delivery]) -> list[Answer]:
    """Take webhooks in one unit of work: together they cost hardly more than one alone.

    In a batch, runs are heard of first, then jobs are decided about, and then what is over is
    settled, in whatever order they came. Where one fails, none of them was taken.
    """
    log = Log(store.now())
    with store.database.note() as facts:
        batch = _Batch(facts, deliveries)
        answers = batch.take(deliveries, log)
        facts.audit.append(log.entries)
    return answers


def look_again(store: Store, delivery: Delivery) -> Answer:
    """Take a job that was put off, and that may be decided about by now."""
    (answer,) = take(store, [delivery])
    return answer


def undecided(store: Store, limit: int) -> list[Delivery]:
    """Jobs that were put off and are looked at again now, as if they were heard of again."""
    with store.database.note() as facts:
        jobs = facts.runs.due(store.now(), limit=limit)
    return [Delivery(digest="", said=job) for job in jobs]


def forget(store: Store) -> None:
    """Forget what cannot matter any more."""
    now = store.now()
    with store.database.note() as facts:
        facts.deliveries.forget(now - _JOBS_KEPT)
        facts.runs.forget(runs=now - _RUNS_KEPT, jobs=now - _JOBS_KEPT)


class _Batch:
    """What is known of webhooks that are taken together; all that their jobs ask for is held.

    `lent` is what labels ask for, `waiting` are jobs that were put off, by their runs.
    """

    def __init__(self, facts: "Facts", deliveries: Sequence[Delivery]) -> None:
        self._facts = facts
        said = [each.said for each in deliveries if not each.unanswered]
        self.waiting = facts.runs.undecided_of(run for run in said if isinstance(run, WorkflowRun))
        told = [each.said for each in deliveries if isinstance(each.said, WorkflowJob)]
        jobs = [*told, *chain.from_iterable(self.waiting.values())]
        self.lent = facts.admissions.labelled(label for job in jobs for label in job.labels)
        on_the_way = [job.id for job in told if job.action != "queued"]
        self._admitted = facts.admissions.by_externals(SOURCE, on_the_way) if on_the_way else {}
        began = {job.runner for job in told if job.action == "in_progress" and job.runner}
        self._machines = facts.admissions.on_runners(SOURCE, began) if began else []
        told_of = (*self._admitted.values(), *self._machines)
        held = {each.resource for each in told_of if each.resource}
        facts.resources.hold(held.union(*(asked_for(job, self.lent) for job in jobs)))

    def take(self, deliveries: Sequence[Delivery], log: Log) -> list[Answer]:
        known = [self._nothing(each.said) for each in deliveries]
        asked = [each for each, answer in zip(deliveries, known, strict=True) if answer is None]
        digests = (each.digest for each in asked if each.digest)
        first = self._facts.deliveries.add(digests, at=log.at)
        new: dict[int, Delivery] = {}
        for number, (each, answer) in enumerate(zip(deliveries, known, strict=True)):
            if answer is None and (not each.digest or each.digest in first):
                new[number] = each
                first.discard(each.digest)
        done = self._taken(new, log)
        return [
            answer or done.get(number) or _already(self._facts, each.said)
            for number, (each, answer) in enumerate(zip(deliveries, known, strict=True))
        ]

    def _taken(self, new: Mapping[int, Delivery], log: Log) -> dict[int, Answer]:
        runs = [each.said for each in new.values() if isinstance(each.said, WorkflowRun)]
        self._facts.runs.add_all(runs, at=log.at)
        queued = [each for delivery in new.values() for each in self._queued(delivery)]
        decided = decide_all(self._facts, queued, self.lent, log)
        return {number: self._answer(each, decided, log) for number, each in new.items()}

    def _queued(self, delivery: Delivery) -> list[Queued]:
        """The jobs that are decided about for a delivery."""
        match delivery.said:
            case WorkflowJob(action="queued") as job:
                return [Queued(job, delivery)]
            case WorkflowRun() as run if not delivery.unanswered:
                own = replace(delivery, run=run)
                return [Queued(job, own) for job in self.waiting[attempt_of(run)]]
        return []

    def _answer(self, delivery: Delivery, decided: Mapping[str, Answer], log: Log) -> Answer:
        match delivery.said:
            case WorkflowJob(action="queued") as job:
                return decided[job.id]
            case WorkflowJob(action="in_progress") as job:
                return _began(self._facts, job, self._robbed(job), log)
            case WorkflowJob(action="completed") as job:
                return _completed(self._facts, job, log)
            case WorkflowRun() as run:
                answers = [decided[each.job.id] for each in self._queued(delivery)]
                return _heard(self._facts, run, answers)
            case Renamed() as renamed:
                return _renamed(self._facts, renamed, log)
        return Answer(outcome="noted", reasons=("it waits for an approval at GitHub",))

    def _nothing(self, said: Said) -> Answer | None:
        """What is answered where it is none of our business.

        A label that only looks like one of a resource is decided about.
        """
        if isinstance(said, Nothing):
            return Answer(outcome="nothing", reasons=(said.reason,))
        if not isinstance(said, WorkflowJob) or asked_for(said, self.lent):
            return None
        if said.id in self._admitted or not all(label.isascii() for label in said.labels):
            return None
        return None if self._robbed(said) else NOTHING

    def _robbed(self, job: WorkflowJob) -> list[Admission]:
        """What other jobs' machine a job took, if it is not its own.

        A machine is registered at one owner: others may call theirs the same.
        """
        if job.action != "in_progress":
            return []
        return [
            each
            for each in self._machines
            if each.runner == job.runner
            and each.external != job.id
            and _owner(each.project) == _owner(job.project)
        ]


def _already(facts: "Facts", said: Said) -> Answer:
    found = _admission(facts, said) if isinstance(said, WorkflowJob) else None
    answer = Answer(outcome="already", reasons=("this body has come before",))
    return replace(answer, admission=found.id, state=found.state) if found else answer


def _heard(facts: "Facts", run: WorkflowRun, answers: Sequence[Answer]) -> Answer:
    """What came of jobs that waited for a run, which is kept while it may have more."""
    if run.action == "completed":
        facts.runs.remove(run)
    decided = [f"admission {each.admission}: {each.outcome}" for each in answers]
    return Answer(outcome="noted", reasons=tuple(decided))


def _began(facts: "Facts", job: WorkflowJob, robbed: Sequence[Admission], log: Log) -> Answer:
    """Hold what runs where against what was admitted to run there."""
    found = _admission(facts, job)
    wrong = _wrong_runner(found, job.runner) if found else None
    if found is None or wrong:
        for each in robbed:
            _rob(facts, each, job, log)
    if found is None:
        return Answer(outcome="flagged" if robbed else "noted")
    if wrong:
        return _flag(facts, found, wrong, log)
    if found.state is AdmissionState.OFFERED:
        return _began_unasked(facts, found, job.runner, log)
    return Answer(outcome="noted", admission=found.id, state=found.state)


def _completed(facts: "Facts", job: WorkflowJob, log: Log) -> Answer:
    """Settle what a job took as GitHub measured it, but no longer than a machine had it."""
    found = _admission(facts, job)
    if found is None:
        facts.runs.end(job, at=log.at)
        return Answer(outcome="noted")
    if found.state.over and found.state is not AdmissionState.LOST:
        return Answer(outcome="noted", admission=found.id, state=found.state)
    if job.runner and (wrong := _wrong_runner(found, job.runner)):
        answer = _flag(facts, found, wrong, log)
        found = facts.admissions.get(found.id)
        if found.state.over:
            return answer
    if found.state is AdmissionState.OFFERED and job.runner:
        _began_unasked(facts, found, job.runner, log)
    ran = found.state is not AdmissionState.WAITING and bool(job.runner or found.started_at)
    state = AdmissionState.ENDED if ran else AdmissionState.CANCELLED
    began = found.offered_at or found.started_at or log.at
    most = max(0.0, (log.at - began).total_seconds())
    took = most if job.took is None else min(job.took, most)
    ended = end_in(facts, found, state, at=log.at, seconds=took if ran else 0.0)
    if ended is None:  # somebody was quicker
        return Answer(outcome="noted", admission=found.id, state=found.state)
    log.of("admission end", ended)
    return Answer(outcome="ended", admission=ended.id, state=ended.state)


def _wrong_runner(admission: Admission, runner: str) -> str | None:
    """What is wrong about where a job runs, if anything. A runner without a name is any."""
    if admission.state in (AdmissionState.OFFERED, AdmissionState.RUNNING, AdmissionState.LOST):
        if admission.runner in ("", runner):
            return None
        return f"picked up by another runner, {runner!r}; expected {admission.runner!r}"
    if admission.state is AdmissionState.ENDED:
        return None
    return f"picked up by another runner, {runner!r}, while it was {admission.state}"


def _flag(facts: "Facts", admission: Admission, wrong: str, log: Log) -> Answer:
    """Have people look at it; what no machine of ours has is not offered to one any more."""
    facts.admissions.flag(admission.id, wrong)
    if admission.state in (AdmissionState.WAITING, AdmissionState.OFFERED):
        end_in(facts, admission, AdmissionState.CANCELLED, at=log.at, seconds=0.0)
    found = facts.admissions.get(admission.id)
    log.of("admission flag", found, flagged=wrong)
    return Answer(outcome="flagged", reasons=(wrong,), admission=found.id, state=found.state)


def _began_unasked(facts: "Facts", admission: Admission, runner: str, log: Log) -> Answer:
    """A job runs whose runner did not redeem its credential: it is charged, and people look."""
    wrong = f"the runner {runner!r} began it without redeeming its credential"
    until = log.at + (admission.time or LATEST)
    facts.admissions.start(admission.id, at=log.at, lease_until=until, runner=runner)
    facts.admissions.flag(admission.id, wrong)
    found = facts.admissions.get(admission.id)
    log.of("admission flag", found, flagged=wrong)
    return Answer(outcome="flagged", reasons=(wrong,), admission=found.id, state=found.state)


def _rob(facts: "Facts", victim: Admission, thief: WorkflowJob, log: Log) -> None:
    """End what has no machine any more: it does not pay for another job."""
    wrong = f"its runner {victim.runner!r} was taken by job {thief.id} of {thief.project}"
    facts.admissions.flag(victim.id, wrong)
    ran = victim.state is AdmissionState.RUNNING
    state = AdmissionState.ENDED if ran else AdmissionState.CANCELLED
    ended = end_in(facts, victim, state, at=log.at, why=wrong)
    log.of("admission flag", ended or victim, flagged=wrong)


def _owner(project: Project) -> str:
    return project.name.partition("/")[0].lower()


def _renamed(facts: "Facts", said: Renamed, log: Log) -> Answer:
    """A repository keeps its id, and with it what it may use; only what it is called changes."""
    changed = facts.grants.rename(said.project)
    if not changed:
        return Answer(outcome="nothing", reasons=("nothing is granted to it",))
    detail = {"id": said.project.id or "", "grants": str(changed)}
    log.add("grant rename", str(said.project), detail)
    return Answer(outcome="noted", reasons=(f"{changed} grants have its new name",))


def _admission(facts: "Facts", job: WorkflowJob) -> Admission | None:
    return facts.admissions.by_external(SOURCE, job.id)
