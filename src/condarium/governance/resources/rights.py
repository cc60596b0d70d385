"""What lenders may say of their resource alone, and what is for administrators."""

from typing import TYPE_CHECKING

from condarium.errors import NotPermitted
from condarium.model.access.decisions import PLATFORM, Thing
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import Actor, Permission
from condarium.model.governance.resources import Resource, Settings
from condarium.model.governance.review import is_one_lenders

if TYPE_CHECKING:
    from condarium.storage.facts import Facts


def thing_of(resource: Resource) -> Thing:
    """What decisions about a resource are about."""
    return Thing(kind=ThingKind.RESOURCE, name=resource.name, public=resource.settings.public)


def require_changing(facts: "Facts", before: Resource, after: Settings, actor: Actor) -> None:
    """Raise NotPermitted where settings differ that are not a lender's own matter.

    A label takes jobs of others, a rule binds lenders themselves, and whoever lends all that is on
    some terms publishes their next version.
    """
    if (after.label or before.name) != before.label:
        _require_administrator(actor, "by a label, jobs are taken that were others'")
    if after.rule != before.settings.rule and not is_one_lenders(before.settings.rule):
        _require_administrator(actor, "no lender alone changes a rule that wants more than one")
    if after.terms is not None and after.terms != before.settings.terms:
        require_keeping(facts, after.terms, actor)


def require_keeping(facts: "Facts", terms: str, actor: Actor) -> None:
    """Raise NotPermitted but for administrators, and who lends all that these terms are of."""
    if actor.may(Permission.RESOURCE_CREATE, PLATFORM):
        return
    lent = facts.resources.all(terms=terms, retired=True)
    if not lent or not all(actor.may(Permission.RESOURCE_LEND, thing_of(each)) for each in lent):
        reason = f"{actor.name} does not lend all that is lent on terms {terms}"
        raise NotPermitted(actor.name, Permission.RESOURCE_LEND, (reason,), PLATFORM)


def _require_administrator(actor: Actor, reason: str) -> None:
    if not actor.may(Permission.RESOURCE_CREATE, PLATFORM):
        raise NotPermitted(actor.name, Permission.RESOURCE_CREATE, (reason,), PLATFORM)
