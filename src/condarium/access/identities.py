"""Who a principal is, with all that it may do; and whom a token's secret belongs to."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from condarium.errors import CondariumError, Refused
from condarium.model.access.accounts import Account, Token
from condarium.model.access.principals import Principal, Scope
from condarium.model.actor import Actor, JobClaim
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.storage.facts import Facts

PREFIX = "condarium_"
"""What the secret of every token begins with, so that scanners of leaked secrets find it."""
_NOTED = timedelta(minutes=1)


class PrincipalDisabled(Refused):
    """The account is disabled."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"the account {name} is disabled",
            hint="Whoever administers this server can enable it.",
        )


class BadToken(Refused):
    """The token is not, or is no longer, one of this server's."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the token {reason}",
            hint="Make one with `condarium token create`, or sign in again: `condarium login`.",
        )


def load_actor(
    facts: "Facts",
    principal_id: str,
    *,
    scope: Scope = Scope(),  # noqa: B008 - a frozen value
    token: str | None = None,
    address: str | None = None,
    job: JobClaim | None = None,
) -> Actor:
    """Give a principal as an actor, with its groups and bindings as they are now.

    Raises NoSuchPrincipal, PrincipalDisabled.
    """
    from condarium.storage.access.principals import NoSuchPrincipal

    account = facts.principals.by_id(principal_id)
    if account is None:
        raise NoSuchPrincipal(principal_id)
    if account.disabled_at is not None:
        raise PrincipalDisabled(account.name)
    return Actor(
        name=account.name,
        principal=principal_of(facts, account, scope=scope),
        bindings=facts.bindings.of(account.id),
        token=token,
        address=address,
        job=job,
    )


def actor_of_ids(
    store: Store,
    principal: str,
    *,
    token: str | None,
    address: str | None,
    job: JobClaim | None = None,
) -> Actor:
    """Give who was known by these ids, with what that may do by now.

    Raises BadToken, PrincipalDisabled and NoSuchPrincipal.
    """
    with store.database.read() as facts:
        scope = Scope()
        if token is not None:
            known, _ = facts.tokens.get(token)
            _check(known, store.now())
            scope = known.scope()
        return load_actor(facts, principal, scope=scope, token=token, address=address, job=job)


def as_of_now(store: Store, actor: Actor) -> Actor:
    """Give an actor of a while ago anew, with what it may do by now; raises as `actor_of_ids`."""
    if actor.who.id is None:
        return actor
    return actor_of_ids(store, actor.who.id, token=actor.token, address=actor.address)


def principal_of(facts: "Facts", account: Account, *, scope: Scope) -> Principal:
    return Principal(
        kind=account.kind,
        id=account.id,
        name=account.name,
        groups=facts.memberships.group_ids(account.id),
        scope=scope,
    )


def digest_of(secret: str) -> str:
    """How a secret is kept: it has 256 random bits, so that a plain digest gives nothing away."""
    return sha256(secret.encode(errors="surrogateescape")).hexdigest()


def actor_of_token(store: Store, secret: str, *, address: str | None = None) -> Actor:
    """Give whom a token belongs to, and note that it was used.

    Raises BadToken where it is unknown, expired or revoked, or its principal is disabled.
    """
    with store.database.read() as facts:
        found = facts.tokens.by_digest(digest_of(secret))
        if found is None:
            raise BadToken("is not known here")
        token, principal = found
        _check(token, store.now())
        try:
            actor = load_actor(
                facts, principal, scope=token.scope(), token=token.id, address=address
            )
        except PrincipalDisabled as error:
            raise BadToken(f"is of a disabled account, {error.name}") from error
    _uses(store).note(token)
    return actor


def _check(token: Token, now: datetime) -> None:
    if token.revoked_at is not None:
        raise BadToken("was revoked")
    if not token.holds(now):
        raise BadToken("has expired")


class _Uses:
    """Notes when tokens were used, beside the requests that use them: no request waits for it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._latest: dict[str, datetime] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="token-use")

    def note(self, token: Token) -> None:
        now = self._store.now()
        latest = self._latest.get(token.id) or token.last_used_at
        if latest is None or now - latest >= _NOTED:
            lately = {each: at for each, at in list(self._latest.items()) if now - at < _NOTED}
            self._latest = {**lately, token.id: now}
            with suppress(RuntimeError):  # the store is being closed
                self._thread.submit(self._write, token.id, now)

    def _write(self, token: str, at: datetime) -> None:
        with suppress(CondariumError), self._store.database.note() as facts:
            facts.tokens.use(token, at=at)

    def close(self) -> None:
        _USES.pop(self._store, None)
        self._thread.shutdown()


_USES: dict[Store, _Uses] = {}
"""By store, until it is closed."""


def _uses(store: Store) -> _Uses:
    found = _USES.get(store)
    if found is None:
        found = _USES.setdefault(store, _Uses(store))
        store.closing.callback(found.close)
    return found
