"""Requests for what is lent, and each step that somebody took with one."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from condarium.errors import NotFound
from condarium.model.from_plain import from_plain
from condarium.model.governance.grants import Lending
from condarium.model.governance.projects import Project, ProjectKind
from condarium.model.governance.requests import (
    Asked,
    Request,
    RequestEvent,
    RequestState,
    Step,
)
from condarium.model.plain import to_plain
from condarium.storage.governance.resources import resource_id
from condarium.storage.numbered import insert
from condarium.storage.tables import (
    grant_decisions,
    grants,
    request_events,
    request_resources,
    requests,
    resources,
)

_PIECE = 500


class NoSuchRequest(NotFound):
    """There is no request of this number, or none that one may know of."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(
            f"there is no request {number}",
            hint="`condarium request list` shows those that there are.",
        )


class Requests:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, request: Request) -> Request:
        """Append a request, and give it with its number. Raises NoSuchResource."""
        asked_for = [resource_id(self._connection, name) for name in request.resources]
        values = {
            "asked": str(request.asked),
            "project_kind": str(request.project.kind),
            "project": request.project.name,
            "project_id": request.project.id,
            "purpose": request.purpose,
            "duration": _seconds(request.duration),
            "use": request.use,
            "lending": to_plain(request.lending),
            "state": str(request.state),
            "at": request.at,
            "by": request.by,
            "principal": request.principal,
            "decided_at": request.decided_at,
        }
        number = insert(self._connection, requests, values)
        rows = [{"request_id": number, "resource_id": each} for each in asked_for]
        self._connection.execute(request_resources.insert(), rows)
        return self.get(number)

    def get(self, number: int, *, lock: bool = False) -> Request:
        """A request; with `lock`, nobody else takes a step with it until this unit of work ends.

        Raises NoSuchRequest.
        """
        query = select(requests).where(requests.c.id == number)
        row = self._connection.execute(query.with_for_update() if lock else query).first()
        if row is None:
            raise NoSuchRequest(number)
        return self._whole([row])[0]

    def all(
        self,
        *,
        state: RequestState | None = None,
        project: Project | None = None,
        resource: str | None = None,
        principal: str | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[Request]:
        """Requests, the newest first, those before the number `before`.

        A project is that of its id, or, where either has none, that of its name. `principal` is
        the id of who asked.
        """
        query = select(requests).order_by(requests.c.id.desc()).limit(limit)
        if state is not None:
            query = query.where(requests.c.state == str(state))
        if project is not None:
            query = query.where(_is_project(requests.c, project))
        if resource is not None:
            chosen = select(request_resources.c.request_id).join(resources)
            query = query.where(requests.c.id.in_(chosen.where(resources.c.name == resource)))
        if principal is not None:
            query = query.where(requests.c.principal == principal)
        if before is not None:
            query = query.where(requests.c.id < before)
        return self._whole(self._connection.execute(query))

    def approvers(self, numbers: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """The names of all who approved requests, by the request's number, the first one first."""
        found: dict[int, dict[str, None]] = {}
        events = request_events.c
        query = select(events.request_id, events.by).where(events.step == str(Step.APPROVE))
        for piece in _pieces(sorted(set(numbers))):
            chosen = query.where(events.request_id.in_(piece)).order_by(events.number)
            for row in self._connection.execute(chosen):
                found.setdefault(row.request_id, {})[row.by] = None
        return {number: tuple(names) for number, names in found.items()}

    def step(self, number: int, event: RequestEvent) -> None:
        """Append a step; its own number is made here."""
        events = request_events.c
        last = select(func.max(events.number)).where(events.request_id == number)
        values = {
            "request_id": number,
            "number": (self._connection.scalar(last) or 0) + 1,
            "at": event.at,
            "step": str(event.step),
            "by": event.by,
            "principal": event.principal,
            "text": event.text,
        }
        self._connection.execute(request_events.insert().values(values))

    def decide(self, number: int, state: RequestState, *, at: datetime) -> None:
        """Say what became of a request."""
        decided = requests.update().where(requests.c.id == number)
        self._connection.execute(decided.values(state=str(state), decided_at=at))

    def _whole(self, rows: Iterable[Row[Any]]) -> list[Request]:
        rows = list(rows)
        numbers = [row.id for row in rows]
        names, events = self._names(numbers), self._events(numbers)
        return [
            _request(row, names.get(row.id, ()), events.get(row.id, ()), self._grants(row))
            for row in rows
        ]

    def _names(self, of: list[int]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        query = select(request_resources.c.request_id, resources.c.name).join(resources)
        for piece in _pieces(of):
            chosen = query.where(request_resources.c.request_id.in_(piece))
            for row in self._connection.execute(chosen.order_by(resources.c.name)):
                found.setdefault(row.request_id, []).append(row.name)
        return found

    def _events(self, of: list[int]) -> dict[int, list[RequestEvent]]:
        found: dict[int, list[RequestEvent]] = {}
        for piece in _pieces(of):
            chosen = select(request_events).where(request_events.c.request_id.in_(piece))
            ordered = chosen.order_by(request_events.c.request_id, request_events.c.number)
            for row in self._connection.execute(ordered):
                found.setdefault(row.request_id, []).append(_event(row))
        return found

    def _grants(self, row: Row[Any]) -> tuple[int, ...]:
        """The grants that it made, changed or revoked: those decided about as it was."""
        if row.state != RequestState.APPROVED:
            return ()
        asked_for = select(request_resources.c.resource_id).where(
            request_resources.c.request_id == row.id
        )
        project = Project(kind=ProjectKind(row.project_kind), name=row.project, id=row.project_id)
        touched = (
            (grant_decisions.c.at == row.decided_at)
            & grants.c.resource_id.in_(asked_for)
            & _is_project(grants.c, project)
        )
        query = select(grants.c.id).distinct().join(grant_decisions)
        chosen = query.where(or_(grants.c.request_id == row.id, touched)).order_by(grants.c.id)
        return tuple(self._connection.scalars(chosen))


def _is_project(columns: Any, project: Project) -> Any:
    kind = columns.project_kind == str(project.kind)
    named = func.lower(columns.project) == project.name.lower()
    if project.id is None:
        return kind & named
    return kind & ((columns.project_id == project.id) | (columns.project_id.is_(None) & named))


def _pieces(numbers: list[int]) -> list[list[int]]:
    return [numbers[first : first + _PIECE] for first in range(0, len(numbers), _PIECE)]


def _seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else duration // timedelta(seconds=1)


def _request(
    row: Row[Any],
    names: Iterable[str],
    events: Iterable[RequestEvent],
    made: tuple[int, ...],
) -> Request:
    return Request(
        id=row.id,
        asked=Asked(row.asked),
        project=Project(kind=ProjectKind(row.project_kind), name=row.project, id=row.project_id),
        resources=tuple(names),
        purpose=row.purpose,
        duration=None if row.duration is None else timedelta(seconds=row.duration),
        use=row.use,
        lending=from_plain(Lending, row.lending, where=f"the request {row.id}"),
        state=RequestState(row.state),
        at=row.at,
        by=row.by,
        principal=row.principal,
        decided_at=row.decided_at,
        events=tuple(events),
        grants=made,
    )


def _event(row: Row[Any]) -> RequestEvent:
    return RequestEvent(
        number=row.number,
        at=row.at,
        step=Step(row.step),
        by=row.by,
        principal=row.principal,
        text=row.text,
    )
