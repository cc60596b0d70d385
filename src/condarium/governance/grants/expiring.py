"""Notices: what ends soon, and what nobody uses, is said as a decision that decides nothing.

So it is seen wherever decisions are: at the grant, in the list, and in the feed.
"""

from condarium.governance.grants.granting import decide_in
from condarium.model.actor import Actor
from condarium.model.governance.grants import GrantChange
from condarium.model.governance.listed import Noticed
from condarium.model.governance.notices import due
from condarium.storage.store import Store

_BATCH = 500


def review_due(store: Store, *, actor: Actor) -> tuple[Noticed, ...]:
    """Give notice of what is due, once for each cause, and say of what."""
    noticed: list[Noticed] = []
    after, wanted = 0, _due(store)
    while after < len(wanted):
        piece = wanted[after : after + _BATCH]
        noticed += _give(store, piece, actor)
        after += len(piece)
    return tuple(noticed)


def _due(store: Store) -> list[int]:
    """The grants of which something is to be said."""
    now = store.now()
    with store.database.read() as facts:
        resources = {each.name: each for each in facts.resources.all()}
        return [
            grant.id
            for grant in facts.grants.all()
            if grant.resource in resources and due(grant, resources[grant.resource], now)
        ]


def _give(store: Store, numbers: list[int], actor: Actor) -> list[Noticed]:
    at, noticed = store.now(), []
    detail = {"grants": ", ".join(map(str, numbers))}
    with store.database.change(actor, "grant review-due", "grants", detail) as facts:
        facts.resources.hold({each.resource for each in facts.grants.all(numbers=numbers)})
        for number in numbers:
            grant = facts.grants.lock(number)
            # whoever came first may have said it, and somebody may have renewed it
            for notice in due(grant, facts.resources.get(grant.resource), at):
                change, text = GrantChange.NOTICED, notice.text
                decide_in(facts, number, change, actor=actor, reason=text, at=at)
                project, resource = str(grant.project), grant.resource
                noticed.append(
                    Noticed(grant=number, project=project, resource=resource, notice=text)
                )
    return noticed
