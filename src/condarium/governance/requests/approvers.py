"""Who reviews: the people behind accounts, and what they are at this moment."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from condarium.errors import NotPermitted
from condarium.model.access.accounts import Account
from condarium.model.access.decisions import PLATFORM, Thing, decide
from condarium.model.access.permissions import Permission, ThingKind
from condarium.model.access.principals import Principal, PrincipalKind
from condarium.model.actor import Actor
from condarium.model.governance.projects import PersonKind
from condarium.model.governance.requests import Request, Step
from condarium.model.governance.review import Approver, Rule, Standing, standing

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

STORE_OWNER = "store-owner"
"""The person who is no principal: whoever works in the store's folder."""


def rules_of(facts: "Facts", request: Request) -> dict[str, Rule]:
    """The rules that hold now, by resource."""
    return {name: facts.resources.get(name).settings.rule for name in request.resources}


def standing_of(facts: "Facts", request: Request) -> Standing:
    """How far the review of a request is, by what everybody is at this moment."""
    approvals = [each for each in request.events if each.step is Step.APPROVE]
    names = {each.principal: each.by for each in approvals}
    people = (approver(facts, who, name, request.resources) for who, name in names.items())
    machine = is_by_machine(facts, request)
    return standing(
        rules_of(facts, request),
        [each for each in people if each and (each.administers or not machine)],
        requester=person_of(facts, request.principal),
    )


def is_by_machine(facts: "Facts", request: Request) -> bool:
    """Whether an account of no person asked: then whoever holds a token of it might review their
    own request, so that only what administrators say counts. They could make such a token anyway.
    """
    if request.principal is None:
        return False  # the store's owner may do everything without asking
    account = facts.principals.by_id(request.principal)
    return account is None or account.kind is not PrincipalKind.USER


def person_of(facts: "Facts", principal: str | None) -> str:
    """What all accounts of one person share, as far as links between them are known."""
    return STORE_OWNER if principal is None else min(_accounts(facts, principal))


def keys_of(facts: "Facts", principal: str | None) -> frozenset[str]:
    """Who somebody is by all of their accounts, here and elsewhere; none of the store's owner."""
    accounts = _accounts(facts, principal) if principal is not None else set()
    elsewhere = (person.key for each in accounts for person in facts.identities.of(each))
    here = (f"{PersonKind.USER}:{each}" for each in accounts)
    return frozenset({*here, *filter(None, elsewhere)})


def _accounts(facts: "Facts", principal: str) -> set[str]:
    found, asked = {principal}, [principal]
    while asked:
        new = set(_linked(facts, asked.pop())) - found
        found |= new
        asked += new
    return found


def approver(
    facts: "Facts", principal: str | None, name: str, resources: Iterable[str]
) -> Approver | None:
    """What somebody is as an approver; None for an account that is disabled, or is no person's."""
    things = [Thing(kind=ThingKind.RESOURCE, name=each) for each in resources]
    if principal is None:
        lends = frozenset(each.name for each in things)
        return Approver(person=STORE_OWNER, name=name, lends=lends, administers=True)
    account = facts.principals.by_id(principal)
    if account is None or account.disabled_at is not None or account.kind is not PrincipalKind.USER:
        return None
    may = _decisions(facts, account)
    return Approver(
        person=person_of(facts, principal),
        name=account.name,
        lends=frozenset(each.name for each in things if may(Permission.RESOURCE_LEND, each)),
        groups=frozenset(each.group for each in facts.memberships.of_principal(principal)),
        administers=may(Permission.RESOURCE_CREATE, PLATFORM),
    )


def require_reaching(
    actor: Actor, what: str, resources: Iterable[str], permission: Permission
) -> None:
    """Raise NotPermitted unless the actor is somebody, and the token in use is good for this.

    One that is narrowed must be so to all of these resources, and to the permission.
    """
    actor.require(Permission.SIGNED_IN)
    scope = actor.who.scope
    permitted = scope.permissions is None or permission in scope.permissions
    if not permitted or not all(scope.reaches(ThingKind.RESOURCE, each) for each in resources):
        reason = f"the token of {actor.name} does not reach all that the request is about"
        raise NotPermitted(actor.name, what, (reason,))


def _decisions(facts: "Facts", account: Account) -> Callable[[Permission, Thing], bool]:
    who = Principal(
        kind=account.kind,
        id=account.id,
        name=account.name,
        groups=facts.memberships.group_ids(account.id),
    )
    bindings = facts.bindings.of(account.id)
    return lambda permission, thing: decide(who, permission, thing, bindings).allowed


def _linked(facts: "Facts", principal: str) -> Iterable[str]:
    """Accounts that are said to be of the same person, in one step."""
    for person in facts.identities.of(principal):
        if person.kind is PersonKind.USER and person.id is not None:
            yield person.id
    if (other := facts.identities.holder(f"{PersonKind.USER}:{principal}")) is not None:
        yield other
