"""Decisions without a request: where one lender's approval is not enough, no lender makes them.

Else the review rule would bind only those who ask.
"""

from typing import TYPE_CHECKING

from condarium.errors import Refused
from condarium.model.access.decisions import PLATFORM
from condarium.model.actor import Actor, Permission
from condarium.model.governance.grants import Grant, Lending
from condarium.model.governance.narrowing import is_wider
from condarium.model.governance.resources import Resource
from condarium.model.governance.review import is_one_lenders

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

WITHOUT_REVIEW = "without review"
"""What a list says of a grant that nobody asked for, though its resource wants a review."""


class ReviewNeeded(Refused):
    """More people than one lender decide who may use the resource."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource.name
        self.rule = tuple(map(str, resource.settings.rule))
        super().__init__(
            f"the rule of {self.resource} wants {' and '.join(self.rule)}: no lender alone lends "
            "more of it",
            hint="Ask for it with `condarium request create`, or have an administrator decide; "
            "lenders narrow, suspend and revoke grants alone.",
        )


def require_lending(facts: "Facts", resource: str, actor: Actor) -> None:
    """Hold the resource, and raise ReviewNeeded unless one lender, or the actor, may lend it."""
    held = facts.resources.lock(resource)
    if not is_one_lenders(held.settings.rule):
        _require_administrator(held, actor)


def require_widening(facts: "Facts", grant: Grant, lending: Lending, actor: Actor) -> None:
    """Raise ReviewNeeded where a grant would be wider than somebody may make it alone."""
    if is_wider(grant.lending, lending):
        require_lending(facts, grant.resource, actor)


def require_resuming(facts: "Facts", grant: Grant, actor: Actor) -> None:
    """The same, of resuming: everybody may take back their own suspension."""
    if grant.turned.principal is None or grant.turned.principal != actor.who.id:
        require_lending(facts, grant.resource, actor)


def marks(grant: Grant, resource: Resource) -> tuple[str, ...]:
    """What a list says of how a grant was made."""
    reviewed = grant.request is not None or is_one_lenders(resource.settings.rule)
    return () if reviewed else (WITHOUT_REVIEW,)


def _require_administrator(resource: Resource, actor: Actor) -> None:
    if not actor.may(Permission.RESOURCE_CREATE, PLATFORM):
        raise ReviewNeeded(resource)
