"""Requests that may come twice: whoever sends one again is given the answer that it had.

A client that lost its connection cannot know whether its request was heard. It sends it again with
the same `Idempotency-Key`: what changed something is not done twice, which is noted with the change
itself. An answer is kept for a day; what was refused or failed changed nothing, and is tried again.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from condarium.engine.hashing import file_sha256
from condarium.errors import BadInput, Conflict
from condarium.model.actor import Actor, RequestClaim
from condarium.model.document import Document
from condarium.model.plain import to_plain
from condarium.model.upload import Upload
from condarium.server.responses import Response
from condarium.storage.facts import Facts
from condarium.storage.idempotency import KeptAnswer
from condarium.storage.store import Store

_LONGEST = 255
_PATIENCE = 5
"""For how many seconds a request waits for the same one that is being answered."""
_OFTEN = 0.1
AGAIN = (b"idempotency-replayed", b"true")


class BadIdempotencyKey(BadInput):
    """The Idempotency-Key is not one."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"Idempotency-Key: found {found[:60]!r}; expected 1 to {_LONGEST} printable characters",
            hint="A new UUID for each thing that is to be done will do.",
        )


class IdempotencyKeyReused(BadInput):
    """The Idempotency-Key was sent with another request."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"the Idempotency-Key {key!r} was sent with another request before",
            hint="Send a new key with each thing that is to be done, and the same one only when "
            "the very same request is sent again.",
        )


class IdempotencyKeyInUse(Conflict):
    """The same request is being answered."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"the request with the Idempotency-Key {key!r} is still being answered",
            hint="Send it again in a while.",
        )


class ShownOnce(Conflict):
    """The answer had a secret, and was given before."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"the request with the Idempotency-Key {key!r} was answered with a secret, which is "
            "shown once",
            hint="If it was lost, revoke it, and ask for another one with a new key.",
        )


class AnswerLost(Conflict):
    """The request has changed something, and its answer is not there."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"the request with the Idempotency-Key {key!r} has changed what it was to change, and "
            "its answer is not there",
            hint="It may still come: send it again in a while. If it does not, look at what the "
            "request was to change.",
        )


@dataclass(frozen=True, kw_only=True)
class Once:
    """A request that is answered once; its digest tells it from others by the same key."""

    claim: RequestClaim
    request: str

    def answer(
        self,
        store: Store,
        make: Callable[[], Response],
        *,
        secret: bool,
        check: Callable[[], None],
    ) -> Response:
        """The answer that is kept, or a new one; of one with a secret only that it was given.

        `check` refuses whoever may not ask by now. What `make` changes is noted as this request's
        where its actor has the claim. Raises IdempotencyKeyReused, IdempotencyKeyInUse, AnswerLost,
        ShownOnce.
        """
        if kept := self.begin(store):
            assert kept.status is not None
            check()
            if kept.body is None:
                raise ShownOnce(self.claim.key)
            return Response.json(kept.body, status=kept.status).plus(AGAIN)
        try:
            made = make()
        except BaseException:
            self.forget(store)
            raise
        if made.status >= 400 or not isinstance(made.body, bytes):
            self.forget(store)
            return made
        body = None if secret else made.body
        with store.database.note() as facts:
            facts.idempotency.keep(self.claim, status=made.status, body=body)
        return made

    def begin(self, store: Store) -> KeptAnswer | None:
        """Wait for what is kept of the request; None where it is this one that is answered."""
        until = time.monotonic() + _PATIENCE
        while True:
            with store.database.note() as facts:
                kept = facts.idempotency.begin(self.claim, self.request)
            if kept and kept.request != self.request:
                raise IdempotencyKeyReused(self.claim.key)
            if kept is None or kept.answered:
                return kept
            if time.monotonic() > until:
                lost = AnswerLost if kept.changed else IdempotencyKeyInUse
                raise lost(self.claim.key)
            time.sleep(_OFTEN)

    def keep_job(self, facts: Facts, job: int) -> None:
        facts.idempotency.keep_job(self.claim, job)

    def forget(self, store: Store) -> None:
        with store.database.note() as facts:
            facts.idempotency.forget(self.claim)


def once(
    headers: Mapping[bytes, bytes],
    actor: Actor,
    operation: str,
    arguments: Mapping[str, Any],
    *,
    at: datetime,
) -> Once | None:
    """What a request's key makes of it; None without one. Raises BadIdempotencyKey.

    A key is one of the token with which it is sent: another one may be for less.
    """
    sent = headers.get(b"idempotency-key")
    if sent is None:
        return None
    key = sent.decode("latin-1").strip().strip('"')
    if not (0 < len(key) <= _LONGEST and key.isprintable()):
        raise BadIdempotencyKey(key)
    said = {name: _digestible(value) for name, value in arguments.items()}
    request = json.dumps([operation, said], sort_keys=True).encode()
    digest = hashlib.sha256(request).hexdigest()
    by = actor.token or actor.who.id or str(actor.who.kind)
    return Once(claim=RequestClaim(by=by, key=key, at=at), request=digest)


def _digestible(value: object) -> object:
    """A value in its plain form; a file by its name and its SHA-256."""
    match value:
        case tuple():
            return [_digestible(each) for each in value]
        case Document(name=name, content=content):
            return [name, hashlib.sha256(content).hexdigest()]
        case Upload(name=name, path=path):
            return [name, file_sha256(path)]
    return to_plain(value)
