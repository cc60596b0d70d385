"""What is lent as the facts have it now, in the words of files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from condarium.governance.files.state import SaidBudget, SaidGrant, SaidResource, State
from condarium.model.governance.grants import Grant
from condarium.model.governance.resources import Budget, Resource

if TYPE_CHECKING:
    from condarium.storage.facts import Facts


@dataclass(frozen=True, kw_only=True)
class Present:
    """The state, and the facts that it is of: resources by name, also those that are retired, and
    the grants that have not ended."""

    state: State
    resources: Mapping[str, Resource]
    grants: tuple[Grant, ...]


def hold(facts: "Facts") -> None:
    """Let nobody else decide about grants, or admit jobs, until the end of this unit of work.

    Resources are taken in the order in which all do who take several.
    """
    facts.resources.hold(each.name for each in facts.resources.all(retired=True))


def present(facts: "Facts", at: datetime) -> Present:
    """Read all that is lent; what is retired or has ended is no part of the state."""
    resources = {each.name: each for each in facts.resources.all(retired=True)}
    grants = tuple(each for each in facts.grants.all() if not each.state(at).over)
    lent = {name: each for name, each in resources.items() if each.retired_at is None}
    state = State.of(
        terms={each.name: each.text for each in facts.terms.all()},
        resources={name: said_of(each, at) for name, each in lent.items()},
        grants=[grant_said(each) for each in grants if each.resource in lent],
    )
    return Present(state=state, resources=resources, grants=grants)


def said_of(resource: Resource, at: datetime) -> SaidResource:
    """What files say of a resource."""
    budgets = tuple(budget_said(each) for each in standing(resource.budgets, at))
    return SaidResource(settings=resource.settings, budgets=budgets)


def standing(budgets: Iterable[Budget], at: datetime) -> list[Budget]:
    """Those that have not ended."""
    return [each for each in budgets if each.ends_at is None or each.ends_at > at]


def budget_said(budget: Budget) -> SaidBudget:
    return SaidBudget(
        donor=budget.donor,
        amount=budget.amount,
        period=budget.period,
        starts_at=budget.starts_at,
        ends_at=budget.ends_at,
    )


def grant_said(grant: Grant) -> SaidGrant:
    return SaidGrant(
        project=grant.project,
        resource=grant.resource,
        lending=grant.lending,
        suspended=grant.suspended,
        reason=grant.decisions[-1].reason,
    )
