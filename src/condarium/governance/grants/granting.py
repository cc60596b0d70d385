"""Granting: a project gets the use of a resource, on conditions, and what it has is changed.

A grant is a sequence of decisions, each made with its resource held: so no job is admitted between
what a decision was made on and the decision.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from condarium.errors import BadInput, Conflict
from condarium.model.access.decisions import Thing
from condarium.model.actor import Actor, Permission
from condarium.model.governance.changes import differences
from condarium.model.governance.grants import Grant, GrantChange, GrantDecision, GrantState, Lending
from condarium.model.governance.projects import Project
from condarium.storage.governance.grants import NoSuchGrant

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

_LONGEST_REASON = 2000


class ReasonNeeded(BadInput):
    """A decision about a grant says why, in so many characters."""

    def __init__(self, found: int) -> None:
        self.found = found
        super().__init__(
            f"reason: found {found} characters; expected 1 to {_LONGEST_REASON}",
            hint="It is kept with the decision, and everybody who may see the grant can read it.",
        )


class GrantOver(Conflict):
    """The grant was revoked: nothing is decided about it any more."""

    def __init__(self, grant: int) -> None:
        self.grant = grant
        super().__init__(
            f"grant {grant} was revoked",
            hint="What was revoked stays so: `condarium grant create` makes a new grant.",
        )


class GrantedAlready(Conflict):
    """The project has a grant of the resource besides this one."""

    def __init__(self, grant: int, other: int) -> None:
        self.grant, self.other = grant, other
        super().__init__(
            f"grant {grant} has expired, and grant {other} is in its place",
            hint=f"`condarium grant renew {other}` renews that one.",
        )


class GrantStands(Conflict):
    """The project has a grant of the resource, on something else than what was said."""

    def __init__(self, grant: Grant, wanted: Lending) -> None:
        self.grant, self.resource, self.project = grant.id, grant.resource, str(grant.project)
        self.differences = differences(grant.lending, wanted)
        super().__init__(
            f"grant {grant.id} lends {grant.resource} to {grant.project} already; it would become "
            f"{'; '.join(self.differences)}",
            hint=f"`condarium grant change {grant.id}` changes only what is said, `condarium grant "
            f"renew {grant.id}` its end.",
        )


class ResourceRetired(Conflict):
    """The resource is lent no more."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"the resource {name} is retired: it is lent no more",
            hint="`condarium resource list` shows those that are lent.",
        )


class EndsBeforeItBegins(BadInput):
    """A grant would have ended before it began, or before now."""

    def __init__(self, begins: datetime, ends: datetime) -> None:
        self.begins, self.ends = begins, ends
        super().__init__(
            f"the grant would end at {ends:%FT%TZ}; expected an instant after {begins:%FT%TZ}"
        )


def grant_in(
    facts: "Facts",
    resource: str,
    project: Project,
    lending: Lending,
    *,
    actor: Actor,
    reason: str,
    at: datetime,
    request: int | None = None,
) -> Grant:
    """Lend a resource to a project, in the caller's unit of work.

    A grant that the project has of it is changed rather than doubled; one that says the same stays
    as it is, and one that is suspended stays suspended. Callers of several resources hold them all
    first, so that two of them never wait for each other. Raises NoSuchResource, ResourceRetired,
    ReasonNeeded, EndsBeforeItBegins.
    """
    if facts.resources.lock(resource).retired_at is not None:
        raise ResourceRetired(resource)
    check_span(lending, at)
    first = decision(1, GrantChange.GRANTED, lending, actor=actor, reason=reason, at=at)
    standing = standing_of(facts, resource, project, at)
    if standing is None:
        return facts.grants.add(resource, project, first, request=request)
    if standing.project.id is None and project.id is not None:
        facts.grants.identify(standing.id, project.id)
    if standing.lending == lending:
        return facts.grants.get(standing.id)
    only_its_end = replace(standing.lending, expires_at=lending.expires_at) == lending
    change = GrantChange.RENEWED if only_its_end else GrantChange.CHANGED
    return decide_in(facts, standing.id, change, lending, actor=actor, reason=reason, at=at)


def decide_in(
    facts: "Facts",
    number: int,
    change: GrantChange,
    lending: Lending | None = None,
    *,
    actor: Actor,
    reason: str,
    at: datetime,
) -> Grant:
    """Append a decision about a grant in the caller's unit of work; without a lending it stays.

    Raises NoSuchGrant, GrantOver, ReasonNeeded.
    """
    grant = facts.grants.lock(number)
    if grant.state(at) is GrantState.REVOKED:
        raise GrantOver(number)
    last = grant.decisions[-1]
    following, at = last.number + 1, max(at, last.at)  # two may have asked the clock at once
    wanted = grant.lending if lending is None else lending
    made = decision(following, change, wanted, actor=actor, reason=reason, at=at)
    facts.grants.decide(number, made)
    return replace(grant, decisions=(*grant.decisions, made))


def decision(
    number: int, change: GrantChange, lending: Lending, *, actor: Actor, reason: str, at: datetime
) -> GrantDecision:
    """A decision of somebody. Raises ReasonNeeded."""
    said = reason.strip()
    if not 0 < len(said) <= _LONGEST_REASON:
        raise ReasonNeeded(len(said))
    return GrantDecision(
        number=number,
        at=at,
        change=change,
        by=actor.name,
        principal=actor.who.id,
        reason=said,
        lending=lending,
    )


def standing_of(facts: "Facts", resource: str, project: Project, at: datetime) -> Grant | None:
    """The grant that a project has of a resource, suspended or not begun as it may be.

    Of several of one name, where no id tells them apart, it is the newest.
    """
    found = facts.grants.all(resource=resource, project=project)
    standing = [each for each in found if not each.state(at).over]
    return standing[-1] if standing else None


def check_new(
    facts: "Facts", resource: str, project: Project, lending: Lending, at: datetime
) -> None:
    """Raise GrantStands where the project has a grant of the resource that says something else."""
    held = standing_of(facts, resource, project, at)
    if held is not None and held.lending != lending:
        raise GrantStands(held, lending)


def require_lender(facts: "Facts", grants: Iterable[Grant], actor: Actor) -> None:
    """Raise NotPermitted unless somebody lends what these grants are of, NoSuchGrant where it is
    hidden from them."""
    for grant in grants:
        thing = facts.resources.thing(grant.resource)
        if not may_see(actor, thing):
            raise NoSuchGrant(grant.id)
        actor.require(Permission.RESOURCE_LEND, thing)


def may_see(actor: Actor, thing: Thing) -> bool:
    return actor.may(Permission.RESOURCE_READ, thing)


def check_span(lending: Lending, at: datetime) -> None:
    """Raise EndsBeforeItBegins where nobody could ever use it."""
    begins = max(at, lending.starts_at or at)
    if lending.expires_at is not None and lending.expires_at <= begins:
        raise EndsBeforeItBegins(begins, lending.expires_at)
