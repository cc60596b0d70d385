"""The ledger: accounts and the transfers between them, of which nothing is ever changed.

Whoever moves amounts of a resource holds its row until the end of the unit of work: so two never
spend the same, and never wait for each other in a circle. A unit that moves amounts of several
resources has locked them before, in the order of their names.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Row, and_, bindparam, select

from condarium.model.governance.ledger import AccountKind, TransferKind
from condarium.model.governance.projects import Project
from condarium.model.governance.resources import Resource
from condarium.storage.governance.accounts import CHANGE, OVERDRAWN, Accounts, Place, gift_of
from condarium.storage.governance.ledger_reading import LedgerReading
from condarium.storage.governance.till import Till
from condarium.storage.numbered import insert
from condarium.storage.tables import admissions, budgets, ledger_accounts, ledger_transfers
from condarium.storage.tables import resources as resources_table

# to make a statement takes longer than to carry it out: those of every admission are made once
_LOCK = (
    select(resources_table.c.id)
    .where(resources_table.c.id == bindparam("number"))
    .with_for_update(key_share=True)
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
        till = self.till([resource], at)
        claim = till.claim(resource, project, amount)
        till.write({admission: claim} if claim else {})

    def till(self, resources: Iterable[Resource], at: datetime) -> Till:
        """What is left of resources that are held until the end of the unit of work."""
        return Till(self._all_accounts, resources, at)

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
        return self._account(gift_of(_place(row)))

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
        least = amount if not overdraw else OVERDRAWN
        asked = {"number": account, "change": -amount, "least": least}
        return bool(self._connection.execute(CHANGE, asked).rowcount)

    def _give(self, account: int, amount: int) -> None:
        asked = {"number": account, "change": amount, "least": OVERDRAWN}
        self._connection.execute(CHANGE, asked)

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

    def _account(self, place: Place) -> int:
        """The number of an account, which is opened where it is new."""
        return self._all_accounts.open([place])[place].number

    @cached_property
    def _all_accounts(self) -> Accounts:
        return Accounts(self._connection)

    def _place(self, account: int) -> Place:
        query = select(ledger_accounts).where(ledger_accounts.c.id == account)
        return _place(self._connection.execute(query).one())


def _place(row: Row[Any]) -> Place:
    return Place(
        resource_id=row.resource_id,
        kind=row.kind,
        donor=row.donor,
        project=row.project,
        budget_id=row.budget_id,
        period=row.period,
    )
