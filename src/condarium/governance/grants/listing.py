"""What is lent to whom: a view of the decisions, as of now or of any instant."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from condarium.governance.grants.granting import may_see
from condarium.governance.grants.unreviewed import marks
from condarium.model.access.decisions import Thing
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import NOBODY_IN_PARTICULAR, Actor, Permission
from condarium.model.governance.changes import changed_by
from condarium.model.governance.conditions_text import say_conditions
from condarium.model.governance.grants import Grant, GrantDecision, GrantState, as_of
from condarium.model.governance.listed import (
    GrantDetail,
    ListedGrant,
    Made,
    PublicDecision,
    PublicList,
)
from condarium.model.governance.notices import AHEAD, notices
from condarium.model.governance.projects import Project, with_id
from condarium.model.governance.resources import Resource, ResourceKind
from condarium.model.paging import Page, decode_cursor, page_of, read_limit
from condarium.storage.governance.grants import NoSuchGrant, Used
from condarium.storage.governance.resources import NoSuchResource
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class GrantFilter:
    """Which grants are listed: what is said of these, all has to be true.

    `expiring` are those that end within so long, `unused` those that nobody used for too long.
    """

    resource: str | None = None
    project: Project | None = None
    provider: str | None = None
    state: GrantState | None = None
    unused: bool = False
    expiring: timedelta | None = None

    def takes(self, grant: Grant, resource: Resource, now: datetime) -> bool:
        state = grant.state(now)
        if self.state is not None and state is not self.state:
            return False
        if self.unused and not any(each.unused for each in notices(grant, resource, now)):
            return False
        if self.expiring is None:
            return True
        end = grant.lending.expires_at
        return not state.over and end is not None and end <= now + self.expiring


def grants(
    store: Store, wanted: GrantFilter, *, limit: int | None, cursor: str | None, actor: Actor
) -> Page[ListedGrant]:
    """Grants of the resources that somebody may see, by number."""
    (after,) = decode_cursor(cursor, int) if cursor else (0,)
    size, now = read_limit(limit), store.now()
    with store.database.read() as facts:
        seen = _seen(facts, actor)
        found = _find(facts, seen, wanted, now, after=int(after), limit=size and size + 1)
        listed = _listed(facts, found, seen, now, actor)
    return page_of(listed, size, [(each.id,) for each in listed])


def grant(store: Store, number: int, *, actor: Actor) -> GrantDetail:
    """A grant and the decisions about it. Raises NoSuchGrant."""
    now = store.now()
    with store.database.read() as facts:
        found, seen = facts.grants.get(number), _seen(facts, actor)
        if found.resource not in seen:
            raise NoSuchGrant(number)
        (listed,) = _listed(facts, [found], seen, now, actor)
        approved = sorted(commit for _, commit in facts.grants.approved([number]))
    return GrantDetail(
        grant=listed,
        decisions=tuple(_made(found, each) for each in found.decisions),
        approved=tuple(approved),
    )


def shown(facts: "Facts", found: Iterable[Grant], now: datetime, actor: Actor) -> list[ListedGrant]:
    """Grants as somebody may see them."""
    return _listed(facts, list(found), _seen(facts, actor), now, actor)


def public(
    store: Store,
    *,
    at: datetime | None = None,
    since: datetime | None = None,
    resource: str | None = None,
    project: Project | None = None,
    actor: Actor = NOBODY_IN_PARTICULAR,
) -> PublicList:
    """Who may use what, as of an instant: the grants that stood then, of what somebody may see.

    With `since`, also those that stood at any time from then on, as they were at the end. Those of
    a resource that was retired before are left out.
    """
    now = at or store.now()
    begin = since or now
    wanted = GrantFilter(resource=resource, project=project)
    with store.database.read() as facts:
        seen = {
            name: each
            for name, each in _seen(facts, actor).items()
            if each.retired_at is None or each.retired_at > begin
        }
        found = _find(facts, seen, wanted, now, keep=lambda grant: _stood(grant, begin, now))
        listed = _listed(facts, found, seen, now, actor)
    listed.sort(key=lambda each: (each.resource, each.project.lower(), each.id))
    return PublicList(at=now, since=since, grants=tuple(listed))


def _stood(grant: Grant, begin: datetime, end: datetime) -> bool:
    """Whether a grant was not over at some time of a span: at its begin or end, or once decided."""
    decided = [each.at for each in grant.decisions if begin < each.at <= end]
    for at in (begin, *decided, end):
        then = replace(grant, decisions=as_of(grant.decisions, at))
        if then.decisions and not then.state(at).over:
            return True
    return False


def public_resources(store: Store, *, actor: Actor = NOBODY_IN_PARTICULAR) -> list[Resource]:
    """The resources that are lent now, of those that somebody may see, by name."""
    with store.database.read() as facts:
        return [each for each in _seen(facts, actor).values() if each.retired_at is None]


def sayable(store: Store, *, actor: Actor = NOBODY_IN_PARTICULAR) -> tuple[list[Grant], int]:
    """The grants in force of runners, for files that have to say all of their conditions.

    Those that name people whom somebody is not shown are left out, rather than said to be for
    everybody; how many they are comes with it.
    """
    now = store.now()
    with store.database.read() as facts:
        seen = {
            name: each
            for name, each in _seen(facts, actor).items()
            if each.settings.kind is ResourceKind.RUNNER and not each.retired_at
        }
        found = _find(facts, seen, GrantFilter(state=GrantState.ACTIVE), now)
    said = [
        each
        for each in found
        if not each.lending.conditions.people
        or actor.may(Permission.RESOURCE_LEND, _thing(seen[each.resource]))
    ]
    return said, len(found) - len(said)


def latest(
    store: Store,
    *,
    limit: int,
    until: datetime | None = None,
    project: Project | None = None,
    actor: Actor,
) -> list[PublicDecision]:
    """The last decisions on what somebody may see, the newest first; with `until`, as of then."""
    with store.database.read() as facts:
        seen = _seen(facts, actor)
        found = facts.grants.latest(
            resources=list(seen), project=project, until=until or store.now(), limit=limit
        )
    return [
        PublicDecision(
            grant=grant.id,
            resource=grant.resource,
            project=str(grant.project),
            decision=_made(grant, decision),
        )
        for grant, decision in found
    ]


def read_project(text: str | None) -> Project | None:
    """Raises BadProject."""
    return Project.parse(text) if text else None


def _find(
    facts: "Facts",
    seen: Mapping[str, Resource],
    wanted: GrantFilter,
    now: datetime,
    *,
    after: int = 0,
    limit: int | None = None,
    keep: Callable[[Grant], bool] = lambda _: True,
) -> list[Grant]:
    """Grants by number, so many of those that are wanted: their state is no column."""
    if wanted.resource is not None and wanted.resource not in seen:
        raise NoSuchResource(wanted.resource)
    found: list[Grant] = []
    names = [name for name in seen if wanted.resource in (None, name)]
    while limit is None or len(found) < limit:
        batch = facts.grants.batch(
            resources=names,
            project=wanted.project,
            provider=wanted.provider,
            at=now,
            after=after,
            limit=_BATCH,
        )
        found += [
            each
            for each in batch.grants
            if keep(each) and wanted.takes(each, seen[each.resource], now)
        ]
        if batch.last is None:
            break
        after = batch.last
    return found[:limit]


def _seen(facts: "Facts", actor: Actor) -> dict[str, Resource]:
    """The resources that somebody may see, retired or not, by name."""
    every = facts.resources.all(retired=True)
    return {each.name: each for each in every if may_see(actor, _thing(each))}


def _listed(
    facts: "Facts", found: list[Grant], seen: Mapping[str, Resource], now: datetime, actor: Actor
) -> list[ListedGrant]:
    used = facts.grants.used([each.id for each in found], until=now)
    approved = facts.requests.approvers(each.request for each in found if each.request)
    lines = [_line(each, seen[each.resource], now, used.get(each.id), actor) for each in found]
    return [
        replace(each, by=", ".join(approved.get(each.request or 0, (each.by,)))) for each in lines
    ]


def _line(
    grant: Grant, resource: Resource, now: datetime, used: Used | None, actor: Actor
) -> ListedGrant:
    lending, first = grant.lending, grant.decisions[0]
    lends = actor.may(Permission.RESOURCE_LEND, _thing(resource))
    people = lending.conditions.people or () if lends else ()
    return ListedGrant(
        id=grant.id,
        resource=grant.resource,
        provider=resource.settings.provider,
        project=with_id(grant.project),
        state=grant.state(now),
        since=first.at,
        until=lending.expires_at,
        by=first.by,
        reason=first.reason,
        conditions=say_conditions(lending.conditions),
        people=tuple(map(with_id, people)),
        quota=lending.quota,
        period=lending.period,
        used=used.amount if used else 0,
        jobs=used.jobs if used else 0,
        used_at=grant.used_at,
        flags=_flags(grant, resource, now),
        request=grant.request,
    )


def _flags(grant: Grant, resource: Resource, now: datetime) -> tuple[str, ...]:
    told = (each.text for each in notices(grant, resource, now, ahead=AHEAD))
    nameless = grant.project.key is None and not grant.state(now).over
    return (*(["no id: admits nothing"] if nameless else ()), *marks(grant, resource), *told)


def _made(grant: Grant, decision: GrantDecision) -> Made:
    lending = decision.lending
    return Made(
        number=decision.number,
        at=decision.at,
        change=str(decision.change),
        by=decision.by,
        reason=decision.reason,
        conditions=say_conditions(lending.conditions),
        until=lending.expires_at,
        quota=lending.quota,
        period=lending.period,
        changed=changed_by(grant, decision),
    )


def _thing(resource: Resource) -> Thing:
    public = resource.settings.public
    return Thing(kind=ThingKind.RESOURCE, name=resource.name, public=public)
