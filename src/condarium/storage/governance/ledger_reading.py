"""What the ledger says: balances, transfers, who used how much, and whether all adds up."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, select

from condarium.model.governance.amounts import part_of
from condarium.model.governance.ledger import (
    AccountKind,
    LedgerAccount,
    StatementLine,
    Transfer,
    TransferFilter,
    TransferKind,
    purses,
)
from condarium.model.governance.projects import Project, ProjectKind, with_id
from condarium.model.governance.resources import Resource
from condarium.storage.governance.admissions import HELD
from condarium.storage.tables import (
    admissions,
    grants,
    ledger_accounts,
    ledger_transfers,
    resources,
)

_sources = ledger_accounts.alias("sources")
_targets = ledger_accounts.alias("targets")


class LedgerReading:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def left(self, resource: Resource, at: datetime) -> dict[int, int]:
        """Microcredits that are left now of each budget that holds, by the budget's number."""
        query = select(ledger_accounts).where(
            ledger_accounts.c.resource_id == resource.id,
            ledger_accounts.c.kind == AccountKind.BUDGET,
        )
        rows = self._connection.execute(query)
        there = {(row.budget_id, row.period): row.balance for row in rows}
        return {
            each.budget.id: there.get(
                (each.budget.id, period_text(each.begins)), each.budget.amount
            )
            for each in purses(resource.budgets, at)
        }

    def balances(
        self, resources_: Iterable[str] | None = None, *, donor: str | None = None
    ) -> list[LedgerAccount]:
        """All accounts, or those of resources by name, and of a donor; by resource and donor."""
        query = _accounts().order_by(
            resources.c.name,
            ledger_accounts.c.donor,
            ledger_accounts.c.budget_id,
            ledger_accounts.c.period,
            ledger_accounts.c.kind,
            ledger_accounts.c.project,
        )
        if resources_ is not None:
            query = query.where(resources.c.name.in_(list(resources_)))
        if donor is not None:
            query = query.where(ledger_accounts.c.donor == donor)
        named = _Named(self._connection)
        return [named.account(row) for row in self._connection.execute(query).all()]

    def transfers(
        self,
        wanted: TransferFilter = TransferFilter(),  # noqa: B008 - it is frozen
        *,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[Transfer]:
        """Transfers, the latest first; those before the one of a number."""
        query = _transfers().where(*_conditions(wanted)).limit(limit)
        if before is not None:
            query = query.where(ledger_transfers.c.id < before)
        rows = self._connection.execute(query.order_by(ledger_transfers.c.id.desc())).all()
        accounts = self._accounts({key for row in rows for key in (row.source_id, row.target_id)})
        return [
            Transfer(
                id=row.id,
                at=row.at,
                kind=TransferKind(row.kind),
                source=accounts[row.source_id],
                target=accounts[row.target_id],
                amount=row.amount,
                admission=row.admission_id,
            )
            for row in rows
        ]

    def statement(
        self,
        since: datetime,
        until: datetime,
        *,
        resources_: Iterable[str] | None = None,
        donor: str | None = None,
        project: Project | None = None,
    ) -> list[StatementLine]:
        """What jobs cost that were settled between two instants, by donor, resource and project.

        They are of the month in which the first of both is.
        """
        wanted = TransferFilter(
            resources=None if resources_ is None else frozenset(resources_),
            donor=donor,
            projects=None if project is None else self.keys(project),
            kind=TransferKind.SETTLE,
            since=since,
            until=until,
        )
        query = (
            _transfers()
            .join(admissions, admissions.c.id == ledger_transfers.c.admission_id)
            .add_columns(
                _targets.c.donor,
                _targets.c.project,
                resources.c.name.label("resource"),
                admissions.c.started_at,
                admissions.c.ended_at,
            )
        )
        named, sums = _Named(self._connection), dict[tuple[str, str, str], _Sum]()
        for row in self._connection.execute(query.where(*_conditions(wanted))).all():
            key = row.donor, row.resource, named.project(row.project)
            sums.setdefault(key, _Sum()).add(row)
        return [
            StatementLine(
                month=f"{since:%Y-%m}",
                donor=donor,
                resource=resource,
                project=text,
                jobs=len(found.jobs),
                seconds=found.seconds,
                used=found.used,
            )
            for (donor, resource, text), found in sorted(sums.items())
        ]

    def keys(self, project: Project) -> frozenset[str]:
        """The keys of a project: of its id where it has one, else of all that had its name."""
        if project.key is not None:
            return frozenset({project.key})
        named = (
            func.lower(grants.c.project) == project.name.lower(),
            grants.c.project_kind == str(project.kind),
            grants.c.project_id.is_not(None),
        )
        found = self._connection.scalars(select(grants.c.project_id).where(*named))
        return frozenset(f"{project.kind}:{identifier}" for identifier in found)

    def used(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        resource: str | None = None,
    ) -> dict[tuple[str, str], int]:
        """Microcredits that were charged between two instants, by resource and project's key."""
        wanted = TransferFilter(
            resources=None if resource is None else frozenset({resource}),
            kind=TransferKind.SETTLE,
            since=since,
            until=until,
        )
        query = _transfers().where(*_conditions(wanted))
        total = query.with_only_columns(
            resources.c.name, _targets.c.project, func.sum(ledger_transfers.c.amount)
        ).group_by(resources.c.name, _targets.c.project)
        return {(name, key): int(sum_) for name, key, sum_ in self._connection.execute(total)}

    def used_since(self, since: datetime, resource: Resource, *, now: datetime) -> dict[str, int]:
        """Microcredits that projects used of a resource since then, by their keys.

        Jobs count that ended since, and what runs, or is offered to a runner, for its time so far.
        """
        charged = self.used(since=since, resource=resource.name)
        found = {key: amount for (_, key), amount in charged.items()}
        going = admissions.c.state.in_(HELD)
        query = select(admissions).where(admissions.c.resource_id == resource.id, going)
        for row in self._connection.execute(query):
            began = max(row.started_at or row.offered_at or now, since)
            took, time = max(now - began, timedelta()), timedelta(seconds=row.time or 0)
            kind = ProjectKind(row.project_kind)
            key = Project(kind=kind, name=row.project, id=row.project_id).account
            found[key] = found.get(key, 0) + part_of(row.reserved, took, time)
        return found

    def spent_under(self, under: Iterable[int], since: datetime | None) -> dict[int, int]:
        """What jobs that were admitted under each grant since then cost, or may yet cost."""
        wanted = list(under)
        back = ledger_transfers.c.kind == TransferKind.REFUND
        amount = case((back, -ledger_transfers.c.amount), else_=ledger_transfers.c.amount)
        counted = ledger_transfers.c.kind.in_([TransferKind.RESERVE, TransferKind.REFUND])
        query = (
            select(admissions.c.grant_id, func.sum(amount))
            .join(admissions, admissions.c.id == ledger_transfers.c.admission_id)
            .where(admissions.c.grant_id.in_(wanted), counted)
            .group_by(admissions.c.grant_id)
        )
        if since is not None:
            query = query.where(admissions.c.at >= since)
        spent = {number: int(sum_) for number, sum_ in self._connection.execute(query)}
        return {number: spent.get(number, 0) for number in wanted}

    def unbalanced(self) -> list[tuple[LedgerAccount, int]]:
        """Accounts whose balance is not that of their transfers, and what it would be."""
        into, out = (
            self._sums(ledger_transfers.c.target_id),
            self._sums(ledger_transfers.c.source_id),
        )
        named, found = _Named(self._connection), []
        for row in self._connection.execute(_accounts().order_by(ledger_accounts.c.id)).all():
            moved = into.get(row.id, 0) - out.get(row.id, 0)
            if row.balance != moved:
                found.append((named.account(row), moved))
        return found

    def _sums(self, account: ColumnElement[int]) -> dict[int, int]:
        query = select(account, func.sum(ledger_transfers.c.amount)).group_by(account)
        return {number: int(total) for number, total in self._connection.execute(query)}

    def _accounts(self, numbers: Iterable[int]) -> dict[int, LedgerAccount]:
        named, wanted, found = _Named(self._connection), list(numbers), dict[int, LedgerAccount]()
        for first in range(0, len(wanted), _PIECE):
            piece = ledger_accounts.c.id.in_(wanted[first : first + _PIECE])
            rows = self._connection.execute(_accounts().where(piece)).all()
            found |= {row.id: named.account(row) for row in rows}
        return found


_PIECE = 500


class _Sum:
    """What jobs cost together, and for how long they ran."""

    def __init__(self) -> None:
        self.jobs: set[int] = set()
        self.seconds = 0.0
        self.used = 0

    def add(self, row: Row[Any]) -> None:
        if row.admission_id not in self.jobs and row.started_at and row.ended_at:
            self.seconds += (row.ended_at - row.started_at).total_seconds()
        self.jobs.add(row.admission_id)
        self.used += row.amount


class _Named:
    """Turns keys of projects into texts with the names that the newest grants have for them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: Mapping[str, Project] | None = None

    def account(self, row: Row[Any]) -> LedgerAccount:
        return LedgerAccount(
            kind=AccountKind(row.kind),
            donor=row.donor,
            resource=row.resource,
            project=self.project(row.project),
            budget=row.budget_id or None,
            period=period_of(row.period),
            balance=row.balance,
        )

    def project(self, key: str) -> str:
        known = self._projects.get(key) if key else None
        return with_id(known) if known is not None else key

    @property
    def _projects(self) -> Mapping[str, Project]:
        if self._known is None:
            columns = grants.c.project_kind, grants.c.project, grants.c.project_id
            query = select(*columns).where(grants.c.project_id.is_not(None)).order_by(grants.c.id)
            self._known = {
                f"{kind}:{identifier}": Project(kind=ProjectKind(kind), name=name, id=identifier)
                for kind, name, identifier in self._connection.execute(query)
            }
        return self._known


def period_text(begins: datetime | None) -> str:
    """How a period's first day is stored."""
    return "" if begins is None else f"{begins:%Y-%m-%d}"


def period_of(text: str) -> datetime | None:
    return datetime.fromisoformat(f"{text}T00:00:00Z") if text else None


def _accounts() -> Select[Any]:
    return select(ledger_accounts, resources.c.name.label("resource")).join(
        resources, resources.c.id == ledger_accounts.c.resource_id
    )


def _transfers() -> Select[Any]:
    return (
        select(ledger_transfers)
        .join(_sources, _sources.c.id == ledger_transfers.c.source_id)
        .join(_targets, _targets.c.id == ledger_transfers.c.target_id)
        .join(resources, resources.c.id == _targets.c.resource_id)
    )


def _conditions(wanted: TransferFilter) -> Iterable[ColumnElement[bool]]:
    if wanted.resources is not None:
        yield resources.c.name.in_(wanted.resources)
    if wanted.donor is not None:
        yield _targets.c.donor == wanted.donor
    if wanted.projects is not None:
        of = list(wanted.projects)
        yield _targets.c.project.in_(of) | _sources.c.project.in_(of)
    if wanted.kind is not None:
        yield ledger_transfers.c.kind == str(wanted.kind)
    if wanted.admission is not None:
        yield ledger_transfers.c.admission_id == wanted.admission
    if wanted.since is not None:
        yield ledger_transfers.c.at >= wanted.since
    if wanted.until is not None:
        yield ledger_transfers.c.at < wanted.until
