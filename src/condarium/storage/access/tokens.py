"""Tokens: found by the SHA-256 of their secret, which is never kept."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from condarium.errors import NotFound
from condarium.model.access.accounts import Token
from condarium.model.access.permissions import Permission
from condarium.storage.tables import principals, tokens


class NoSuchToken(NotFound):
    """There is no token of this id."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"there is no token {found[:40]}",
            hint="`condarium token list` shows the ids of tokens.",
        )


class Tokens:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, token: Token, *, principal: str, digest: str) -> None:
        """Keep a token of the principal with this id; `digest` is the SHA-256 of its secret."""
        self._connection.execute(
            tokens.insert().values(
                id=token.id,
                principal_id=principal,
                name=token.name,
                digest=digest,
                permissions=_listed(token.permissions),
                namespaces=_listed(token.namespaces),
                channels=_listed(token.channels),
                resources=_listed(token.resources),
                created_at=token.created_at,
                created_by=token.created_by,
                expires_at=token.expires_at,
            )
        )

    def by_digest(self, digest: str) -> tuple[Token, str] | None:
        """The token with this digest, and its principal's id."""
        row = self._connection.execute(_tokens().where(tokens.c.digest == digest)).first()
        return (_token(row), row.principal_id) if row else None

    def get(self, identifier: str) -> tuple[Token, str]:
        """A token and its principal's id. Raises NoSuchToken."""
        row = self._connection.execute(_tokens().where(tokens.c.id == identifier)).first()
        if row is None:
            raise NoSuchToken(identifier)
        return _token(row), row.principal_id

    def all(
        self,
        *,
        principal: str | None = None,
        holding: datetime | None = None,
        after: str = "",
        limit: int | None = None,
    ) -> list[Token]:
        """Tokens by id, those behind the id `after`: of one principal, or of all.

        With `holding`, only those that can be used at that instant.
        """
        query = _tokens().where(tokens.c.id > after).order_by(tokens.c.id).limit(limit)
        if principal is not None:
            query = query.where(tokens.c.principal_id == principal)
        if holding is not None:
            fresh = tokens.c.expires_at.is_(None) | (tokens.c.expires_at > holding)
            query = query.where(tokens.c.revoked_at.is_(None), fresh)
        return [_token(row) for row in self._connection.execute(query)]

    def revoke(self, identifier: str, *, at: datetime, by: str) -> bool:
        """Revoke a token; False where it was revoked before."""
        return bool(self._revoke(tokens.c.id == identifier, at, by))

    def revoke_all(self, principal: str, *, at: datetime, by: str) -> int:
        """Revoke all tokens of a principal that are not revoked, and give how many."""
        return self._revoke(tokens.c.principal_id == principal, at, by)

    def use(self, identifier: str, *, at: datetime) -> None:
        """Note when a token was last used."""
        used = tokens.update().where(tokens.c.id == identifier).values(last_used_at=at)
        self._connection.execute(used)

    def _revoke(self, condition: Any, at: datetime, by: str) -> int:
        revoked = tokens.update().where(condition, tokens.c.revoked_at.is_(None))
        return self._connection.execute(revoked.values(revoked_at=at, revoked_by=by)).rowcount


def _tokens() -> Select[Any]:
    joined = principals.c.id == tokens.c.principal_id
    return select(tokens, principals.c.name.label("holder")).join(principals, joined)


def _listed(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else sorted(map(str, names))


def _token(row: Row[Any]) -> Token:
    permissions = row.permissions
    return Token(
        id=row.id,
        name=row.name,
        principal=row.holder,
        permissions=None if permissions is None else tuple(map(Permission, permissions)),
        namespaces=None if row.namespaces is None else tuple(row.namespaces),
        channels=None if row.channels is None else tuple(row.channels),
        resources=None if row.resources is None else tuple(row.resources),
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
    )
