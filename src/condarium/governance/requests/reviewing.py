"""Reviewing: those whom the rules name say yes or no, and the last yes is the decision.

Each step is one unit of work that holds the request: of two who approve at once, the second one
sees what the first one said.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from condarium.errors import BadInput, Conflict, NotPermitted, Refused
from condarium.governance.grants import granting
from condarium.governance.grants.granting import grant_in
from condarium.governance.grants.revoking import revoke_in
from condarium.governance.requests.approvers import (
    approver,
    is_by_machine,
    person_of,
    require_reaching,
    rules_of,
    standing_of,
)
from condarium.governance.requests.noting import lending_of, notes
from condarium.governance.requests.requests import check_may_see, detail_of, grants_of
from condarium.model.access.decisions import PLATFORM
from condarium.model.actor import Actor, Permission
from condarium.model.governance.requests import (
    Asked,
    Request,
    RequestDetail,
    RequestEvent,
    RequestState,
    Step,
    check_step,
)
from condarium.model.governance.review import Missing, wanted
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

_LONGEST = 4000
_LONGEST_REASON = 2000
_NEEDED = {Step.APPROVE: Permission.RESOURCE_LEND, Step.DENY: Permission.RESOURCE_LEND}
"""What a narrowed token must be for, besides being somebody's."""


class OwnRequest(Refused):
    """Nobody reviews what they asked for themselves, with whichever of their accounts."""

    def __init__(self, request: int, name: str) -> None:
        self.request, self.name = request, name
        super().__init__(
            f"{name} asked for it: somebody else has to review request {request}",
            hint=f"`condarium request withdraw {request}` takes it back.",
        )


class ApprovedAlready(Conflict):
    """The same person approved the request before, and that is not enough."""

    def __init__(self, request: int, missing: tuple[Missing, ...]) -> None:
        self.request, self.missing = request, tuple(map(str, missing))
        super().__init__(
            f"request {request} has this person's approval; "
            f"missing by now: {', '.join(self.missing)}",
        )


class WordsNeeded(BadInput):
    """A step with a request needs so many characters of text."""

    def __init__(self, what: str, found: int) -> None:
        self.what, self.found = what, found
        super().__init__(f"{what}: found {found} characters; expected 1 to {_LONGEST}")


def approve(store: Store, number: int, text: str, *, actor: Actor) -> RequestDetail:
    """Approve a request; the last approval that the rules want makes the grants at once.

    Raises NoSuchRequest, RequestOver, NotPermitted, OwnRequest, ApprovedAlready, and
    ResourceRetired where that was done meanwhile.
    """
    words = _words("comment", text, least=0)
    with _stepping(store, number, Step.APPROVE, words, actor) as taken:
        facts, request = taken.facts, taken.request
        _check_reviewer(facts, request, actor)
        _check_counts(facts, request, actor)
        people = {person_of(facts, each) for each in _approved_by(request)}
        before = standing_of(facts, request)
        taken.note()
        now = standing_of(facts, facts.requests.get(number))
        if now.approved:
            changes = notes(facts, request, taken.event.at)
            _carry_out(taken, actor)
            return replace(taken.after(actor), findings=changes)
        if now == before and person_of(facts, actor.who.id) in people:
            raise ApprovedAlready(number, now.missing)
        return taken.after(actor)


def deny(store: Store, number: int, reason: str, *, actor: Actor) -> RequestDetail:
    """End a request with a no, and say why: whoever could approve it may.

    Raises NoSuchRequest, RequestOver, NotPermitted, OwnRequest, WordsNeeded.
    """
    words = _words("reason", reason)
    with _stepping(store, number, Step.DENY, words, actor) as taken:
        _check_reviewer(taken.facts, taken.request, actor)
        taken.note()
        taken.decide(RequestState.DENIED)
        return taken.after(actor)


def withdraw(store: Store, number: int, text: str, *, actor: Actor) -> RequestDetail:
    """Take a request back: whoever asked may, and an administrator.

    Raises NoSuchRequest, RequestOver, NotPermitted.
    """
    words = _words("reason", text, least=0)
    with _stepping(store, number, Step.WITHDRAW, words, actor) as taken:
        asker = person_of(taken.facts, taken.request.principal)
        if person_of(taken.facts, actor.who.id) != asker:
            actor.require(Permission.ACCESS_MANAGE, PLATFORM)
        taken.note()
        taken.decide(RequestState.WITHDRAWN)
        return taken.after(actor)


def comment(store: Store, number: int, text: str, *, actor: Actor) -> RequestDetail:
    """Say something about a request, whatever its state: whoever may see it may.

    Raises NoSuchRequest, WordsNeeded.
    """
    words = _words("comment", text)
    with _stepping(store, number, Step.COMMENT, words, actor) as taken:
        taken.note()
        return taken.after(actor)


@dataclass
class _Taken:
    """A step that is taken: the request as it was before, held until the unit of work ends."""

    facts: "Facts"
    request: Request
    event: RequestEvent
    said: dict[str, str]
    """What the audit entry tells."""

    def note(self) -> None:
        self.facts.requests.step(self.request.id, self.event)

    def decide(self, state: RequestState) -> None:
        self.facts.requests.decide(self.request.id, state, at=self.event.at)
        self.said["state"] = str(state)

    def after(self, actor: Actor) -> RequestDetail:
        """The request as the step leaves it."""
        request = self.facts.requests.get(self.request.id)
        return detail_of(self.facts, request, actor, self.event.at)


@contextmanager
def _stepping(store: Store, number: int, step: Step, words: str, actor: Actor) -> Iterator[_Taken]:
    """A unit of work that takes one step, if the request's state and its reader allow it."""
    actor.require(Permission.SIGNED_IN)
    said = {"reason": words} if words else {}
    with store.database.change(actor, f"request {step}", f"request {number}", said) as facts:
        request = facts.requests.get(number, lock=True)
        check_may_see(facts, request, actor)
        needed = _NEEDED.get(step, Permission.SIGNED_IN)
        require_reaching(actor, f"request {step}", request.resources, needed)
        check_step(request, step)
        event = RequestEvent(
            number=0, at=store.now(), step=step, by=actor.name, principal=actor.who.id, text=words
        )
        yield _Taken(facts, request, event, said)


def _check_reviewer(facts: "Facts", request: Request, actor: Actor) -> None:
    """Raise OwnRequest or NotPermitted unless an approval of the actor could fill a need."""
    if person_of(facts, request.principal) == person_of(facts, actor.who.id):
        raise OwnRequest(request.id, actor.name)
    who = approver(facts, actor.who.id, actor.name, request.resources)
    if who is None:
        reason = f"{actor.name} is an account of no person, and people review requests"
    elif not wanted(rules_of(facts, request), who):
        reason = f"no rule of {', '.join(request.resources)} wants {actor.name}'s approval"
    else:
        return
    raise NotPermitted(actor.name, "request review", (reason,))


def _check_counts(facts: "Facts", request: Request, actor: Actor) -> None:
    """Raise NotPermitted where an account of no person asked, and no administrator approves."""
    who = approver(facts, actor.who.id, actor.name, request.resources)
    if is_by_machine(facts, request) and not (who and who.administers):
        reason = (
            f"{request.by} is an account of no person: whoever has its token may have asked, so "
            "that only approvals of administrators count"
        )
        raise NotPermitted(actor.name, "request approve", (reason,))


def _carry_out(taken: _Taken, actor: Actor) -> None:
    """What was asked for is done with the last approval, all of it or nothing."""
    taken.decide(RequestState.APPROVED)
    facts, request, at = taken.facts, taken.request, taken.event.at
    reason = f"request {request.id}: {request.purpose}"[:_LONGEST_REASON]
    if request.asked is Asked.REVOKE:
        found = grants_of(facts, request.project, request.resources, at)
        numbers = revoke_in(facts, found, reason=reason, running=False, actor=actor, at=at).grants
    else:
        names = sorted(request.resources)
        facts.resources.hold(names)
        numbers = tuple(_grant(taken, each, actor, reason) for each in names)
    taken.said["grants"] = ", ".join(map(str, numbers))


def _grant(taken: _Taken, resource: str, actor: Actor, reason: str) -> int:
    """Lend one of the resources from now on; what a grant has and nobody spoke of, it keeps."""
    facts, request, at = taken.facts, taken.request, taken.event.at
    held = granting.standing_of(facts, resource, request.project, at)
    grant = grant_in(
        facts,
        resource,
        request.project,
        lending_of(request, held, at),
        actor=actor,
        reason=reason,
        at=at,
        request=request.id,
    )
    return grant.id


def _approved_by(request: Request) -> set[str | None]:
    return {each.principal for each in request.events if each.step is Step.APPROVE}


def _words(what: str, text: str, *, least: int = 1) -> str:
    words = text.strip()
    if not least <= len(words) <= _LONGEST:
        raise WordsNeeded(what, len(words))
    return words
