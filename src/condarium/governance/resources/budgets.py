"""Budgets: what donors give for a resource, in each period, from when and until when."""

from dataclasses import replace
from datetime import datetime

from condarium.errors import BadInput
from condarium.model.actor import Actor
from condarium.model.governance.amounts import Period, read_amount, say_amount
from condarium.model.governance.report import BudgetChanged
from condarium.model.governance.resources import Budget, check_name
from condarium.model.instants import say_instant
from condarium.storage.store import Store


class BadBudget(BadInput):
    """A budget gives nothing, or ends before it begins."""

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"found {found}; expected {expected}")


def add(
    store: Store,
    resource: str,
    *,
    donor: str,
    amount: str,
    period: Period,
    starts_at: datetime,
    ends_at: datetime | None,
    actor: Actor,
) -> BudgetChanged:
    """Note what a donor gives for a resource, in credits for each period.

    Raises NoSuchResource, BadName for the donor, BadAmount, BadBudget.
    """
    budget = Budget(
        id=0,
        donor=check_name(donor),
        amount=read_amount(amount),
        period=period,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    if not budget.amount:
        raise BadBudget("0 credits", "more than none")
    if ends_at is not None and ends_at <= starts_at:
        raise BadBudget(f"an end at {say_instant(ends_at)}", f"one after {say_instant(starts_at)}")
    with store.database.change(actor, "resource add-budget", resource, _said(budget)) as facts:
        there = facts.resources.lock(resource)
        number = facts.resources.add_budget(there, budget, at=store.now(), by=actor.name)
        added = facts.resources.budget(facts.resources.get(resource), number)
    return BudgetChanged(resource=resource, budget=added, what="added")


def end(store: Store, resource: str, number: int, *, reason: str, actor: Actor) -> BudgetChanged:
    """End a budget now: what is left of it goes back to its donor; what jobs have reserved stays.

    Raises NoSuchResource, NoSuchBudget.
    """
    now = store.now()
    detail = {"budget": str(number), "reason": reason}
    with store.database.change(actor, "resource end-budget", resource, detail) as facts:
        budget = facts.resources.budget(facts.resources.lock(resource), number)
        changed = budget.ends_at is None or budget.ends_at > now
        withdrawn = 0
        if changed:
            withdrawn = facts.ledger.withdraw(number, at=now)
            facts.resources.end_budget(number, at=now)
            budget = replace(budget, ends_at=now)
            detail["withdrawn"] = say_amount(withdrawn)
    return BudgetChanged(
        resource=resource, budget=budget, what="ended", changed=changed, withdrawn=withdrawn
    )


def _said(budget: Budget) -> dict[str, str]:
    return {
        "donor": budget.donor,
        "amount": say_amount(budget.amount),
        "period": str(budget.period),
        "from": say_instant(budget.starts_at),
        "until": say_instant(budget.ends_at) if budget.ends_at else "for ever",
    }
