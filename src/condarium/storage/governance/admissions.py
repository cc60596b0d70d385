"""Admissions: jobs that asked for what is lent, what was decided, and how far they are.

A step is a conditional update, which says whether it was made: of two who take it at once, one
does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, bindparam, func, or_, select

from condarium.errors import NotFound
from condarium.model.governance.admission import Admission, AdmissionState
from condarium.model.governance.projects import Person, PersonKind, Project, ProjectKind, with_id
from condarium.model.governance.resources import ResourceKind
from condarium.storage.governance.resources import NoSuchResource
from condarium.storage.tables import admissions, resources
from condarium.storage.upsert import insert_and_tell

OPEN = tuple(state for state in AdmissionState if not state.over)
HELD = (AdmissionState.OFFERED, AdmissionState.RUNNING)
"""States in which an admission takes a machine."""


class NoSuchAdmission(NotFound):
    """There is no admission of this number."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(
            f"there is no admission {number}",
            hint="`condarium admission list` shows those that there are.",
        )


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What somebody may see: what asks for these resources, what these people triggered, what
    was decided by these grants, and what is of namespaces of these ids."""

    resources: frozenset[str]
    people: frozenset[str]
    grants: frozenset[int] = frozenset()
    namespaces: frozenset[str] = frozenset()


class Admissions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, admission: Admission) -> tuple[Admission, bool]:
        """Append it, whatever number it says, and say that it is new.

        Where its job asked before, give what is there. Raises NoSuchResource.
        """
        (added,) = self.add_all([admission])
        if added is not None:
            return added, True
        found = self.by_external(admission.source, admission.external)
        assert found is not None
        return found, False

    def add_all(self, new: Sequence[Admission]) -> list[Admission | None]:
        """Append them, whatever numbers they say: each with its number, None for one whose job
        asked before. Raises NoSuchResource."""
        ids = self._resource_ids({each.resource for each in new if each.resource})
        rows = [
            {**_values(each), "resource_id": each.resource and ids[each.resource]} for each in new
        ]
        told = insert_and_tell(self._connection, admissions, rows, "id", "source", "external")
        numbers = {(source, external): number for number, source, external in told}
        return [
            replace(each, id=number) if number else None
            for each in new
            for number in [numbers.get((each.source, each.external))]
        ]

    def get(self, number: int) -> Admission:
        """Raises NoSuchAdmission."""
        found = self._find(_admissions().where(admissions.c.id == number))
        if not found:
            raise NoSuchAdmission(number)
        return found[0]

    def by_external(self, source: str, external: str) -> Admission | None:
        asked = {"of_source": source, "of_external": external}
        row = self._connection.execute(_BY_EXTERNAL, asked).first()
        return None if row is None else _admission(row)

    def by_externals(self, source: str, externals: Iterable[str]) -> dict[str, Admission]:
        """Those that jobs elsewhere have, by their ids there."""
        asked = {"of_source": source, "externals": list(externals)}
        rows = self._connection.execute(_BY_EXTERNALS, asked)
        return {row.external: _admission(row) for row in rows}

    def of_job(self, job: int) -> Admission | None:
        """The newest of a job of our own workers."""
        newest = admissions.c.id.desc()
        query = _admissions().where(admissions.c.job_id == job).order_by(newest).limit(1)
        return next(iter(self._find(query)), None)

    def askings(self, job: int) -> int:
        """How often a job of our own workers asked."""
        query = select(func.count()).select_from(admissions).where(admissions.c.job_id == job)
        return int(self._connection.scalar(query) or 0)

    def by_credential(self, digest: str) -> tuple[Admission, datetime | None, int] | None:
        """Whose credential it is, until when it is good (None: used or void), and how often it was
        presented wrongly."""
        query = _admissions().where(admissions.c.credential == digest)
        row = self._connection.execute(query).first()
        return row and (_admission(row), row.credential_until, row.wrong)

    def all(
        self,
        *,
        states: Iterable[AdmissionState] = (),
        resource: str | None = None,
        project: Project | None = None,
        grants: Iterable[int] | None = None,
        source: str | None = None,
        numbers: Iterable[int] | None = None,
        seen: Seen | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[Admission]:
        """Admissions, the newest first, those of a lower number than `before`.

        A project is that of its id, or, where either has none, that of its name.
        """
        query = _admissions().order_by(admissions.c.id.desc()).limit(limit)
        if states := tuple(states):
            query = query.where(admissions.c.state.in_(states))
        if resource is not None:
            query = query.where(resources.c.name == resource)
        if project is not None:
            query = query.where(_is_project(project))
        if grants is not None:
            query = query.where(admissions.c.grant_id.in_(list(grants)))
        if source is not None:
            query = query.where(admissions.c.source == source)
        if numbers is not None:
            query = query.where(admissions.c.id.in_(list(numbers)))
        if seen is not None:
            query = query.where(_is_seen(seen))
        if before is not None:
            query = query.where(admissions.c.id < before)
        return self._find(query)

    def asked_for(self, labels: Iterable[str], *, services: bool = False) -> list[str]:
        """The names of the resources that labels ask for, by number; also of those of the past.

        Services keep their own lists: they are asked for there.
        """
        return list(self.labelled(labels, services=services).values())

    def labelled(self, labels: Iterable[str], *, services: bool = False) -> dict[str, str]:
        """The same, by their labels."""
        plain = list({label.lower() for label in labels if label.isascii()})
        rows = self._connection.execute(_ASKED_FOR, {"labels": plain})
        return {row.label: row.name for row in rows if services or row.kind != ResourceKind.SERVICE}

    def waiting(self, resource: str) -> list[Admission]:
        """Those that no machine has, the oldest first."""
        return self.all(states=[AdmissionState.WAITING], resource=resource)[::-1]

    def waited_on(self) -> list[int]:
        """The numbers of grants on which anything waits."""
        waits = admissions.c.state == AdmissionState.WAITING, admissions.c.grant_id.is_not(None)
        return list(
            self._connection.scalars(select(admissions.c.grant_id).where(*waits).distinct())
        )

    def running(self, resource: str) -> list[Admission]:
        """Those that take a machine: running, or offered to one; the oldest first."""
        return self.all(states=HELD, resource=resource)[::-1]

    def on_runners(self, source: str, runners: Iterable[str]) -> list[Admission]:
        """Those that runners of these names have, or were offered."""
        held = admissions.c.state.in_(HELD), admissions.c.source == source
        named = admissions.c.runner.in_(list(runners))
        return self._find(_admissions().where(*held, named))

    def silent(self, at: datetime) -> list[Admission]:
        """Running ones of which nothing was heard for too long."""
        running = admissions.c.state == AdmissionState.RUNNING
        return self._find(_admissions().where(running, admissions.c.lease_until < at))

    def refuse(self, number: int, reasons: Iterable[str], *, at: datetime) -> None:
        """Say that what waits is refused after all."""
        refused = {"state": AdmissionState.REFUSED, "reserved": 0, "cost": 0}
        values = {**refused, "reasons": list(reasons), "ended_at": at}
        self._connection.execute(_one(number).values(values))

    def offer(
        self,
        number: int,
        digest: str,
        *,
        at: datetime,
        until: datetime,
        runner: str = "",
        holder: str = "",
    ) -> bool:
        """Give what waits a credential, in place of what it had, for a principal's runner."""
        offered = {
            "state": AdmissionState.OFFERED,
            "credential": digest,
            "credential_until": until,
            "wrong": 0,
            "offered_at": at,
            "runner": runner,
            "holder": holder,
        }
        return self._step(number, [AdmissionState.WAITING], **offered)

    def late(self, at: datetime) -> bool:
        """Whether anything is offered whose credential nobody redeemed in time."""
        return (
            self._connection.execute(select(admissions.c.id).where(*_late(at))).first() is not None
        )

    def take_back(self, at: datetime) -> int:
        """Have those wait again whose credential nobody redeemed in time; say how many."""
        query = admissions.update().where(*_late(at))
        waits = {"state": AdmissionState.WAITING, "credential_until": None, "offered_at": None}
        return self._connection.execute(query.values(**waits, runner="")).rowcount

    def present_wrongly(self, number: int, *, most: int) -> int:
        """Count a wrong presentation of its credential, which the last of `most` makes void."""
        query = _one(number).values(wrong=admissions.c.wrong + 1).returning(admissions.c.wrong)
        wrong = int(self._connection.scalar(query) or 0)
        if wrong >= most:
            self.void([number])
        return wrong

    def void(self, numbers: Iterable[int]) -> None:
        """Make credentials void; an admission that was offered waits again."""
        for number in numbers:
            waits = {"state": AdmissionState.WAITING, "offered_at": None, "runner": ""}
            self._step(number, [AdmissionState.OFFERED], **waits)
            self._connection.execute(_one(number).values(credential_until=None))

    def start(
        self,
        number: int,
        *,
        at: datetime,
        lease_until: datetime | None,
        runner: str = "",
        job: int | None = None,
    ) -> bool:
        """Say that it runs: its credential was redeemed, or one of our own workers has it.

        Without a lease it is never taken for lost here: jobs of ours are watched as jobs.
        """
        values: dict[str, Any] = {"credential_until": None, "started_at": at, "heard_at": at}
        if job is not None:
            values["job_id"] = job
        values |= {"lease_until": lease_until, "runner": runner}
        not_yet = [AdmissionState.WAITING, AdmissionState.OFFERED]
        return self._step(number, not_yet, state=AdmissionState.RUNNING, **values)

    def heartbeat(self, number: int, *, at: datetime, lease_until: datetime) -> bool:
        """Say that it still runs."""
        heard = {"heard_at": at, "lease_until": lease_until}
        return self._step(number, [AdmissionState.RUNNING], **heard)

    def pause(self, number: int, *, at: datetime) -> bool:
        """Have what runs wait again, since then: it keeps when it began, and when it stopped."""
        stopped = {"state": AdmissionState.WAITING, "heard_at": at, "lease_until": None}
        return self._step(number, [AdmissionState.RUNNING], **stopped, runner="")

    def hear_of(self, jobs: Iterable[int], *, at: datetime, lease_until: datetime) -> None:
        """Say that these jobs of our own workers still run."""
        running = admissions.c.state == AdmissionState.RUNNING
        query = admissions.update().where(admissions.c.job_id.in_(list(jobs)), running)
        self._connection.execute(query.values(heard_at=at, lease_until=lease_until))

    def end(
        self, number: int, state: AdmissionState, *, at: datetime, cost: int, why: str = ""
    ) -> bool:
        """Say how it ended, and what it cost; its credential is void. A lost one may have ended."""
        ended = {"state": state, "ended_at": at, "cost": cost, "credential_until": None}
        return self._step(number, [*OPEN, AdmissionState.LOST], **ended, why=why)

    def flag(self, number: int, text: str) -> None:
        """Say what is wrong about it, for people to look at."""
        self._connection.execute(_one(number).values(flagged=text))

    def _resource_ids(self, names: Iterable[str]) -> dict[str, int]:
        """Raises NoSuchResource."""
        wanted = set(names)
        found: dict[str, int] = {}
        if wanted:
            for row in self._connection.execute(_RESOURCE_IDS, {"called": list(wanted)}):
                found[row.name] = row.id
        if missing := wanted - found.keys():
            raise NoSuchResource(min(missing))
        return found

    def _step(self, number: int, states: Iterable[AdmissionState], **values: Any) -> bool:
        query = _one(number).where(admissions.c.state.in_(list(states)))
        return bool(self._connection.execute(query.values(values)).rowcount)

    def _find(self, query: Select[Any]) -> list[Admission]:
        return [_admission(row) for row in self._connection.execute(query)]


def _one(number: int) -> Update:
    return admissions.update().where(admissions.c.id == number)


def _late(at: datetime) -> tuple[Any, Any]:
    offered = admissions.c.state == AdmissionState.OFFERED
    return offered, admissions.c.credential_until <= at


def _admissions() -> Select[Any]:
    joined = admissions.outerjoin(resources, resources.c.id == admissions.c.resource_id)
    return select(admissions, resources.c.name.label("resource")).select_from(joined)


def _is_seen(seen: Seen) -> Any:
    namespace = admissions.c.project_kind == str(ProjectKind.NAMESPACE)
    return or_(
        resources.c.name.in_(seen.resources),
        admissions.c.person.in_(seen.people),
        admissions.c.grant_id.in_(seen.grants),
        namespace & admissions.c.project_id.in_(seen.namespaces),
    )


def _is_project(project: Project) -> Any:
    kind = admissions.c.project_kind == str(project.kind)
    named = func.lower(admissions.c.project) == project.name.lower()
    if project.id is None:
        return kind & named
    known = admissions.c.project_id == project.id
    return kind & or_(known, admissions.c.project_id.is_(None) & named)


def _values(admission: Admission) -> dict[str, Any]:
    project, person, time = admission.project, admission.person, admission.time
    same = {name: getattr(admission, name) for name in _SAME}
    return {
        **same,
        "project_kind": str(project.kind),
        "project": project.name,
        "project_id": project.id,
        "grant_id": admission.grant,
        "job_id": admission.job,
        "reasons": list(admission.reasons),
        "labels": list(admission.labels),
        "person": person and (person.key or f"{person.kind}:"),
        "person_name": person and person.name,
        "head": admission.head and with_id(admission.head),
        "time": None if time is None else round(time.total_seconds()),
        "wrong": 0,
    }


def _admission(row: Row[Any]) -> Admission:
    same = {name: getattr(row, name) for name in _SAME}
    return Admission(
        **{**same, "state": AdmissionState(row.state)},
        id=row.id,
        project=Project(kind=ProjectKind(row.project_kind), name=row.project, id=row.project_id),
        resource=row.resource,
        grant=row.grant_id,
        job=row.job_id,
        reasons=tuple(row.reasons),
        labels=tuple(row.labels),
        person=_person(row.person, row.person_name),
        head=row.head and Project.parse(row.head),
        time=None if row.time is None else timedelta(seconds=row.time),
    )


def _person(key: str | None, name: str | None) -> Person | None:
    if not key:
        return None
    kind, _, identifier = key.partition(":")
    return Person(kind=PersonKind(kind), name=name or "", id=identifier or None)


_SAME = (
    *("source", "external", "state", "commit", "event", "branch", "run", "priority", "chain"),
    *("at", "reserved", "cost", "offered_at", "started_at", "heard_at", "lease_until", "ended_at"),
    *("runner", "holder", "role", "flagged", "why"),
)
"""Columns that are as the attributes are."""

# to make a statement takes longer than to carry it out: those of every webhook are made once
_BY_EXTERNAL = _admissions().where(
    admissions.c.source == bindparam("of_source"),
    admissions.c.external == bindparam("of_external"),
)
_BY_EXTERNALS = _admissions().where(
    admissions.c.source == bindparam("of_source"),
    admissions.c.external.in_(bindparam("externals", expanding=True)),
)
_RESOURCE_IDS = select(resources.c.id, resources.c.name).where(
    resources.c.name.in_(bindparam("called", expanding=True))
)
_ASKED_FOR = (
    select(
        resources.c.name, resources.c.label, resources.c.settings["kind"].as_string().label("kind")
    )
    .where(resources.c.label.in_(bindparam("labels", expanding=True)))
    .order_by(resources.c.id)
)
