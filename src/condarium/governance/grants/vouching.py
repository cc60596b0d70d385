"""Vouching: who approved commits under grants, and what they are at this moment."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from condarium.governance.requests.approvers import approver, keys_of
from condarium.model.governance.admission import Approval
from condarium.model.governance.grants import Grant

if TYPE_CHECKING:
    from condarium.storage.facts import Facts


def approvals_in(
    facts: "Facts", grants: Iterable[Grant], commits: Iterable[str] | None = None
) -> list[Approval]:
    """Approvals under grants: of some commits, or of all; without those of disabled accounts."""
    lent = {grant.id: grant.resource for grant in grants}
    asked = facts.grants.approvals(lent if commits is not None else None, commits) if lent else []
    given = [each for each in asked if each[0] in lent]
    known = {
        (principal, resource): _approval(facts, principal, resource)
        for principal, resource in {(who, lent[grant]) for grant, _, who in given}
    }
    found = []
    for grant, commit, principal in given:
        about = known[principal, lent[grant]]
        if about is not None:
            people, lends = about
            found.append(Approval(grant=grant, commit=commit, people=people, lends=lends))
    return found


def _approval(
    facts: "Facts", principal: str | None, resource: str
) -> tuple[frozenset[str], bool] | None:
    who = approver(facts, principal, "", [resource])
    if who is None:
        return None
    return keys_of(facts, principal), resource in who.lends
