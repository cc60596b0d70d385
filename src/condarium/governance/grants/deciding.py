"""What lenders decide about grants: each decision says why."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from condarium.errors import BadArguments, BadInput, Conflict
from condarium.governance.github.resolving import Resolved, identify
from condarium.governance.grants import listing
from condarium.governance.grants.granting import (
    GrantedAlready,
    GrantOver,
    check_new,
    check_span,
    decide_in,
    grant_in,
    require_lender,
    standing_of,
)
from condarium.governance.grants.unreviewed import (
    require_lending,
    require_resuming,
    require_widening,
)
from condarium.model.actor import Actor, Permission
from condarium.model.governance.amounts import Period, read_amount
from condarium.model.governance.grants import (
    Conditions,
    Grant,
    GrantChange,
    GrantState,
    Lending,
)
from condarium.model.governance.listed import CommitApproved, CommitWithdrawn, GrantsDecided
from condarium.model.governance.projects import Person, PersonKind, Project
from condarium.model.instants import read_instant
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

T = TypeVar("T")
NONE = "none"
"""What empties a list, and lifts a limit."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_WORD = re.compile(r"[^\s,]{1,255}")


class BadCommit(BadInput):
    """A text is no whole commit: an approval is for exactly one."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"commit: found {found[:80]!r}; expected all 40 or 64 small hex digits of its hash",
            hint="`git rev-parse HEAD` says it.",
        )


class BadCondition(BadInput):
    """A branch, an event or a role that is none."""

    def __init__(self, what: str, found: str) -> None:
        self.what, self.found = what, found
        super().__init__(f"{what}: found {found[:80]!r}; expected a name without spaces or commas")


class NotSuspended(Conflict):
    """There is nothing to resume, or it is suspended already."""

    def __init__(self, grant: int, state: GrantState, *, suspended: bool) -> None:
        self.grant, self.state = grant, state
        found = "is suspended already" if suspended else f"is not suspended: it is {state}"
        super().__init__(f"grant {grant} {found}")


@dataclass(frozen=True, kw_only=True)
class Said:
    """What somebody says of a lending, as they write it.

    What is None or empty stays as it is; a list that is `none` is emptied. `until` is an instant,
    `time` how long from now.
    """

    branches: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    pull_requests: bool | None = None
    people: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    forks: tuple[str, ...] = ()
    fork_approval: bool | None = None
    quota: str | None = None
    period: str | None = None
    begins: str | None = None
    until: str | None = None
    time: timedelta | None = None


def create(
    store: Store,
    *,
    resources: tuple[str, ...],
    project: str,
    said: Said,
    reason: str,
    actor: Actor,
) -> GrantsDecided:
    """Lend resources to a project: all of them or none.

    Raises BadProject, BadPerson, AnotherId, BadAmount, BadInstant, ReviewNeeded, GrantStands, and
    what `grant_in` raises.
    """
    at = store.now()
    resolved = _resolve(store, said, [Project.parse(project)])
    lending = lend(Lending(), said, resolved, at)
    check_span(lending, at)
    detail = {"project": project, "reason": reason}
    with store.database.change(actor, "grant create", ", ".join(resources), detail) as facts:
        names, to = sorted(set(resources)), resolved.projects[0]
        facts.resources.hold(names)
        for name in names:
            require_lending(facts, name, actor)
            check_new(facts, name, to, lending, at)
        made = [
            grant_in(facts, name, to, lending, actor=actor, reason=reason, at=at) for name in names
        ]
        detail["grants"] = ", ".join(str(each.id) for each in made)
        listed = listing.shown(facts, made, at, actor)
    return GrantsDecided(grants=tuple(listed), warnings=resolved.warnings)


def change(store: Store, number: int, said: Said, *, reason: str, actor: Actor) -> GrantsDecided:
    """Change on what a grant is; only what is said changes. Raises BadArguments where nothing is,
    NoSuchGrant, NotPermitted, ReviewNeeded, GrantOver, ReasonNeeded, and what `lend` raises."""
    if said == Said():
        raise BadArguments("there is nothing to change", hint="`--quota 40`, for example.")
    resolved, at = _resolve(store, said), store.now()
    with _deciding(store, "grant change", number, reason, actor) as facts:
        grant = facts.grants.lock(number)
        lending = lend(grant.lending, said, resolved, at)
        require_widening(facts, grant, lending, actor)
        made = _decide(facts, grant, GrantChange.CHANGED, reason, actor, at, lending)
        listed = listing.shown(facts, [made], at, actor)
    return GrantsDecided(grants=tuple(listed), warnings=resolved.warnings)


def renew(store: Store, number: int, said: Said, *, reason: str, actor: Actor) -> GrantsDecided:
    """Give a grant another end, also one that has expired; `none` for no end.

    Raises BadArguments where no end is said, GrantedAlready, and what `change` raises.
    """
    if said.until is None and said.time is None:
        raise BadArguments("expected --until INSTANT or --for TIME; found none")
    at = store.now()
    with _deciding(store, "grant renew", number, reason, actor) as facts:
        grant = facts.grants.lock(number)
        other = standing_of(facts, grant.resource, grant.project, at)
        if other is not None and other.id != number:
            raise GrantedAlready(number, other.id)
        lending = lend(grant.lending, said, Resolved(), at)
        check_span(lending, at)
        require_widening(facts, grant, lending, actor)
        made = _decide(facts, grant, GrantChange.RENEWED, reason, actor, at, lending)
        return GrantsDecided(grants=tuple(listing.shown(facts, [made], at, actor)))


def suspend(store: Store, number: int, *, reason: str, actor: Actor) -> GrantsDecided:
    """Let no more jobs begin under a grant until it is resumed. Raises NotSuspended where it is."""
    return _switch(store, number, GrantChange.SUSPENDED, reason, actor)


def resume(store: Store, number: int, *, reason: str, actor: Actor) -> GrantsDecided:
    """Lift a suspension. Raises NotSuspended."""
    return _switch(store, number, GrantChange.RESUMED, reason, actor)


def approve_commit(store: Store, number: int, commit: str, *, actor: Actor) -> CommitApproved:
    """Let jobs of a grant be of one commit, though it is from a fork, or a bot's.

    Lenders may, and whoever is among the grant's people. Raises BadCommit, NoSuchGrant,
    NotPermitted, GrantOver.
    """
    _check_commit(commit)
    at, detail = store.now(), {"commit": commit}
    with store.database.change(actor, "grant approve-commit", f"grant {number}", detail) as facts:
        grant = facts.grants.lock(number)
        if not _is_among(facts, grant, actor):
            require_lender(facts, [grant], actor)
        if grant.state(at) is GrantState.REVOKED:
            raise GrantOver(number)
        by, principal = actor.name, actor.who.id
        new = facts.grants.approve_commit(number, commit, at=at, by=by, principal=principal)
    return CommitApproved(grant=number, commit=commit, changed=new)


def withdraw_commit(store: Store, number: int, commit: str, *, actor: Actor) -> CommitWithdrawn:
    """Take back approvals of a commit: lenders everybody's, others their own.

    Raises BadCommit, NoSuchGrant, and NotPermitted where there is none of one's own.
    """
    _check_commit(commit)
    detail = {"commit": commit}
    with store.database.change(actor, "grant withdraw-commit", f"grant {number}", detail) as facts:
        grant = facts.grants.lock(number)
        own = [actor.who.id or ""]
        before = facts.grants.approvals([number], [commit])
        is_own = any((principal or "") in own for _, _, principal in before)
        lends = actor.may(Permission.RESOURCE_LEND, facts.resources.thing(grant.resource))
        if not is_own or not actor.may(Permission.SIGNED_IN, facts.resources.thing(grant.resource)):
            require_lender(facts, [grant], actor)
        gone = facts.grants.withdraw_commit(number, commit, principals=None if lends else own)
    return CommitWithdrawn(grant=number, commit=commit, withdrawn=gone, left=len(before) - gone)


def _check_commit(commit: str) -> None:
    if not _COMMIT.fullmatch(commit):
        raise BadCommit(commit)


def lend(before: Lending, said: Said, resolved: Resolved, now: datetime) -> Lending:
    """A lending with what somebody says of it.

    `resolved` has the people and the forks that they name, in their order. Raises BadAmount,
    BadInstant, BadCondition, BadArguments.
    """
    if said.until is not None and said.time is not None:
        raise BadArguments("expected one of --until and --for; found both")
    lending = replace(before, conditions=_conditions(before.conditions, said, resolved))
    if said.quota is not None:
        lending = replace(lending, quota=None if said.quota == NONE else read_amount(said.quota))
    if said.period is not None:
        lending = replace(lending, period=Period(said.period))
    if said.begins is not None:
        lending = replace(lending, starts_at=_instant(said.begins, now))
    if said.until is not None:
        return replace(lending, expires_at=_instant(said.until, now))
    return lending if said.time is None else replace(lending, expires_at=now + said.time)


def _conditions(before: Conditions, said: Said, resolved: Resolved) -> Conditions:
    people = tuple(resolved.people) or None
    return replace(
        before,
        branches=_words("branch", before.branches, said.branches),
        events=_words("event", before.events, said.events),
        roles=_words("role", before.roles, said.roles),
        pull_request=_given(said.pull_requests, before.pull_request),
        fork_approval=_given(said.fork_approval, before.fork_approval),
        trusted_forks=_listed(before.trusted_forks, said.forks, _forks(said, resolved)),
        people=people if said.people else before.people,
    )


def _words(what: str, before: tuple[str, ...], said: tuple[str, ...]) -> tuple[str, ...]:
    for word in said:
        if not (_WORD.fullmatch(word) and word.isprintable()):
            raise BadCondition(what, word)
    return _listed(before, said, tuple(dict.fromkeys(said)))


def _listed(before: tuple[T, ...], said: tuple[str, ...], wanted: tuple[T, ...]) -> tuple[T, ...]:
    if not said:
        return before
    return () if said == (NONE,) else wanted


def _given(said: bool | None, before: bool) -> bool:
    return before if said is None else said


def _instant(text: str, now: datetime) -> datetime | None:
    return None if text == NONE else read_instant(text, now)


def _resolve(store: Store, said: Said, projects: list[Project] | None = None) -> Resolved:
    """The ids of those who are named, each their own: the projects first, then the forks."""
    forks = [Project.parse(text) for text in said.forks if text != NONE]
    people = [Person.parse(text) for text in said.people if text != NONE]
    return identify(store, [*(projects or []), *forks], people)


def _forks(said: Said, resolved: Resolved) -> tuple[Project, ...]:
    count = sum(text != NONE for text in said.forks)
    return resolved.projects[len(resolved.projects) - count :]


@contextmanager
def _deciding(
    store: Store, action: str, number: int, reason: str, actor: Actor
) -> Iterator["Facts"]:
    """A unit of work on a grant, with its resource held, for those who lend it."""
    with store.database.change(actor, action, f"grant {number}", {"reason": reason}) as facts:
        grant = facts.grants.get(number)
        require_lender(facts, [grant], actor)
        facts.resources.lock(grant.resource)
        yield facts


def _decide(
    facts: "Facts",
    grant: Grant,
    change: GrantChange,
    reason: str,
    actor: Actor,
    at: datetime,
    lending: Lending | None = None,
) -> Grant:
    return decide_in(facts, grant.id, change, lending, actor=actor, reason=reason, at=at)


def _switch(
    store: Store, number: int, change: GrantChange, reason: str, actor: Actor
) -> GrantsDecided:
    at, suspended = store.now(), change is GrantChange.SUSPENDED
    action = "grant suspend" if suspended else "grant resume"
    with _deciding(store, action, number, reason, actor) as facts:
        grant = facts.grants.lock(number)
        if grant.state(at) is not GrantState.REVOKED and grant.suspended is suspended:
            raise NotSuspended(number, grant.state(at), suspended=suspended)
        if not suspended:
            require_resuming(facts, grant, actor)
        made = _decide(facts, grant, change, reason, actor, at)
        return GrantsDecided(grants=tuple(listing.shown(facts, [made], at, actor)))


def _is_among(facts: "Facts", grant: Grant, actor: Actor) -> bool:
    """Whether somebody is one of those who may trigger the grant's jobs, here or elsewhere.

    Their token has to reach the resource.
    """
    identifier, thing = actor.who.id, facts.resources.thing(grant.resource)
    if identifier is None or not actor.may(Permission.SIGNED_IN, thing):
        return False
    here = Person(kind=PersonKind.USER, name=actor.name, id=identifier)
    keys = {each.key for each in (here, *facts.identities.of(identifier))}
    return any(each.key in keys for each in grant.lending.conditions.people or ())


def read_choice(text: str | None) -> bool | None:
    """Yes, no, or nothing."""
    return None if text is None else text == "yes"
