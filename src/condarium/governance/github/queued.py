"""Jobs that are queued at GitHub: those of a batch are decided about together."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from condarium.governance.admission.admitting import Asking, admit_all_in
from condarium.governance.github.deliveries import SOURCE, Answer, Delivery, Log, answer_of
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.workflow_job import (
    LATEST,
    WorkflowJob,
    applicant,
    disagreement,
)
from condarium.storage.governance.runs import attempt_of

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

NOTHING = Answer(outcome="nothing", reasons=("its labels ask for nothing that is lent",))
_NO_RUN = "what GitHub says of its run has not come yet"


class Queued(NamedTuple):
    """A job, and the delivery that it is decided about for."""

    job: WorkflowJob
    delivery: Delivery


def decide_all(
    facts: "Facts", queued: Iterable[Queued], lent: Mapping[str, str], log: Log
) -> dict[str, Answer]:
    """Decide about jobs, where that is possible now, and give the answers by their ids.

    What came before stays. `lent` is what labels ask for; what that is, is held.
    """
    asked: dict[str, Queued] = {}
    for each in queued:
        asked.setdefault(each.job.id, each)
    if not asked:
        return {}
    before = facts.admissions.by_externals(SOURCE, asked)
    new = [each for each in asked.values() if each.job.id not in before]
    found = _Sorted(facts, new, log.at)
    facts.runs.put_off([job for job, _ in found.undecided], at=log.at)
    facts.runs.decided(asked.keys() - {job.id for job, _ in found.undecided})
    no = AdmissionState.REFUSED
    refused = [_unruled(job, no, why, lent, log.at) for job, why in found.refused]
    added = [*facts.admissions.add_all(refused), *admit_all_in(facts, found.asking, log.at)]
    made = {admission.external: admission for admission in added if admission is not None}
    for admission in made.values():
        if admission.at == log.at:  # else somebody else was quicker
            log.of("admission decide", admission)
    answers = {job.id: Answer(outcome="undecided", reasons=(why,)) for job, why in found.undecided}
    answers |= {name: answer_of(decided) for name, decided in (before | made).items()}
    return {name: answers.get(name, NOTHING) for name in asked}


class _Sorted:
    """Jobs by what can be done about them: asked for by rules, refused without, or put off."""

    def __init__(self, facts: "Facts", new: Sequence[Queued], at: datetime) -> None:
        self.asking: list[Asking] = []
        self.refused: list[tuple[WorkflowJob, str]] = []
        self.undecided: list[tuple[WorkflowJob, str]] = []
        over = facts.runs.over(each.job.id for each in new)
        known = facts.runs.known(job for job, delivery in new if delivery.run is None)
        for job, delivery in new:
            run = delivery.run or known.get(attempt_of(job))
            late = "it was over before it was heard of" if job.id in over else _too_late(job, at)
            if late:
                self.refused.append((job, late))
            elif run is None or delivery.unanswered:
                self.undecided.append((job, delivery.unanswered or _NO_RUN))
            elif wrong := disagreement(job, run):
                self.refused.append((job, wrong))
            else:
                asked = applicant(job, run, delivery.role)
                self.asking.append(Asking(job=asked, source=SOURCE, external=job.id))


def _too_late(job: WorkflowJob, at: datetime) -> str | None:
    if at - job.created_at <= LATEST:
        return None
    hours = LATEST // timedelta(hours=1)
    return f"it was created more than {hours} hours ago; run it again"


def put_off(facts: "Facts") -> list[Admission]:
    """Jobs that cannot be decided about yet, the newest first, as what they ask for."""
    jobs = facts.runs.undecided()[::-1]
    lent = facts.admissions.labelled(label for job in jobs for label in job.labels)
    return [_unruled(job, AdmissionState.ASKED, _NO_RUN, lent, job.created_at) for job in jobs]


def _unruled(
    job: WorkflowJob, state: AdmissionState, why: str, lent: Mapping[str, str], at: datetime
) -> Admission:
    """A job about which no rule was asked; one that is refused is an admission like others."""
    return Admission(
        id=0,
        source=SOURCE,
        external=job.id,
        project=job.project,
        resource=next(iter(asked_for(job, lent)), None),
        grant=None,
        state=state,
        reasons=(why,),
        commit=job.commit,
        event="",
        branch=job.branch,
        labels=job.labels,
        run=job.run,
        at=at,
    )


def asked_for(job: WorkflowJob, lent: Mapping[str, str]) -> list[str]:
    """The resources that its labels ask for."""
    labels = [label.lower() for label in job.labels if label.isascii()]
    return [lent[label] for label in labels if label in lent]
