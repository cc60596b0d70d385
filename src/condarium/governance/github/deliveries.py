"""Deliveries of webhooks, what is answered to them, and what the audit log says of it."""

from dataclasses import dataclass, field
from datetime import datetime

from condarium.governance.admission.admitting import said
from condarium.model.actor import Actor
from condarium.model.audit import AuditEntry, Outcome
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.workflow_job import Said, WorkflowRun
from condarium.storage.audit import audit_entry

SOURCE = "github"
_ACTOR = Actor(name="github")


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


def answer_of(found: Admission) -> Answer:
    """What is answered to a job that asks."""
    refused = found.state is AdmissionState.REFUSED
    outcome = "refused" if refused else "admitted"
    return Answer(outcome=outcome, reasons=found.reasons, admission=found.id, state=found.state)


@dataclass
class Log:
    """What the audit log says of a batch, which is appended when all else is done.

    Others wait for the log's end while they hold a resource: who had it before they ask for a
    resource would wait for them.
    """

    at: datetime
    entries: list[AuditEntry] = field(default_factory=list)

    def add(
        self, action: str, target: str, detail: dict[str, str], *, refused: bool = False
    ) -> None:
        outcome = Outcome.REFUSED if refused else Outcome.DONE
        self.entries.append(audit_entry(self.at, _ACTOR, action, target, detail, outcome))

    def of(self, action: str, admission: Admission, **detail: str) -> None:
        refused = action == "admission decide" and admission.state is AdmissionState.REFUSED
        self.add(action, admission.external, said(admission) | detail, refused=refused)
