"""Answers to requests that may come twice, by who asked and with which key."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, or_, select
from sqlalchemy.sql import ColumnElement

from condarium.storage.tables import idempotency_keys as keys
from condarium.storage.upsert import insert_if_new

KEPT = timedelta(hours=24)
"""For how long an answer is given again."""
ABANDONED = timedelta(minutes=15)
"""After so long whoever answered a request is gone, if there is no answer."""


@dataclass(frozen=True, kw_only=True)
class KeptAnswer:
    """What is known of an earlier request: its digest, and its answer, or the job that it became.

    `status` and `job` are None while it is being answered; `body` also where it had a secret.
    """

    request: str
    status: int | None
    body: bytes | None
    job: int | None

    @property
    def answered(self) -> bool:
        return self.status is not None or self.job is not None


class Idempotency:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, principal: str, key: str, request: str, *, at: datetime) -> KeptAnswer | None:
        """Note that a request is being answered; None where it is this one that does so."""
        old = or_(
            keys.c.at < at - KEPT,
            and_(keys.c.status.is_(None), keys.c.job.is_(None), keys.c.at < at - ABANDONED),
        )
        self._connection.execute(keys.delete().where(old))
        row = {"principal": principal, "key": key, "request": request, "at": at}
        if insert_if_new(self._connection, keys, row):
            return None
        chosen = select(keys.c.request, keys.c.status, keys.c.body, keys.c.job)
        found = self._connection.execute(chosen.where(_is(principal, key))).one()
        return KeptAnswer(**found._asdict())

    def keep(self, principal: str, key: str, *, status: int, body: bytes | None) -> None:
        self._set(principal, key, status=status, body=body)

    def keep_job(self, principal: str, key: str, job: int) -> None:
        self._set(principal, key, job=job)

    def forget(self, principal: str, key: str) -> None:
        """Let the request be tried again: nothing came of it."""
        self._connection.execute(keys.delete().where(_is(principal, key)))

    def _set(self, principal: str, key: str, **values: object) -> None:
        self._connection.execute(keys.update().where(_is(principal, key)).values(values))


def _is(principal: str, key: str) -> ColumnElement[bool]:
    return and_(keys.c.principal == principal, keys.c.key == key)
