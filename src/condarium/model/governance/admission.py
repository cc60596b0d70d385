"""Admission: a job asks for what is lent; what is known of it, what was decided, how far it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from condarium.model.governance.grants import Grant
from condarium.model.governance.labels import look
from condarium.model.governance.projects import Person, Project
from condarium.model.governance.resources import Resource


@dataclass(frozen=True, kw_only=True)
class Applicant:
    """A job that asks for machines, as those say who know it.

    `labels` are what it asks for, `event` why it runs (push, pull_request, schedule, job, ...),
    `head` the project that its commit is from where that is a fork. `person` is the human who
    triggered it, None where there is none or they are not known: `nobody` then says why. `role` is
    what that human is in the project's repository. `run` is the run that it is part of; `time` is
    how long it says that it will take at most.
    """

    project: Project
    labels: tuple[str, ...]
    commit: str
    event: str
    branch: str | None = None
    head: Project | None = None
    person: Person | None = None
    nobody: str = ""
    role: str | None = None
    run: str = ""
    time: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Approval:
    """Somebody's word for a commit under a grant.

    `people` are the keys of whoever gave it, here and elsewhere; `lends` says whether they lend
    the resource now. Who neither does nor is among the grant's people has no word any more.
    """

    grant: int
    commit: str
    people: frozenset[str] = frozenset()
    lends: bool = False


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`reasons` say which conditions held, or which failed and how to ask; `grant` and `resource`
    are what it rests on, as far as they were found. `governed` is False where the job's labels ask
    for nothing that is lent: then it is none of our business."""

    allowed: bool
    reasons: tuple[str, ...]
    resource: str | None = None
    grant: int | None = None
    governed: bool = True

    @property
    def ok(self) -> bool:
        """Whether the job would run: else the command fails."""
        return self.allowed


@dataclass(frozen=True)
class Grants:
    """What is lent, as of an instant: indexed once, asked often.

    `accepted` are (terms, version, a person's key); `untold` names conditions that are not looked
    at, since whoever asks may not learn of them.
    """

    resources: Iterable[Resource] = ()
    grants: Iterable[Grant] = ()
    accepted: frozenset[tuple[str, int, str]] = frozenset()
    approved: Iterable[Approval] = ()
    untold: frozenset[str] = frozenset()
    _by_label: dict[str, Resource] = field(init=False, default_factory=dict, repr=False)
    _by_use: dict[tuple[str, str], list[Grant]] = field(
        init=False, default_factory=dict, repr=False
    )
    _by_look: dict[str, str] = field(init=False, default_factory=dict, repr=False)
    _by_name: dict[tuple[str, str], list[Grant]] = field(
        init=False, default_factory=dict, repr=False
    )
    _by_commit: dict[tuple[int, str], list[Approval]] = field(
        init=False, default_factory=dict, repr=False
    )

    def __post_init__(self) -> None:
        for resource in self.resources:
            label = (resource.settings.label or resource.name).lower()
            self._by_label[label] = resource
            self._by_look[look(label)] = resource.name
        for grant in sorted(self.grants, key=lambda grant: grant.id):
            key = grant.project.key
            name = str(grant.project).lower()
            self._by_name.setdefault((name, grant.resource), []).append(grant)
            if key is not None:
                self._by_use.setdefault((key, grant.resource), []).append(grant)
        for approval in self.approved:
            about = approval.grant, approval.commit
            self._by_commit.setdefault(about, []).append(approval)

    def asked_for(self, labels: Iterable[str]) -> list[Resource]:
        """The resources that labels ask for. One that is not all ASCII asks for none."""
        found: dict[int, Resource] = {}
        for label in labels:
            if label.isascii() and (resource := self._by_label.get(label.lower())):
                found[resource.id] = resource
        return list(found.values())

    def looked_like(self, labels: Iterable[str]) -> tuple[str, str] | None:
        """A label that is not all ASCII, and the resource whose label one could take it for."""
        if "".join(labels).isascii():
            return None
        for label in labels:
            if not label.isascii() and (resource := self._by_look.get(look(label))):
                return label, resource
        return None

    def of(self, project: Project, resource: str) -> Sequence[Grant]:
        """Grants of the project with this id, in whatever state, by number."""
        key = project.key
        return () if key is None else self._by_use.get((key, resource), ())

    def vouching(self, grant: Grant, job: Applicant) -> tuple[Approval, ...]:
        """Approvals of the job's commit by those who may give one now, and did not trigger it."""
        given = self._by_commit.get((grant.id, job.commit.lower()))
        if not given:
            return ()
        triggered = job.person and job.person.key
        named = {person.key for person in grant.lending.conditions.people or ()}
        return tuple(
            each
            for each in given
            if triggered not in each.people and (each.lends or named & each.people)
        )

    def of_name(self, project: Project, resource: str) -> Sequence[Grant]:
        """Grants of whatever had this name: only to be told of."""
        return self._by_name.get((str(project).lower(), resource), ())


class AdmissionState(StrEnum):
    ASKED = "asked"
    """Not decided yet: what has to be known of it has not come. It is no admission, and has no
    number."""
    REFUSED = "refused"
    WAITING = "waiting"
    """Admitted; its cost is reserved, and no runner has it."""
    OFFERED = "offered"
    """A runner has its credential and has not redeemed it."""
    RUNNING = "running"
    ENDED = "ended"
    LOST = "lost"
    """Its runner fell silent: it costs what it took until it was taken for lost."""
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self not in (self.ASKED, self.WAITING, self.OFFERED, self.RUNNING)


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What was decided of a job that asked, and how far it is.

    `source` is where the job is (`github` or `job`), `external` its id there. `job` is the number
    of a job of our own workers. `time` is how long it may take at most, None where it is of no
    resource. `reserved` and `cost` are in microcredits (1,000,000 are a credit); `chain` is how
    many jobs wait for it one after the other. `heard_at` is its last heartbeat,
    `lease_until` when it is taken for lost. `head` and `role` are as of `Applicant`; `holder` is
    the principal that took it for a runner.
    """

    id: int
    source: str
    external: str
    project: Project
    resource: str | None
    grant: int | None
    state: AdmissionState
    reasons: tuple[str, ...]
    commit: str
    event: str
    branch: str | None = None
    person: Person | None = None
    head: Project | None = None
    role: str | None = None
    labels: tuple[str, ...] = ()
    run: str = ""
    time: timedelta | None = None
    job: int | None = None
    priority: int = 0
    chain: int = 0
    at: datetime
    reserved: int = 0
    cost: int | None = None
    offered_at: datetime | None = None
    started_at: datetime | None = None
    heard_at: datetime | None = None
    lease_until: datetime | None = None
    ended_at: datetime | None = None
    runner: str = ""
    holder: str = ""
    flagged: str = ""
    """What is wrong about it, for people to look at."""
    why: str = ""
    """Who ended it and why, where somebody did."""
    waits: str = ""
    """Why it waits, where that was asked."""

    @property
    def asked(self) -> Applicant:
        """The job as it asked, to be decided about once more."""
        return Applicant(
            project=self.project,
            labels=self.labels,
            commit=self.commit,
            event=self.event,
            branch=self.branch,
            head=self.head,
            person=self.person,
            role=self.role,
            run=self.run,
            time=self.time,
        )

    @property
    def up_at(self) -> datetime | None:
        """When it has had all its time; None where it did not begin."""
        return self.started_at + self.time if self.started_at and self.time is not None else None

    def took(self, until: datetime) -> timedelta:
        """How long it ran, until then at most.

        One that waits again, because its worker is gone, ran until it was last heard of.
        """
        if self.started_at is None:
            return timedelta()
        stopped = self.heard_at if self.state is AdmissionState.WAITING else self.ended_at
        return max((stopped or until) - self.started_at, timedelta())


@dataclass(frozen=True, kw_only=True)
class Offered:
    """A job for a runner, or None where none may run; `waiting` is how many others wait.

    The runner has to have all of the admission's `labels`. `secret` is its credential, which is
    told this once and is good until `until`.
    """

    admission: Admission | None
    waiting: int
    secret: str = ""
    until: datetime | None = None
