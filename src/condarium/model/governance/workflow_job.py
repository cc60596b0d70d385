"""What GitHub says of a workflow's jobs and runs, read out of a webhook's body.

A job says where it is and what it asks for; why it runs, who is behind it and where its commit is
from is said of its run. Ids are kept as text.
https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

import msgspec

from condarium.errors import BadInput
from condarium.model.governance.admission import Applicant
from condarium.model.governance.projects import (
    BadPerson,
    BadProject,
    Person,
    PersonKind,
    Project,
    ProjectKind,
)

LATEST = timedelta(hours=24)
"""GitHub gives a job up that no runner took within this time: what says so later is old."""
_MOST_LABELS = 100
_T = TypeVar("_T")


class BadWebhook(BadInput):
    """The body of a webhook is not what GitHub sends."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the webhook cannot be read: {reason}",
            hint="Choose application/json as its content type, and the events workflow_job, "
            "workflow_run and repository.",
        )


@dataclass(frozen=True, kw_only=True)
class WorkflowJob:
    """What a job is, and how far: `action` is queued, waiting, in_progress or completed.

    `runner` is the name of the runner that took it, empty where none did.
    """

    action: str
    id: str
    run: str
    attempt: int
    project: Project
    commit: str
    branch: str | None
    labels: tuple[str, ...]
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    runner: str = ""

    @property
    def took(self) -> float | None:
        """For how many seconds it ran, as GitHub measured it; None where it does not say."""
        if self.started_at is None or self.completed_at is None:
            return None
        return max(0.0, (self.completed_at - self.started_at).total_seconds())


@dataclass(frozen=True, kw_only=True)
class WorkflowRun:
    """An attempt of a run: `event` is why, `head` where its commit is from.

    `head` is None where that repository is gone. `by` is whoever triggered this attempt, and
    `human` whether that is a person's account.
    """

    action: str
    id: str
    attempt: int
    project: Project
    commit: str
    branch: str | None
    event: str
    head: Project | None
    by: Person | None
    human: bool


@dataclass(frozen=True, kw_only=True)
class Renamed:
    """A repository has another name, or owner, and the id that it had."""

    project: Project


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """A webhook that changes nothing here; `reason` says why."""

    reason: str


Said = WorkflowJob | WorkflowRun | Renamed | Nothing


def read(event: str, body: bytes) -> Said:
    """Read a body, as what the header X-GitHub-Event says that it is. Raises BadWebhook.

    The signature covers the body and not the header: one that does not fit the other is refused.
    """
    plain = _parsed(body)
    match event, plain.get("action"):
        case "ping", _:
            return Nothing(reason="pong")
        case "workflow_job", "queued" | "waiting" | "in_progress" | "completed":
            return _job(_typed(plain, _JobEvent))
        case "workflow_run", "requested" | "in_progress" | "completed":
            said = _typed(plain, _RunEvent)
            return _run(said.action, said.workflow_run, said.repository)
        case "repository", "renamed" | "transferred":
            return Renamed(project=_project(_typed(plain, _RepositoryEvent).repository))
    return Nothing(reason=f"the event {event[:40]!r} is not one that decides anything here")


def read_run(plain: Mapping[str, Any]) -> WorkflowRun:
    """Read a run as the API gives it. Raises BadWebhook."""
    found = _typed(plain, _OwnRun)
    return _run("requested", found, found.repository)


def applicant(job: WorkflowJob, run: WorkflowRun, role: str | None) -> Applicant:
    """Who asks for machines, of a job and its run."""
    fork = run.head is None or run.head.key != run.project.key
    return Applicant(
        project=job.project,
        labels=job.labels,
        commit=job.commit,
        event=run.event,
        branch=run.branch,
        head=(run.head or _GONE) if fork else None,
        person=run.by if run.human else None,
        nobody="" if run.human else _nobody(run.by),
        role=role,
        run=job.run,
    )


def disagreement(job: WorkflowJob, run: WorkflowRun) -> str | None:
    """What of a job is not as its run says, if anything."""
    if job.project.key != run.project.key:
        return "the job and its run are of different repositories"
    if job.commit != run.commit:
        return "the job and its run are of different commits"
    return None


_GONE = Project(kind=ProjectKind.GITHUB, name="a-fork/that-is-gone")


def _nobody(by: Person | None) -> str:
    who = f"a bot, {by.name}" if by else "nobody who is known"
    return f"triggered by {who}; approve the commit: condarium grant approve-commit"


_Text = Annotated[str, msgspec.Meta(max_length=255)]
_Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Commit = Annotated[str, msgspec.Meta(pattern="^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
_Attempt = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class _Account(msgspec.Struct):
    login: _Text
    id: _Id
    type: _Text


class _Repository(msgspec.Struct):
    id: _Id
    full_name: _Text


class _Job(msgspec.Struct):
    id: _Id
    run_id: _Id
    head_sha: _Commit
    labels: Annotated[tuple[_Text, ...], msgspec.Meta(max_length=_MOST_LABELS)]
    run_attempt: _Attempt = 1
    head_branch: _Text | None = None
    created_at: _Instant | None = None
    started_at: _Instant | None = None
    completed_at: _Instant | None = None
    runner_name: _Text | None = None


class _Run(msgspec.Struct):
    id: _Id
    head_sha: _Commit
    event: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    run_attempt: _Attempt = 1
    head_branch: _Text | None = None
    head_repository: _Repository | None = None
    actor: _Account | None = None
    triggering_actor: _Account | None = None


class _OwnRun(_Run, kw_only=True):
    repository: _Repository


class _JobEvent(msgspec.Struct):
    action: str
    workflow_job: _Job
    repository: _Repository


class _RunEvent(msgspec.Struct):
    action: str
    workflow_run: _Run
    repository: _Repository


class _RepositoryEvent(msgspec.Struct):
    repository: _Repository


def _job(said: _JobEvent) -> WorkflowJob:
    job = said.workflow_job
    created = job.created_at or job.started_at
    if created is None:
        raise BadWebhook("it does not say when the job was created")
    _check_texts(*job.labels, job.head_branch, job.runner_name)
    return WorkflowJob(
        action=said.action,
        id=str(job.id),
        run=str(job.run_id),
        attempt=job.run_attempt,
        project=_project(said.repository),
        commit=job.head_sha,
        branch=job.head_branch,
        labels=job.labels,
        created_at=created,
        started_at=job.started_at,
        completed_at=job.completed_at,
        runner=job.runner_name or "",
    )


def _run(action: str, run: _Run, repository: _Repository) -> WorkflowRun:
    """Who triggered a first attempt is its actor, where that is all that is said."""
    by = run.triggering_actor or (run.actor if run.run_attempt == 1 else None)
    _check_texts(run.event, run.head_branch)
    return WorkflowRun(
        action=action,
        id=str(run.id),
        attempt=run.run_attempt,
        project=_project(repository),
        commit=run.head_sha,
        branch=run.head_branch,
        event=run.event,
        head=_project(run.head_repository) if run.head_repository else None,
        by=_person(by) if by else None,
        human=by is not None and by.type == "User",
    )


def _project(repository: _Repository) -> Project:
    try:
        named = Project.parse(f"{ProjectKind.GITHUB}:{repository.full_name}")
    except BadProject as error:
        raise BadWebhook(str(error)) from error
    return Project(kind=named.kind, name=named.name, id=str(repository.id))


def _person(account: _Account) -> Person:
    try:
        named = Person.parse(f"{PersonKind.GITHUB}:{account.login}")
    except BadPerson as error:
        raise BadWebhook(str(error)) from error
    return Person(kind=named.kind, name=named.name, id=str(account.id))


def _check_texts(*texts: str | None) -> None:
    """Raise BadWebhook for what cannot be kept or shown: NUL, halves of characters and such."""
    for text in texts:
        if text and not text.isprintable():
            raise BadWebhook(f"found {ascii(text)[:80]}; expected text that can be printed")


def _typed(plain: Mapping[str, Any], kind: type[_T]) -> _T:
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:  # which names a place, and no value
        raise BadWebhook(str(error)) from error


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        plain = _DECODER.decode(body.decode("utf-8"))
    except RecursionError as error:
        raise BadWebhook("it is too deep") from error
    except ValueError as error:  # of UTF-8 too
        raise BadWebhook(f"it is no JSON ({str(error)[:80]})") from error
    if not isinstance(plain, dict):
        raise BadWebhook("it is no JSON object")
    return plain


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are each there once: another reader may see the other one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice in one object")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"the number {constant}")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse)
