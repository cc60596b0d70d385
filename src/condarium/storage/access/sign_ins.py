"""Sessions of browsers, secrets that are good for one use, and sign-ins that failed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, select, update

from condarium.storage.tables import failed_sign_ins, one_time_secrets, sessions
from condarium.storage.upsert import insert_new


@dataclass(frozen=True, kw_only=True)
class Session:
    """A browser in which somebody is signed in, by the SHA-256 of what its cookie holds."""

    digest: str
    principal: str
    created_at: datetime
    expires_at: datetime


class SignIns:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, session: Session, *, address: str | None) -> None:
        """Add a session, and forget those that have ended."""
        ended = sessions.c.expires_at <= session.created_at
        self._connection.execute(delete(sessions).where(ended))
        self._connection.execute(
            sessions.insert().values(
                digest=session.digest,
                principal_id=session.principal,
                created_at=session.created_at,
                expires_at=session.expires_at,
                address=address,
            )
        )

    def session(self, digest: str, *, at: datetime) -> Session | None:
        """A session that has not ended."""
        chosen = select(sessions).where(sessions.c.digest == digest, sessions.c.expires_at > at)
        row = self._connection.execute(chosen).first()
        if row is None:
            return None
        return Session(
            digest=row.digest,
            principal=row.principal_id,
            created_at=row.created_at,
            expires_at=row.expires_at,
        )

    def prolong(self, digest: str, until: datetime) -> None:
        chosen = update(sessions).where(sessions.c.digest == digest)
        self._connection.execute(chosen.values(expires_at=until))

    def end(self, digest: str) -> None:
        self._connection.execute(delete(sessions).where(sessions.c.digest == digest))

    def add_secret(
        self, digest: str, purpose: str, *, created_at: datetime, expires_at: datetime
    ) -> None:
        """Add a secret for one use, and forget those that were not used in time."""
        late = one_time_secrets.c.expires_at <= created_at
        self._connection.execute(delete(one_time_secrets).where(late))
        self._connection.execute(
            one_time_secrets.insert().values(
                digest=digest, purpose=purpose, created_at=created_at, expires_at=expires_at
            )
        )

    def has_secret(self, digest: str, purpose: str, *, at: datetime) -> bool:
        chosen = select(one_time_secrets.c.digest).where(*_good(digest, purpose, at))
        return self._connection.execute(chosen).first() is not None

    def use_secret(self, digest: str, purpose: str, *, at: datetime) -> bool:
        """Use a secret up, and all others for this purpose with it; False where there is none."""
        used = delete(one_time_secrets).where(*_good(digest, purpose, at))
        if not self._connection.execute(used).rowcount:
            return False
        others = delete(one_time_secrets).where(one_time_secrets.c.purpose == purpose)
        self._connection.execute(others)
        return True

    def failures(self, key: str, *, at: datetime) -> tuple[int, datetime]:
        """How often signing in failed under a key, and when last; nobody else counts meanwhile."""
        table = failed_sign_ins.c
        insert_new(self._connection, failed_sign_ins, [{"key": key, "count": 0, "last_at": at}])
        chosen = select(table.count, table.last_at).where(table.key == key).with_for_update()
        count, last_at = self._connection.execute(chosen).one()
        return count, last_at

    def count_failure(self, key: str, count: int, *, at: datetime) -> None:
        """Set how often signing in failed under a key."""
        chosen = update(failed_sign_ins).where(failed_sign_ins.c.key == key)
        self._connection.execute(chosen.values(count=count, last_at=at))

    def forget_failures(self, *, before: datetime) -> None:
        self._connection.execute(delete(failed_sign_ins).where(failed_sign_ins.c.last_at < before))

    def know(self, key: str, *, until: datetime) -> None:
        """Note what tells somebody from strangers: a line of no failures, dated ahead."""
        insert_new(self._connection, failed_sign_ins, [{"key": key, "count": 0, "last_at": until}])
        self.count_failure(key, 0, at=until)

    def knows(self, key: str, *, at: datetime) -> bool:
        table = failed_sign_ins.c
        chosen = select(table.key).where(table.key == key, table.last_at > at)
        return self._connection.execute(chosen).first() is not None

    def forgive(self, key: str, count: int | None = None) -> None:
        """Take back so many failures, or all."""
        table = failed_sign_ins.c
        if count is None:
            self._connection.execute(delete(failed_sign_ins).where(table.key == key))
            return
        chosen = update(failed_sign_ins).where(table.key == key, table.count >= count)
        self._connection.execute(chosen.values(count=table.count - count))


def _good(digest: str, purpose: str, at: datetime) -> tuple[ColumnElement[bool], ...]:
    table = one_time_secrets.c
    return table.digest == digest, table.purpose == purpose, table.expires_at > at
