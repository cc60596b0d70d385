"""What is set aside for jobs that ask at once: counted in memory, and written as sums."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from condarium.errors import Conflict
from condarium.model.governance.amounts import say_amount
from condarium.model.governance.ledger import AccountKind, TransferKind, next_purse, purses
from condarium.model.governance.projects import Project
from condarium.model.governance.resources import Budget, Resource
from condarium.model.instants import say_instant
from condarium.storage.governance.accounts import Accounts, Move, Place, gift_of, place_of


class BudgetSpent(Conflict):
    """No budget of the resource has enough left."""

    def __init__(
        self, resource: str, needed: int, left: Mapping[str, int], until: datetime | None
    ) -> None:
        self.resource, self.needed, self.left, self.until = resource, needed, left, until
        amounts = [f"{say_amount(amount)} of {donor}" for donor, amount in sorted(left.items())]
        found = f"left are {', '.join(amounts)}" if amounts else "no budget of it holds now"
        super().__init__(
            f"the job may cost {say_amount(needed)} credits on {resource}, and {found}",
            hint=_what_then(resource, left, until),
        )


def _what_then(resource: str, left: Mapping[str, int], until: datetime | None) -> str:
    again = f"There is more from {say_instant(until)} on." if until else "No other budget follows."
    if left:
        return f"{again} A job that says that it takes less time costs less."
    return f"{again} Ask those who lend {resource}."


@dataclass(frozen=True)
class Claim:
    """What is set aside for a job, of the account that pays, for the project's account."""

    source: Place
    target: Place
    amount: int


class Till:
    """What is left of the budgets of resources, while a unit of work holds their rows.

    A claim sees those before it. Nothing is written before `write`.
    """

    def __init__(self, accounts: Accounts, resources: Iterable[Resource], at: datetime) -> None:
        self._accounts, self._at = accounts, at
        self._paying: dict[int, dict[Place, Budget]] = {}
        """What pays for a resource, the first that should first; empty where it has no budgets."""
        for each in resources:
            holding = purses(each.budgets, at)
            self._paying[each.id] = {place_of(each, purse): purse.budget for purse in holding}
        amounts = {
            place: budget.amount
            for budgets in self._paying.values()
            for place, budget in budgets.items()
        }
        there = accounts.find(amounts)
        self._unfunded = {place: each for place, each in amounts.items() if place not in there}
        self._left = {place: account.balance for place, account in there.items()} | self._unfunded

    def claim(self, resource: Resource, project: Project, amount: int) -> Claim | None:
        """Set aside what a job may cost, of the budget that lapses first and has enough left.

        None where it costs nothing. Raises BudgetSpent, and then nothing was set aside.
        """
        if not amount:
            return None
        source = self._source(resource, amount)
        target = replace(source, kind=AccountKind.RESERVED, project=project.account)
        return Claim(source, target, amount)

    def write(self, claims: Mapping[int, Claim]) -> None:
        """Write what was claimed, by the numbers of admissions; who is first to come to a budget
        in a period has its donor fund it."""
        paying = dict.fromkeys(claim.source for claim in claims.values())
        funded = [
            Move(TransferKind.FUND, gift_of(place), place, self._unfunded.pop(place))
            for place in paying
            if place in self._unfunded
        ]
        reserved = [
            Move(TransferKind.RESERVE, each.source, each.target, each.amount, number)
            for number, each in claims.items()
        ]
        self._accounts.move([*funded, *reserved], at=self._at)

    def _source(self, resource: Resource, amount: int) -> Place:
        if not resource.budgets:
            return Place(resource_id=resource.id, kind=AccountKind.GIFT, donor="")
        for place in self._paying[resource.id]:
            if self._left[place] >= amount:
                self._left[place] -= amount
                return place
        until = next_purse(resource.budgets, self._at)
        raise BudgetSpent(resource.name, amount, self._by_donor(resource), until)

    def _by_donor(self, resource: Resource) -> dict[str, int]:
        found: dict[str, int] = {}
        for place in self._paying[resource.id]:
            found[place.donor] = found.get(place.donor, 0) + self._left[place]
        return found
