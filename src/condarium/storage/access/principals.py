"""Users and service accounts: by an id that never changes, under a name that may."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import IntegrityError

from condarium.errors import Conflict, NotFound
from condarium.model.access.accounts import Account
from condarium.model.access.names import folded
from condarium.model.access.permissions import Role
from condarium.model.access.principals import PrincipalKind
from condarium.storage.tables import bindings, memberships, principals, sessions


class NoSuchPrincipal(NotFound):
    """There is no user or service account of this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"there is no user or service account {name}",
            hint="`condarium user list` and `condarium service-account list` show them.",
        )


class NameTaken(Conflict):
    """A user, a service account or a group has this name, or one that reads like it."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name!r} is taken: somebody has that name, or one that reads like it",
            hint="Names that differ only in case, or in 0 and o, or in 1, l and i, are alike.",
        )


class Principals:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        kind: PrincipalKind,
        name: str,
        *,
        at: datetime,
        by: str,
        display_name: str = "",
        password: str | None = None,
        issuer: str | None = None,
        subject: str | None = None,
    ) -> Account:
        """Make an account; `password` is a hash. Raises NameTaken."""
        if self._folded(name) is not None:
            raise NameTaken(name)
        account = Account(
            id=uuid4().hex,
            kind=kind,
            name=name,
            display_name=display_name,
            issuer=issuer,
            created_at=at,
            created_by=by,
        )
        values = {**vars(account), "folded": folded(name), "password": password, "subject": subject}
        try:
            self._connection.execute(principals.insert().values(values))
        except IntegrityError as error:  # somebody else was quicker
            raise NameTaken(name) from error
        return account

    def find(self, name: str) -> Account | None:
        """The account of a name, in whatever case it is written; never one that is only alike."""
        found = self._folded(name)
        return found if found and found.name.lower() == name.lower() else None

    def is_taken(self, name: str) -> bool:
        """Whether somebody has this name, or one that reads like it."""
        return self._folded(name) is not None

    def get(self, name: str) -> Account:
        """Raises NoSuchPrincipal."""
        found = self.find(name)
        if found is None:
            raise NoSuchPrincipal(name)
        return found

    def by_id(self, identifier: str) -> Account | None:
        return self._one(principals.c.id == identifier)

    def by_subject(self, issuer: str, subject: str) -> Account | None:
        """The account of somebody whom an OIDC provider knows."""
        return self._one((principals.c.issuer == issuer) & (principals.c.subject == subject))

    def all(
        self, *, kind: PrincipalKind | None = None, after: str = "", limit: int | None = None
    ) -> list[Account]:
        """Accounts by name as it is compared, those behind the folded name `after`."""
        query = select(principals).where(principals.c.folded > after).order_by(principals.c.folded)
        if kind is not None:
            query = query.where(principals.c.kind == kind)
        return [_account(row) for row in self._connection.execute(query.limit(limit))]

    def count(self) -> int:
        return self._connection.scalar(select(func.count()).select_from(principals)) or 0

    def password(self, identifier: str) -> str | None:
        """The hash of a password; None where there is none to sign in with."""
        found: str | None = self._connection.scalar(
            select(principals.c.password).where(principals.c.id == identifier)
        )
        return found

    def set_password(self, identifier: str, password: str | None) -> None:
        self._set(identifier, password=password)

    def rename(self, identifier: str, name: str) -> None:
        """Raises NameTaken."""
        other = self._folded(name)
        if other is not None and other.id != identifier:
            raise NameTaken(name)
        try:
            self._set(identifier, name=name, folded=folded(name))
        except IntegrityError as error:
            raise NameTaken(name) from error

    def disable(self, identifier: str, *, at: datetime | None) -> None:
        """Note an account as disabled since an instant, or as enabled (None)."""
        self._set(identifier, disabled_at=at)
        if at is not None:
            self.end_sessions(identifier)

    def end_sessions(self, identifier: str) -> int:
        """Sign an account out everywhere, and give from how many browsers."""
        ended = sessions.delete().where(sessions.c.principal_id == identifier)
        return self._connection.execute(ended).rowcount

    def administrators(self, *, lock: bool = False) -> frozenset[str]:
        """The ids of enabled accounts that are administrators, by themselves or through a group.

        With `lock`, nobody else ends that until this unit of work does.
        """
        held = bindings.c.role == Role.ADMINISTRATOR
        if lock:
            self._connection.execute(select(bindings.c.id).where(held).with_for_update()).all()
        direct = select(bindings.c.principal_id).where(held, bindings.c.principal_id.is_not(None))
        through = (
            select(memberships.c.principal_id)
            .join(bindings, bindings.c.group_id == memberships.c.group_id)
            .where(held)
        )
        enabled = select(principals.c.id).where(
            principals.c.disabled_at.is_(None),
            principals.c.id.in_(direct) | principals.c.id.in_(through),
        )
        return frozenset(self._connection.scalars(enabled))

    def _set(self, identifier: str, **values: Any) -> None:
        self._connection.execute(
            update(principals).where(principals.c.id == identifier).values(**values)
        )

    def _folded(self, name: str) -> Account | None:
        return self._one(principals.c.folded == folded(name))

    def _one(self, condition: Any) -> Account | None:
        row = self._connection.execute(select(principals).where(condition)).first()
        return _account(row) if row else None


def _account(row: Any) -> Account:
    return Account(
        id=row.id,
        kind=PrincipalKind(row.kind),
        name=row.name,
        display_name=row.display_name,
        issuer=row.issuer,
        created_at=row.created_at,
        created_by=row.created_by,
        disabled_at=row.disabled_at,
    )
