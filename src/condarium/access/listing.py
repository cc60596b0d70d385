"""Accounts and groups, in pages."""

from condarium.model.access.accounts import Account, Group
from condarium.model.access.names import folded
from condarium.model.access.principals import PrincipalKind
from condarium.model.paging import Page, decode_cursor, page_of, read_limit
from condarium.storage.store import Store


def accounts(
    store: Store, kind: PrincipalKind, *, limit: int | None, cursor: str | None
) -> Page[Account]:
    (after,) = decode_cursor(cursor, str) if cursor else ("",)
    size = read_limit(limit)
    with store.database.read() as facts:
        found = facts.principals.all(kind=kind, after=str(after), limit=_one_more(size))
    return page_of(found, size, [(folded(each.name),) for each in found])


def groups(store: Store, *, limit: int | None, cursor: str | None) -> Page[Group]:
    (after,) = decode_cursor(cursor, str) if cursor else ("",)
    size = read_limit(limit)
    with store.database.read() as facts:
        found = facts.memberships.groups(after=str(after), limit=_one_more(size))
    return page_of(found, size, [(each.name,) for each in found])


def _one_more(size: int | None) -> int | None:
    return None if size is None else size + 1
