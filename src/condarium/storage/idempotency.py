"""Answers to requests that may come twice, by who asked and with which key."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, and_, or_, select
from sqlalchemy.sql import ColumnElement

from condarium.errors import Conflict
from condarium.model.actor import RequestClaim
from condarium.storage.tables import idempotency_keys as keys
from condarium.storage.upsert import insert_if_new

KEPT = timedelta(hours=24)
"""For how long an answer is given again."""
ABANDONED = timedelta(minutes=15)
"""After so long whoever answered a request is gone, if there is no answer and nothing changed."""
_CHANGED = 102
"""Kept as the status from the first change on until the answer is there ("processing")."""


class RequestTakenOver(Conflict):
    """The request took so long that it was sent again, and is answered elsewhere."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"the request with the Idempotency-Key {key!r} was taken for lost, and begun anew",
            hint="Look at what that one does.",
        )


@dataclass(frozen=True, kw_only=True)
class KeptAnswer:
    """What is known of an earlier request: its digest, and its answer, or the job that it became.

    `status` and `job` are None until it has changed something; `body` also where it had a secret.
    """

    request: str
    status: int | None
    body: bytes | None
    job: int | None

    @property
    def answered(self) -> bool:
        return self.status not in (None, _CHANGED) or self.job is not None

    @property
    def changed(self) -> bool:
        """Whether it changed something, and has no answer: not yet, or never if that was lost."""
        return self.status == _CHANGED


class Idempotency:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, claim: RequestClaim, request: str) -> KeptAnswer | None:
        """Note that a request is being answered; None where it is this one that does so."""
        old = or_(
            keys.c.at < claim.at - KEPT,
            and_(keys.c.status.is_(None), keys.c.job.is_(None), keys.c.at < claim.at - ABANDONED),
        )
        self._connection.execute(keys.delete().where(old))
        row = {"principal": claim.by, "key": claim.key, "request": request, "at": claim.at}
        if insert_if_new(self._connection, keys, row):
            return None
        chosen = select(keys.c.request, keys.c.status, keys.c.body, keys.c.job)
        found = self._connection.execute(
            chosen.where(keys.c.principal == claim.by, keys.c.key == claim.key)
        ).one()
        return KeptAnswer(**found._asdict())

    def commit(self, claim: RequestClaim) -> None:
        """Note, with a change, that it is made. Raises RequestTakenOver."""
        self._set(claim, status=_CHANGED)

    def keep(self, claim: RequestClaim, *, status: int, body: bytes | None) -> None:
        self._set(claim, status=status, body=body)

    def keep_job(self, claim: RequestClaim, job: int) -> None:
        """Raises RequestTakenOver."""
        self._set(claim, job=job)

    def forget(self, claim: RequestClaim) -> None:
        """Let the request be tried again: nothing came of it."""
        self._connection.execute(keys.delete().where(_is(claim)))

    def _set(self, claim: RequestClaim, **values: object) -> None:
        done = self._connection.execute(keys.update().where(_is(claim)).values(values))
        if not done.rowcount:
            raise RequestTakenOver(claim.key)


def _is(claim: RequestClaim) -> ColumnElement[bool]:
    return and_(keys.c.principal == claim.by, keys.c.key == claim.key, keys.c.at == claim.at)
