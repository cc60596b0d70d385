"""The keys that sessions and downloads are signed with: one signs, those before still verify."""

from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes, token_hex

from sqlalchemy import Connection, select

from condarium.storage.tables import signing_keys

_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    id: str
    secret: bytes
    created_at: datetime
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return f"SigningKey({self.id!r})"


class SigningKeys:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ensure(self, *, at: datetime) -> SigningKey:
        """The key that signs, made where there is none: in a unit of work that changes facts."""
        return next(iter(self.valid(at=at)), None) or self._add(at)

    def valid(self, *, at: datetime) -> list[SigningKey]:
        """The keys whose signatures are believed, the one that signs first."""
        fresh = signing_keys.c.expires_at.is_(None) | (signing_keys.c.expires_at > at)
        query = select(signing_keys).where(fresh)
        order = (signing_keys.c.expires_at.is_not(None), signing_keys.c.created_at.desc())
        rows = self._connection.execute(query.order_by(*order))
        return [SigningKey(**row._mapping) for row in rows]

    def rotate(self, *, at: datetime, until: datetime) -> SigningKey:
        """Sign with a new key from now on; what older ones signed is believed until an instant."""
        self._connection.execute(
            signing_keys.update()
            .where(signing_keys.c.expires_at.is_(None) | (signing_keys.c.expires_at > until))
            .values(expires_at=until)
        )
        return self._add(at)

    def drop_expired(self, *, at: datetime) -> int:
        """Forget the keys whose signatures nobody believes any more, and give how many."""
        expired = signing_keys.delete().where(signing_keys.c.expires_at <= at)
        return self._connection.execute(expired).rowcount

    def _add(self, at: datetime) -> SigningKey:
        key = SigningKey(id=token_hex(8), secret=token_bytes(_BYTES), created_at=at)
        self._connection.execute(signing_keys.insert().values(vars(key)))
        return key
