"""Requests, to those who may see them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from condarium.governance.requests.approvers import approver, rules_of, standing_of
from condarium.governance.requests.noting import notes
from condarium.model.access.decisions import PLATFORM
from condarium.model.actor import Actor, Permission
from condarium.model.governance.conditions_text import say_conditions
from condarium.model.governance.grants import Grant
from condarium.model.governance.projects import Project, with_id
from condarium.model.governance.requests import (
    Request,
    RequestDetail,
    RequestLine,
    RequestState,
)
from condarium.model.governance.review import wanted
from condarium.model.paging import Page, decode_cursor, page_of, read_limit
from condarium.storage.governance.requests import NoSuchRequest
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

_PIECE = 200


def show(store: Store, number: int, *, actor: Actor) -> RequestDetail:
    """A request, what was said about it, and which approvals are missing. Raises NoSuchRequest."""
    with store.database.read() as facts:
        request = facts.requests.get(number)
        check_may_see(facts, request, actor)
        return detail_of(facts, request, actor, store.now())


def list_(
    store: Store,
    *,
    state: RequestState | None = None,
    project: Project | None = None,
    resource: str | None = None,
    mine: bool = False,
    to_review: bool = False,
    limit: int | None = None,
    cursor: str | None = None,
    actor: Actor,
) -> Page[RequestLine]:
    """Requests that the actor may see, the newest first.

    `to_review` are open ones whose rules want the actor's approval, asked by somebody else.
    """
    before = int(decode_cursor(cursor, int)[0]) if cursor else None
    size = read_limit(limit)
    found: list[Request] = []
    with store.database.read() as facts:
        for each in _all(
            facts, before, RequestState.OPEN if to_review else state, project, resource
        ):
            if mine and not _is_own(each, actor):
                continue
            if to_review and (_is_own(each, actor) or not _reviews(facts, each, actor)):
                continue
            if _may_see(facts, each, actor):
                found.append(each)
            if size is not None and len(found) > size:
                break
    return page_of([_line(each) for each in found], size, [(each.id,) for each in found])


def detail_of(facts: "Facts", request: Request, actor: Actor, at: datetime) -> RequestDetail:
    """The request as the actor may see it, how far its review is, and what is to be known."""
    ended = request.state.ended
    knows = (
        _is_own(request, actor)
        or actor.may(Permission.ACCESS_READ, PLATFORM)
        or _reviews(facts, request, actor)
    )
    return RequestDetail(
        request=request if knows else _without_people(request),
        conditions=say_conditions(request.lending.conditions),
        standing=None if ended else standing_of(facts, request),
        findings=notes(facts, request, at) if knows and not ended else (),
    )


def check_may_see(facts: "Facts", request: Request, actor: Actor) -> None:
    """Raise NoSuchRequest where the actor may not know of it."""
    if not _may_see(facts, request, actor):
        raise NoSuchRequest(request.id)


def grants_of(
    facts: "Facts", project: Project, resources: Iterable[str], at: datetime
) -> list[Grant]:
    """What a project has of these resources and was neither revoked nor has expired."""
    return [
        grant
        for each in sorted(resources)
        for grant in facts.grants.all(resource=each, project=project)
        if not grant.state(at).over
    ]


def _all(
    facts: "Facts",
    before: int | None,
    state: RequestState | None,
    project: Project | None,
    resource: str | None,
) -> Iterator[Request]:
    while True:
        piece = facts.requests.all(
            state=state, project=project, resource=resource, before=before, limit=_PIECE
        )
        yield from piece
        if len(piece) < _PIECE:
            return
        before = piece[-1].id


def _may_see(facts: "Facts", request: Request, actor: Actor) -> bool:
    things = (facts.resources.thing(each) for each in request.resources)
    return (
        _is_own(request, actor)
        or actor.may_each(Permission.RESOURCE_READ, things)
        or actor.may(Permission.ACCESS_READ, PLATFORM)
        or _reviews(facts, request, actor)
    )


def _is_own(request: Request, actor: Actor) -> bool:
    return actor.who.is_somebody and request.principal == actor.who.id


def _reviews(facts: "Facts", request: Request, actor: Actor) -> bool:
    """Whether the rules want an approval of the actor."""
    if not actor.who.is_somebody:
        return False
    who = approver(facts, actor.who.id, actor.name, request.resources)
    return who is not None and bool(wanted(rules_of(facts, request), who))


def _without_people(request: Request) -> Request:
    conditions = replace(request.lending.conditions, people=None, people_from=None)
    return replace(request, lending=replace(request.lending, conditions=conditions))


def _line(request: Request) -> RequestLine:
    return RequestLine(
        id=request.id,
        asked=request.asked,
        project=with_id(request.project),
        resources=request.resources,
        purpose=request.purpose,
        state=request.state,
        at=request.at,
        by=request.by,
        decided_at=request.decided_at,
    )
