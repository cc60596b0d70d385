"""The ledger's accounts: many are found, opened and moved between at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from condarium.model.governance.ledger import AccountKind, Purse, TransferKind
from condarium.model.governance.resources import Resource
from condarium.storage.governance.ledger_reading import period_text
from condarium.storage.tables import ledger_accounts, ledger_transfers


@dataclass(frozen=True, kw_only=True)
class Place:
    """What makes an account the one that it is; as its columns."""

    resource_id: int
    kind: str
    donor: str
    project: str = ""
    budget_id: int = 0
    period: str = ""


class Account(NamedTuple):
    number: int
    balance: int


class Move(NamedTuple):
    kind: TransferKind
    source: Place
    target: Place
    amount: int
    admission: int | None = None


class Accounts:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, places: Iterable[Place]) -> dict[Place, Account]:
        """Those of these accounts that are there."""
        wanted = set(places)
        if not wanted:
            return {}
        asked = {name: list({getattr(each, name) for each in wanted}) for name in _ASKED}
        found = {}
        for number, balance, *values in self._connection.execute(_FIND, asked):
            place = Place(**dict(zip(_COLUMNS, values, strict=True)))
            if place in wanted:
                found[place] = Account(number, balance)
        return found

    def open(self, places: Iterable[Place]) -> dict[Place, Account]:
        """These accounts, of which those that are new begin with nothing."""
        wanted = dict.fromkeys(places)
        found = self.find(wanted)
        if new := [place for place in wanted if place not in found]:
            self._connection.execute(_OPEN, [{**vars(place), "balance": 0} for place in new])
            found |= self.find(new)
        return found

    def move(self, moves: Iterable[Move], *, at: datetime) -> None:
        """Write transfers, and the sum of each account's; only a donor's side may be overdrawn."""
        moves = [each for each in moves if each.amount]
        if not moves:
            return
        there = self.open(place for each in moves for place in (each.source, each.target))
        changes: dict[Place, int] = {}
        for each in moves:
            changes[each.source] = changes.get(each.source, 0) - each.amount
            changes[each.target] = changes.get(each.target, 0) + each.amount
        self._change({there[place].number: (place, sum_) for place, sum_ in changes.items()})
        rows = [
            {
                "at": at,
                "kind": str(each.kind),
                "source_id": there[each.source].number,
                "target_id": there[each.target].number,
                "amount": each.amount,
                "admission_id": each.admission,
            }
            for each in moves
        ]
        self._connection.execute(_NOTE, rows)

    def _change(self, changes: Mapping[int, tuple[Place, int]]) -> None:
        asked = [
            {
                "number": number,
                "change": change,
                "least": OVERDRAWN if place.kind == AccountKind.GIFT else -change,
            }
            for number, (place, change) in sorted(changes.items())
        ]
        changed = self._connection.execute(CHANGE, asked).rowcount
        assert changed == len(asked), f"an account holds less than is taken: {asked}"


def place_of(resource: Resource, purse: Purse) -> Place:
    return Place(
        resource_id=resource.id,
        kind=AccountKind.BUDGET,
        donor=purse.budget.donor,
        budget_id=purse.budget.id,
        period=period_text(purse.begins),
    )


def gift_of(place: Place) -> Place:
    return Place(resource_id=place.resource_id, kind=AccountKind.GIFT, donor=place.donor)


# to make a statement takes longer than to carry it out: those of every admission are made once
OVERDRAWN = -(2**62)
_COLUMNS = [each.name for each in fields(Place)]
_ASKED = ("resource_id", "kind", "donor", "project", "period")
"""The first four are how the index begins; a project has few accounts behind them."""
_FIND = select(
    ledger_accounts.c.id, ledger_accounts.c.balance, *(ledger_accounts.c[name] for name in _COLUMNS)
).where(*(ledger_accounts.c[name].in_(bindparam(name, expanding=True)) for name in _ASKED))
CHANGE = (
    ledger_accounts.update()
    .where(
        ledger_accounts.c.id == bindparam("number"),
        ledger_accounts.c.balance >= bindparam("least"),
    )
    .values(balance=ledger_accounts.c.balance + bindparam("change"))
)
_OPEN, _NOTE = ledger_accounts.insert().inline(), ledger_transfers.insert().inline()
