"""The ledger, for those who lend and those who give: balances, entries, monthly statements.

Whoever lends a resource reads its part of the ledger, and auditors read all of it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from condarium.errors import BadInput
from condarium.governance.admission.seeing import own_project
from condarium.model.access.decisions import PLATFORM
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import Actor, Permission
from condarium.model.governance.amounts import Period
from condarium.model.governance.ledger import (
    AccountKind,
    LedgerAccount,
    Purse,
    Transfer,
    TransferFilter,
    TransferKind,
    begin_of,
    end_of,
    purse_in,
    purses,
)
from condarium.model.governance.projects import Project
from condarium.model.governance.resources import Resource, ResourceName
from condarium.model.governance.statements import Balance, Statement
from condarium.model.paging import Page, decode_cursor, page_of, read_limit
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)


class BadMonth(BadInput):
    """A text names no month."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"found {found[:40]!r}; expected a month such as 2026-03")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whose ledger: of a resource, of a donor, of a project; None for any."""

    resource: ResourceName | None = None
    donor: str | None = None
    project: Project | None = None


def balances(store: Store, asked: Asked, *, past: bool, actor: Actor) -> tuple[Balance, ...]:
    """What became of each gift: in the periods that are now, or with `past` in all.

    A period that is over is shown in any case while something is reserved of it.
    Raises NotPermitted, NoSuchResource.
    """
    now = store.now()
    with store.database.read() as facts:
        names = readable(facts, actor, asked.resource)
        accounts = facts.ledger.balances(names, donor=asked.donor)
        found = [
            balance
            for resource in facts.resources.all(retired=True)
            if names is None or resource.name in names
            for balance in _of_resource(resource, accounts, now, past=past)
        ]
    return tuple(each for each in found if asked.donor in (None, each.donor))


def entries(
    store: Store,
    asked: Asked,
    *,
    kind: TransferKind | None = None,
    admission: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None,
    cursor: str | None,
    actor: Actor,
) -> Page[Transfer]:
    """The latest transfers first. Raises NotPermitted, NoSuchResource, BadLimit, BadCursor."""
    size = read_limit(limit)
    before = int(decode_cursor(cursor, int)[0]) if cursor is not None else None
    with store.database.read() as facts:
        wanted = TransferFilter(
            resources=readable(facts, actor, asked.resource),
            donor=asked.donor,
            projects=facts.ledger.keys(asked.project) if asked.project else None,
            kind=kind,
            admission=admission,
            since=since,
            until=until,
        )
        found = facts.ledger.transfers(wanted, before=before, limit=size and size + 1)
    return page_of(found, size, [(each.id,) for each in found])


def statement(store: Store, asked: Asked, *, month: str | None, actor: Actor) -> Statement:
    """What was used in a month, by default in the one that is now.

    Whoever asked for what a project has, and those who manage a namespace, see all of theirs.
    Raises NotPermitted, NoSuchResource, BadMonth.
    """
    within = read_month(month) if month is not None else store.now()
    since, until = begin_of(Period.MONTH, within), end_of(Period.MONTH, within)
    assert since is not None
    assert until is not None
    with store.database.read() as facts:
        resources, project = _shown(facts, asked, actor)
        lines = facts.ledger.statement(
            since, until, resources_=resources, donor=asked.donor, project=project
        )
    return Statement(month=f"{since:%Y-%m}", lines=tuple(lines))


def _shown(
    facts: "Facts", asked: Asked, actor: Actor
) -> tuple[frozenset[str] | None, Project | None]:
    """Of which resources (None for all) and of which project somebody sees what was used.

    Of one's own project it is of all; whether one that is named is there is not told.
    """
    sees_all = actor.may(Permission.AUDIT_READ, PLATFORM)
    mine = None if sees_all else asked.project
    own = own_project(facts, mine, actor) if mine else None
    if own is None:
        return readable(facts, actor, asked.resource), asked.project
    return frozenset({asked.resource.name}) if asked.resource else None, own


def read_month(text: str) -> datetime:
    """The first instant of a month such as 2026-03. Raises BadMonth."""
    found = _MONTH.fullmatch(text)
    if found is None:
        raise BadMonth(text)
    return datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)


def readable(facts: "Facts", actor: Actor, resource: ResourceName | None) -> frozenset[str] | None:
    """The resources whose ledger somebody may read, None for all; of one, where it is named.

    Raises NotPermitted where there is none, and NoSuchResource.
    """
    sees_all = actor.may(Permission.AUDIT_READ, PLATFORM)
    if resource is not None:
        if not sees_all:
            actor.require(Permission.RESOURCE_LEND, facts.resources.thing(resource.name))
        return frozenset({facts.resources.get(resource.name).name})
    if sees_all:
        return None
    actor.require(Permission.RESOURCE_LEND)
    return actor.names_where(Permission.RESOURCE_LEND, ThingKind.RESOURCE)


@dataclass
class _Held:
    """What accounts of one gift in one period hold."""

    left: int | None = None
    kinds: dict[AccountKind, int] = field(default_factory=dict)

    def add(self, account: LedgerAccount) -> None:
        if account.kind is AccountKind.BUDGET:
            self.left = account.balance
        self.kinds[account.kind] = self.kinds.get(account.kind, 0) + account.balance


def _of_resource(
    resource: Resource, accounts: Iterable[LedgerAccount], now: datetime, *, past: bool
) -> Iterator[Balance]:
    held: dict[tuple[int | None, datetime | None], _Held] = {}
    for account in accounts:
        if account.resource == resource.name and account.kind is not AccountKind.GIFT:
            held.setdefault((account.budget, account.period), _Held()).add(account)
    current = {(each.budget.id, each.begins): each for each in purses(resource.budgets, now)}
    if unlimited := held.get((None, None)):
        yield _balance(resource, None, unlimited)
    for budget in resource.budgets:
        begins = {begins for number, begins in (*held, *current) if number == budget.id}
        for each in sorted(begins, key=lambda at: at or budget.starts_at):
            key = budget.id, each
            found = held.get(key, _Held())
            if past or key in current or found.kinds.get(AccountKind.RESERVED):
                yield _balance(resource, purse_in(budget, each or now), found)


def _balance(resource: Resource, purse: Purse | None, held: _Held) -> Balance:
    reserved = held.kinds.get(AccountKind.RESERVED, 0)
    used = held.kinds.get(AccountKind.USED, 0)
    spent = Balance(resource=resource.name, donor="", reserved=reserved, used=used)
    if purse is None:
        return spent
    given = purse.budget.amount
    left = given if held.left is None else held.left  # nobody has drawn on it yet
    return replace(
        spent,
        donor=purse.budget.donor,
        budget=purse.budget.id,
        period=purse.budget.period,
        begins=purse.begins,
        ends=purse.ends,
        given=given,
        left=left,
        withdrawn=given - left - reserved - used,
    )
