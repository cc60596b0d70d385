"""Groups, and who is in them: put there here, or by what an OIDC provider says at a sign-in."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.exc import IntegrityError

from condarium.errors import NotFound
from condarium.model.access.accounts import Group, Membership
from condarium.storage.access.principals import NameTaken
from condarium.storage.tables import groups, memberships, principals
from condarium.storage.upsert import insert_new

LOCAL = "local"
"""The source of a membership that nobody's claims speak of."""


class NoSuchGroup(NotFound):
    """There is no group of this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"there is no group {name}",
            hint="`condarium group list` shows those there are; `condarium group create` makes "
            "one.",
        )


class Memberships:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_group(self, name: str, *, at: datetime, by: str) -> Group:
        """Raises NameTaken."""
        values = {"id": uuid4().hex, "name": name, "created_at": at, "created_by": by}
        alike = select(groups.c.id).where(func.lower(groups.c.name) == name.lower())
        if self._connection.scalar(alike) is not None:
            raise NameTaken(name)
        try:
            self._connection.execute(groups.insert().values(values))
        except IntegrityError as error:
            raise NameTaken(name) from error
        return Group(**values, members=0)  # type: ignore[arg-type]  # of mixed types, each right

    def group(self, name: str) -> Group:
        """Raises NoSuchGroup."""
        row = self._connection.execute(_groups().where(groups.c.name == name)).first()
        if row is None:
            raise NoSuchGroup(name)
        return Group(**row._mapping)

    def groups(self, *, after: str = "", limit: int | None = None) -> list[Group]:
        """Groups by name, those behind the name `after`."""
        query = _groups().where(groups.c.name > after).order_by(groups.c.name).limit(limit)
        return [Group(**row._mapping) for row in self._connection.execute(query)]

    def remove_group(self, identifier: str) -> None:
        """Remove a group with its memberships and bindings."""
        self._connection.execute(groups.delete().where(groups.c.id == identifier))

    def join(self, group: str, principal: str) -> None:
        """Put an account into a group, by their ids."""
        row = {"group_id": group, "principal_id": principal, "source": LOCAL}
        insert_new(self._connection, memberships, [row])

    def leave(self, group: str, principal: str) -> None:
        """Take an account out of a group, whoever put it there."""
        self._connection.execute(
            memberships.delete().where(
                memberships.c.group_id == group, memberships.c.principal_id == principal
            )
        )

    def set_claimed(
        self, principal: str, names: Collection[str], *, source: str
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Have an account be, by this source, in those groups of these names that there are.

        Give the names of the groups that it was put into by that, and of those it was taken out of.
        """
        by_source = (memberships.c.principal_id == principal) & (memberships.c.source == source)
        joined = groups.join(memberships, groups.c.id == memberships.c.group_id)
        before = self._ids(select(groups.c.name, groups.c.id).select_from(joined).where(by_source))
        wanted = self._ids(select(groups.c.name, groups.c.id).where(groups.c.name.in_(names)))
        new, old = wanted.keys() - before.keys(), before.keys() - wanted.keys()
        gone = memberships.c.group_id.in_([before[each] for each in old])
        self._connection.execute(memberships.delete().where(by_source, gone))
        rows = [
            {"group_id": wanted[each], "principal_id": principal, "source": source} for each in new
        ]
        insert_new(self._connection, memberships, rows)
        return frozenset(new), frozenset(old)

    def _ids(self, chosen: Select[Any]) -> dict[str, str]:
        """Groups by name."""
        return {row.name: row.id for row in self._connection.execute(chosen)}

    def of_group(self, identifier: str) -> list[Membership]:
        """The members of a group, by name."""
        return self._memberships(memberships.c.group_id == identifier)

    def of_principal(self, identifier: str) -> list[Membership]:
        """The groups that an account is in, by name."""
        return self._memberships(memberships.c.principal_id == identifier)

    def group_ids(self, principal: str) -> frozenset[str]:
        chosen = select(memberships.c.group_id).where(memberships.c.principal_id == principal)
        return frozenset(self._connection.scalars(chosen))

    def _memberships(self, condition: Any) -> list[Membership]:
        query = (
            select(groups.c.name, principals.c.name.label("member"), memberships.c.source)
            .join(groups, groups.c.id == memberships.c.group_id)
            .join(principals, principals.c.id == memberships.c.principal_id)
            .where(condition)
            .order_by(groups.c.name, principals.c.name, memberships.c.source)
        )
        return [
            Membership(group=row.name, member=row.member, source=row.source)
            for row in self._connection.execute(query)
        ]


def _groups() -> Select[Any]:
    members = (
        select(func.count(memberships.c.principal_id.distinct()))
        .where(memberships.c.group_id == groups.c.id)
        .scalar_subquery()
    )
    return select(groups, members.label("members"))
