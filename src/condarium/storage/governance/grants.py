"""Grants: each a sequence of decisions, of which nothing is ever changed."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, func, null, select

from condarium.errors import NotFound
from condarium.model.governance.grants import Grant, GrantChange, GrantDecision, Lending, as_of
from condarium.model.governance.ledger import TransferKind
from condarium.model.governance.projects import Project, ProjectKind
from condarium.model.plain import to_plain
from condarium.storage.governance.resources import resource_id
from condarium.storage.numbered import insert
from condarium.storage.tables import (
    admissions,
    commit_approvals,
    grant_decisions,
    grants,
    ledger_transfers,
)
from condarium.storage.tables import resources as _resources
from condarium.storage.upsert import insert_if_new


@dataclass(frozen=True, kw_only=True)
class Used:
    """What was used of a grant: microcredits, and how many jobs there were."""

    amount: int
    jobs: int


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Grants, and the number to go on behind; None where no more follow."""

    grants: tuple[Grant, ...]
    last: int | None


class NoSuchGrant(NotFound):
    """There is no grant of this number."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(
            f"there is no grant {number}",
            hint="`condarium grant list` shows those that there are.",
        )


class Grants:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        resource: str,
        project: Project,
        decision: GrantDecision,
        *,
        request: int | None = None,
    ) -> Grant:
        """Append a grant with its first decision, whose number is 1. Raises NoSuchResource."""
        values = {
            "resource_id": resource_id(self._connection, resource),
            "project_kind": str(project.kind),
            "project": project.name,
            "project_id": project.id,
            "request_id": request,
        }
        number = insert(self._connection, grants, values)
        self.decide(number, decision)
        return self.get(number)

    def decide(self, number: int, decision: GrantDecision) -> None:
        """Append a decision about a grant."""
        values = {
            "grant_id": number,
            "number": decision.number,
            "at": decision.at,
            "change": str(decision.change),
            "by": decision.by,
            "principal": decision.principal,
            "reason": decision.reason,
            "lending": to_plain(decision.lending),
        }
        self._connection.execute(grant_decisions.insert().values(values))

    def identify(self, number: int, identifier: str) -> None:
        """Say which project's id a grant's is, where that was not known."""
        unknown = grants.update().where(grants.c.id == number, grants.c.project_id.is_(None))
        self._connection.execute(unknown.values(project_id=identifier))

    def rename(self, project: Project) -> int:
        """Call a project by its new name, wherever it has this id; say how many grants that are."""
        same = grants.c.project_kind == str(project.kind), grants.c.project_id == project.id
        other = grants.update().where(*same, grants.c.project != project.name)
        return self._connection.execute(other.values(project=project.name)).rowcount

    def lock(self, number: int) -> Grant:
        """The same as `get`, and nobody else decides about it until the end of this unit of work.

        Whoever needs its resource's lock as well takes that first. Raises NoSuchGrant.
        """
        self._connection.execute(select(grants.c.id).where(grants.c.id == number).with_for_update())
        return self.get(number)

    def get(self, number: int) -> Grant:
        """Raises NoSuchGrant."""
        found = self.all(numbers=[number])
        if not found:
            raise NoSuchGrant(number)
        return found[0]

    def all(
        self,
        *,
        numbers: Iterable[int] | None = None,
        resource: str | None = None,
        project: Project | None = None,
        provider: str | None = None,
        request: int | None = None,
        at: datetime | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> list[Grant]:
        """Grants by number, those behind `after`, in whatever state; as they were `at` an instant.

        A project is that of its id, or, where either has none, that of its name.
        """
        query = _grants(at).where(grants.c.id > after).order_by(grants.c.id).limit(limit)
        if numbers is not None:
            query = query.where(grants.c.id.in_(list(numbers)))
        if resource is not None:
            query = query.where(_resources.c.name == resource)
        if provider is not None:
            query = query.where(_resources.c.provider == provider)
        if request is not None:
            query = query.where(grants.c.request_id == request)
        if project is not None:
            query = query.where(_is_project(project))
        return self._whole(self._connection.execute(query), at)

    def of(self, project: Project, resource: str) -> list[Grant]:
        """The same as `all` of both; when a job last began is not asked, which takes long."""
        if project.id is None:
            return self.all(project=project, resource=resource)
        asked = {
            "kind": str(project.kind),
            "identifier": project.id,
            "called": project.name.lower(),
            "lent": resource,
        }
        return self._whole(self._connection.execute(_OF, asked), None)

    def of_each(self, pairs: Collection[tuple[Project, str]]) -> list[Grant]:
        """The grants that projects have of resources; of a pair without any, those that others
        have who had the project's name: the same as asking of each, at once."""
        wanted = {(project.key, resource): project for project, resource in pairs}
        asked = {
            "lent": list({resource for _, resource in wanted}),
            "identifiers": list({project.id for project in wanted.values()}),
        }
        found = [
            row
            for row in self._connection.execute(_OF_EACH, asked)
            if (f"{row.project_kind}:{row.project_id}", row.resource) in wanted
        ]
        have = {(f"{row.project_kind}:{row.project_id}", row.resource) for row in found}
        names = {
            (str(project).lower(), pair[1]) for pair, project in wanted.items() if pair not in have
        }
        return self._whole([*found, *self._of_names(names)], None)

    def _of_names(self, pairs: Collection[tuple[str, str]]) -> list[Row[Any]]:
        if not pairs:
            return []
        asked = {
            "lent": list({resource for _, resource in pairs}),
            "names": list({name.partition(":")[2] for name, _ in pairs}),
        }
        return [
            row
            for row in self._connection.execute(_OF_NAMES, asked)
            if (f"{row.project_kind}:{row.project}".lower(), row.resource) in pairs
        ]

    def batch(
        self,
        *,
        resources: Iterable[str],
        project: Project | None,
        provider: str | None,
        at: datetime,
        after: int,
        limit: int,
    ) -> "Batch":
        """A batch of the grants of some resources as they were at an instant, by number."""
        query = _grants(at).where(grants.c.id > after, _resources.c.name.in_(list(resources)))
        if provider is not None:
            query = query.where(_resources.c.provider == provider)
        if project is not None:
            query = query.where(_is_project(project))
        rows = self._connection.execute(query.order_by(grants.c.id).limit(limit)).all()
        last = rows[-1].id if len(rows) == limit else None
        return Batch(grants=tuple(self._whole(rows, at)), last=last)

    def used(self, numbers: Iterable[int], *, until: datetime) -> dict[int, "Used"]:
        """What jobs on grants had cost by then, as the ledger has it, and how many there were."""
        counted = func.count(func.distinct(ledger_transfers.c.admission_id))
        query = (
            select(admissions.c.grant_id, func.sum(ledger_transfers.c.amount), counted)
            .join(ledger_transfers, ledger_transfers.c.admission_id == admissions.c.id)
            .where(
                ledger_transfers.c.kind == str(TransferKind.SETTLE),
                ledger_transfers.c.at <= until,
            )
            .group_by(admissions.c.grant_id)
        )
        found = {}
        for piece in _pieces(list(numbers)):
            for number, amount, jobs in self._connection.execute(
                query.where(admissions.c.grant_id.in_(piece))
            ):
                found[number] = Used(amount=int(amount), jobs=jobs)
        return found

    def latest(
        self,
        *,
        resources: Iterable[str],
        project: Project | None = None,
        until: datetime,
        limit: int,
    ) -> list[tuple[Grant, GrantDecision]]:
        """The last decisions by then about grants of some resources, the newest first."""
        query = (
            select(grant_decisions)
            .join(grants, grants.c.id == grant_decisions.c.grant_id)
            .join(_resources, _resources.c.id == grants.c.resource_id)
            .where(_resources.c.name.in_(list(resources)), grant_decisions.c.at <= until)
            .order_by(
                grant_decisions.c.at.desc(),
                grant_decisions.c.grant_id.desc(),
                grant_decisions.c.number.desc(),
            )
            .limit(limit)
        )
        if project is not None:
            query = query.where(_is_project(project))
        made = [(row.grant_id, _decision(row)) for row in self._connection.execute(query)]
        about = {each.id: each for each in self.all(numbers={number for number, _ in made})}
        return [(about[number], decision) for number, decision in made]

    def approve_commit(
        self, number: int, commit: str, *, at: datetime, by: str, principal: str | None
    ) -> bool:
        """Note that somebody approved a commit; False where they had."""
        given = {"grant_id": number, "commit": commit, "principal": principal or ""}
        return insert_if_new(self._connection, commit_approvals, {**given, "at": at, "by": by})

    def withdraw_commit(self, number: int, commit: str, *, principals: Iterable[str] | None) -> int:
        """Forget approvals of a commit, or those that some gave; say how many.

        "" is the store's owner.
        """
        about = commit_approvals.c
        query = commit_approvals.delete().where(about.grant_id == number, about.commit == commit)
        if principals is not None:
            query = query.where(about.principal.in_(list(principals)))
        return self._connection.execute(query).rowcount

    def approvals(
        self, numbers: Iterable[int] | None = None, commits: Iterable[str] | None = None
    ) -> list[tuple[int, str, str | None]]:
        """Grants, the commits that were approved under them, and who did, by principal.

        Of some grants and commits, or of all; None is the store's owner.
        """
        about = commit_approvals.c
        query = select(about.grant_id, about.commit, about.principal)
        if numbers is not None:
            query = query.where(about.grant_id.in_(list(numbers)))
        if commits is not None:
            query = query.where(about.commit.in_(list(commits)))
        rows = self._connection.execute(query.order_by(*commit_approvals.primary_key))
        return [(row.grant_id, row.commit, row.principal or None) for row in rows]

    def approved(self, numbers: Iterable[int] | None = None) -> frozenset[tuple[int, str]]:
        """Grants and the commits that were approved under them: of some grants, or of all."""
        if numbers is None:
            rows = self._connection.execute(_APPROVED)
        else:
            rows = self._connection.execute(_APPROVED_OF, {"grants": list(numbers)})
        return frozenset((row.grant_id, row.commit) for row in rows)

    def _whole(self, rows: Iterable[Row[Any]], at: datetime | None) -> list[Grant]:
        rows = list(rows)
        decided = self._decisions([row.id for row in rows])
        found = []
        for row in rows:
            decisions = tuple(decided[row.id])
            if at is not None:
                decisions = as_of(decisions, at)
            if decisions:
                found.append(_grant(row, decisions))
        return found

    def _decisions(self, of: list[int]) -> dict[int, list[GrantDecision]]:
        found: dict[int, list[GrantDecision]] = {number: [] for number in of}
        for piece in _pieces(of):
            for row in self._connection.execute(_DECISIONS, {"grants": piece}):
                found[row.grant_id].append(_decision(row))
        return found


def _pieces(numbers: list[int]) -> Iterable[list[int]]:
    """As many at a time as a statement may name."""
    return (numbers[first : first + _PIECE] for first in range(0, len(numbers), _PIECE))


_PIECE = 500


def _grants(at: datetime | None = None) -> Any:
    began = admissions.c.started_at
    used = select(func.max(began)).where(admissions.c.grant_id == grants.c.id)
    if at is not None:
        used = used.where(began <= at)
    return select(
        grants, _resources.c.name.label("resource"), used.scalar_subquery().label("used_at")
    ).join(_resources, _resources.c.id == grants.c.resource_id)


# to make a statement takes longer than to carry it out: those of every webhook are made once
_DECISIONS = (
    select(grant_decisions)
    .where(grant_decisions.c.grant_id.in_(bindparam("grants", expanding=True)))
    .order_by(grant_decisions.c.grant_id, grant_decisions.c.number)
)
_UNUSED = select(grants, _resources.c.name.label("resource"), null().label("used_at")).join(
    _resources, _resources.c.id == grants.c.resource_id
)
_LENT = _resources.c.name.in_(bindparam("lent", expanding=True))
_OF_EACH = _UNUSED.where(
    grants.c.project_kind.in_([str(kind) for kind in ProjectKind]),
    grants.c.project_id.in_(bindparam("identifiers", expanding=True)),
    _LENT,
).order_by(grants.c.id)
_OF_NAMES = _UNUSED.where(
    func.lower(grants.c.project).in_(bindparam("names", expanding=True)), _LENT
).order_by(grants.c.id)
_OF = _UNUSED.where(
    _resources.c.name == bindparam("lent"),
    grants.c.project_kind == bindparam("kind"),
    (grants.c.project_id == bindparam("identifier"))
    | grants.c.project_id.is_(None) & (func.lower(grants.c.project) == bindparam("called")),
).order_by(grants.c.id)
_APPROVED = select(commit_approvals.c.grant_id, commit_approvals.c.commit)
_APPROVED_OF = _APPROVED.where(commit_approvals.c.grant_id.in_(bindparam("grants", expanding=True)))


def _is_project(project: Project) -> Any:
    kind = grants.c.project_kind == str(project.kind)
    named = func.lower(grants.c.project) == project.name.lower()
    if project.id is None:
        return kind & named
    return kind & ((grants.c.project_id == project.id) | (grants.c.project_id.is_(None) & named))


def _grant(row: Row[Any], decisions: tuple[GrantDecision, ...]) -> Grant:
    return Grant(
        id=row.id,
        resource=row.resource,
        project=Project(kind=ProjectKind(row.project_kind), name=row.project, id=row.project_id),
        decisions=decisions,
        request=row.request_id,
        used_at=row.used_at,
    )


def _decision(row: Row[Any]) -> GrantDecision:
    return GrantDecision(
        number=row.number,
        at=row.at,
        change=GrantChange(row.change),
        by=row.by,
        principal=row.principal,
        reason=row.reason,
        # far quicker than `from_plain`: lists have thousands of them
        lending=msgspec.convert(row.lending, Lending),
    )
