"""The ledger: is each account what its transfers make it, and has none given what it had not?"""

from collections.abc import Iterator

from condarium.model.governance.amounts import say_amount
from condarium.model.governance.ledger import AccountKind, LedgerAccount
from condarium.operating.checks.registry import Examination, Found, check, ok, problem

_HINT = (
    "Somebody changed the database. `condarium ledger entries` shows the transfers, which say "
    "what was given and used; restore a backup where they are damaged too."
)


@check("ledger")
def ledger(examined: Examination) -> Iterator[Found]:
    with examined.store.database.read() as facts:
        unbalanced, accounts = facts.ledger.unbalanced(), facts.ledger.balances()
    for account, moved in unbalanced:
        found = say_amount(account.balance)
        yield problem(f"{_say(account)} holds {found}, its transfers {say_amount(moved)}", _HINT)
    overdrawn = [e for e in accounts if e.balance < 0 and e.kind is not AccountKind.GIFT]
    for account in overdrawn:
        yield problem(f"{_say(account)} holds {say_amount(account.balance)}", _HINT)
    if not unbalanced and not overdrawn:
        yield ok(f"{len(accounts)} accounts hold what was moved to them, together nothing")


def _say(account: LedgerAccount) -> str:
    whose = " of ".join(filter(None, (account.project, account.donor)))
    return f"{account.resource}: {account.kind} {whose}".rstrip()
