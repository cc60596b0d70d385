"""The ledger: accounts and the transfers between them, of which nothing is ever changed.

Whoever moves amounts of a resource holds its row until the end of the unit of work: so two never
spend the same, and never wait for each other in a circle. A unit that moves amounts of several
resources takes them in the order of their numbers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, select

from condarium.errors import Conflict
from condarium.model.governance.amounts import say_amount
from condarium.model.governance.ledger import AccountKind, Purse, TransferKind, next_purse, purses
from condarium.model.governance.projects import Project
from condarium.model.governance.resources import Budget, Resource
from condarium.model.instants import say_instant
from condarium.storage.governance.ledger_reading import LedgerReading, period_text
from condarium.storage.numbered import insert
from condarium.storage.tables import admissions, budgets, ledger_accounts, ledger_transfers
from condarium.storage.tables import resources as resources_table


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


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What makes an account the one that it is; as its columns."""

    resource_id: int
    kind: str
    donor: str
    project: str = ""
    budget_id: int = 0
    period: str = ""


# to make a statement takes longer than to carry it out: those of every admission are made once
_OVERDRAWN = -(2**62)
_LOCK = (
    select(resources_table.c.id)
    .where(resources_table.c.id == bindparam("number"))
    .with_for_update(key_share=True)
)
_FIND = select(ledger_accounts.c.id).where(
    *(ledger_accounts.c[each.name] == bindparam(f"of_{each.name}") for each in fields(_Place))
)
_CHANGE = (
    ledger_accounts.update()
    .where(
        ledger_accounts.c.id == bindparam("number"),
        ledger_accounts.c.balance >= bindparam("least"),
    )
    .values(balance=ledger_accounts.c.balance + bindparam("change"))
)


class Ledger(LedgerReading):
    """What the ledger says (`LedgerReading`), and what is done to it."""

    def reserve(
        self, resource: Resource, project: Project, amount: int, *, admission: int, at: datetime
    ) -> None:
        """Set aside what a job may cost, of the budget that lapses first and has enough left.

        `resource` is as it is under its lock. Raises BudgetSpent, and then nothing was set aside.
        """
        if not amount:
            return
        self._lock(resource.id)
        for source, place in self._sources(resource, at):
            reserved = replace(
                place, kind=AccountKind.RESERVED, project=project.key or str(project)
            )
            if self._take(source, amount, overdraw=place.kind == AccountKind.GIFT):
                target = self._account(reserved)
                self._give(target, amount)
                self._note(TransferKind.RESERVE, source, target, amount, at, admission)
                return
        left = _by_donor(resource.budgets, self.left(resource, at))
        raise BudgetSpent(resource.name, amount, left, next_purse(resource.budgets, at))

    def settle(self, admission: int, cost: int, *, at: datetime) -> int:
        """Charge what a job cost, at most what is reserved for it, and refund the rest.

        Gives what it was charged. A second call changes nothing, and gives the same.
        """
        query = select(admissions.c.resource_id).where(admissions.c.id == admission)
        resource_id = self._connection.scalar(query)
        if resource_id is None:
            return 0
        self._lock(resource_id)
        charged, held = self._held(admission)
        for (origin, reserved), amount in held.items():
            part = min(cost - charged, amount)
            if part > 0:
                used = self._account(replace(self._place(reserved), kind=AccountKind.USED))
                self._move(TransferKind.SETTLE, reserved, used, part, at, admission)
                charged += part
            if rest := amount - max(part, 0):
                self._move(TransferKind.REFUND, reserved, origin, rest, at, admission)
                self._return(origin, rest, at)
        return charged

    def refund(self, admission: int, *, at: datetime) -> None:
        """Give back all that is reserved for a job."""
        self.settle(admission, 0, at=at)

    def withdraw(self, budget: int, *, at: datetime) -> int:
        """Give back to a donor what is left of a budget that ends, and say how much it was."""
        resource_id = self._connection.scalar(
            select(budgets.c.resource_id).where(budgets.c.id == budget)
        )
        if resource_id is None:
            return 0
        self._lock(resource_id)
        wanted = and_(
            ledger_accounts.c.resource_id == resource_id,
            ledger_accounts.c.kind == AccountKind.BUDGET,
            ledger_accounts.c.budget_id == budget,
            ledger_accounts.c.balance > 0,
        )
        rows = self._connection.execute(select(ledger_accounts).where(wanted)).all()
        for row in rows:
            self._move(TransferKind.WITHDRAW, row.id, self._gift(row), row.balance, at)
        return sum(row.balance for row in rows)

    def _lock(self, resource_id: int) -> None:
        """Hold a resource's row; those who only refer to it need not wait."""
        self._connection.execute(_LOCK, {"number": resource_id})

    def _sources(self, resource: Resource, at: datetime) -> Iterable[tuple[int, _Place]]:
        """The accounts that pay, the first that should first."""
        if not resource.budgets:
            place = _Place(resource_id=resource.id, kind=AccountKind.GIFT, donor="")
            yield self._account(place), place
        for purse in purses(resource.budgets, at):
            place = _place_of(resource, purse)
            yield self._funded(place, purse.budget.amount, at), place

    def _funded(self, place: _Place, amount: int, at: datetime) -> int:
        """The account of a budget in a period; who comes to it first has the donor fund it."""
        if (there := self._find(place)) is not None:
            return there
        account = self._account(place)
        if amount:
            self._move(TransferKind.FUND, self._account(_gift_of(place)), account, amount, at)
        return account

    def _held(self, admission: int) -> tuple[int, dict[tuple[int, int], int]]:
        """What a job was charged, and what is held for it, by origin and reserved account."""
        query = select(ledger_transfers).where(ledger_transfers.c.admission_id == admission)
        charged, origins, held = 0, dict[int, int](), dict[int, int]()
        for row in self._connection.execute(query.order_by(ledger_transfers.c.id)):
            if row.kind == TransferKind.RESERVE:
                origins[row.target_id] = row.source_id
                held[row.target_id] = held.get(row.target_id, 0) + row.amount
            elif row.kind in (TransferKind.SETTLE, TransferKind.REFUND):
                held[row.source_id] -= row.amount
                charged += row.amount if row.kind == TransferKind.SETTLE else 0
        return charged, {(origins[key], key): amount for key, amount in held.items() if amount}

    def _return(self, account: int, amount: int, at: datetime) -> None:
        """What comes back to a budget that has ended goes on to its donor."""
        row = self._connection.execute(
            select(ledger_accounts, budgets.c.ends_at)
            .join(budgets, budgets.c.id == ledger_accounts.c.budget_id)
            .where(ledger_accounts.c.id == account)
        ).first()
        if row is not None and row.ends_at is not None and row.ends_at <= at:
            self._move(TransferKind.WITHDRAW, account, self._gift(row), amount, at)

    def _gift(self, row: Row[Any]) -> int:
        return self._account(_gift_of(_place(row)))

    def _move(
        self,
        kind: TransferKind,
        source: int,
        target: int,
        amount: int,
        at: datetime,
        admission: int | None = None,
    ) -> None:
        taken = self._take(source, amount, overdraw=kind is TransferKind.FUND)
        assert taken, f"account {source} holds less than {amount}"
        self._give(target, amount)
        self._note(kind, source, target, amount, at, admission)

    def _take(self, account: int, amount: int, *, overdraw: bool) -> bool:
        """Take an amount off an account that has it, and say whether it had."""
        least = amount if not overdraw else _OVERDRAWN
        asked = {"number": account, "change": -amount, "least": least}
        return bool(self._connection.execute(_CHANGE, asked).rowcount)

    def _give(self, account: int, amount: int) -> None:
        asked = {"number": account, "change": amount, "least": _OVERDRAWN}
        self._connection.execute(_CHANGE, asked)

    def _note(
        self,
        kind: TransferKind,
        source: int,
        target: int,
        amount: int,
        at: datetime,
        admission: int | None,
    ) -> None:
        values = {
            "at": at,
            "kind": str(kind),
            "source_id": source,
            "target_id": target,
            "amount": amount,
            "admission_id": admission,
        }
        insert(self._connection, ledger_transfers, values)

    def _account(self, place: _Place) -> int:
        """The number of an account, which is opened where it is new."""
        there = self._find(place)
        if there is not None:
            return there
        return insert(self._connection, ledger_accounts, {**vars(place), "balance": 0})

    def _find(self, place: _Place) -> int | None:
        asked = {f"of_{name}": value for name, value in vars(place).items()}
        return self._connection.scalar(_FIND, asked)

    def _place(self, account: int) -> _Place:
        query = select(ledger_accounts).where(ledger_accounts.c.id == account)
        return _place(self._connection.execute(query).one())


def _place(row: Row[Any]) -> _Place:
    return _Place(
        resource_id=row.resource_id,
        kind=row.kind,
        donor=row.donor,
        project=row.project,
        budget_id=row.budget_id,
        period=row.period,
    )


def _place_of(resource: Resource, purse: Purse) -> _Place:
    return _Place(
        resource_id=resource.id,
        kind=AccountKind.BUDGET,
        donor=purse.budget.donor,
        budget_id=purse.budget.id,
        period=period_text(purse.begins),
    )


def _gift_of(place: _Place) -> _Place:
    return _Place(resource_id=place.resource_id, kind=AccountKind.GIFT, donor=place.donor)


def _by_donor(budgets: Iterable[Budget], left: Mapping[int, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in budgets:
        if each.id in left:
            found[each.donor] = found.get(each.donor, 0) + left[each.id]
    return found
