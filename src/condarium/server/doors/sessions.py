"""Sessions of browsers: the cookie that holds one, and how long it is good for."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from condarium.access.identities import PrincipalDisabled, digest_of, load_actor
from condarium.model.actor import Actor
from condarium.settings.sign_in import SignInSettings
from condarium.storage.access.principals import NoSuchPrincipal
from condarium.storage.access.sign_ins import Session
from condarium.storage.store import Store

Header = tuple[bytes, bytes]

_NAME = "condarium-session"
_RARELY = 24
"""A session is prolonged when so much of its idle time is over: not with every request."""


@dataclass(frozen=True, kw_only=True)
class Cookie:
    """A cookie of ours; over TLS its name keeps other hosts of the domain from setting it."""

    name: str
    https: bool

    @property
    def full_name(self) -> str:
        return f"__Host-{self.name}" if self.https else self.name

    def value(self, headers: Mapping[bytes, bytes]) -> str | None:
        for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
            name, _, value = part.strip().partition("=")
            if name == self.full_name and value:
                return value
        return None

    def set(self, value: str, *, lasting: timedelta) -> Header:
        attributes = f"Path=/; Max-Age={int(lasting.total_seconds())}; HttpOnly; SameSite=Lax"
        secure = "; Secure" if self.https else ""
        return b"set-cookie", f"{self.full_name}={value}; {attributes}{secure}".encode()

    def cleared(self) -> Header:
        return self.set("", lasting=timedelta())


def session_cookie(*, https: bool) -> Cookie:
    return Cookie(name=_NAME, https=https)


class Sessions:
    def __init__(self, store: Store, settings: SignInSettings) -> None:
        self._store, self._settings = store, settings

    def begin(self, actor: Actor, *, how: str, instead_of: str | None = None) -> str:
        """Sign somebody in, and give what the cookie holds; a session before this one ends."""
        value, now = secrets.token_urlsafe(32), self._store.now()
        assert actor.who.id is not None
        session = Session(
            digest=digest_of(value),
            principal=actor.who.id,
            created_at=now,
            expires_at=self._until(now, now),
        )
        with self._store.database.change(
            actor, "sign-in", f"user {actor.name}", {"with": how}
        ) as facts:
            if instead_of:
                facts.sign_ins.end(digest_of(instead_of))
            facts.sign_ins.begin(session, address=actor.address)
        return value

    @property
    def lasting(self) -> timedelta:
        return self._settings.whole

    def find(self, value: str) -> tuple[Session, Actor] | None:
        """The session of a cookie, and who is signed in; None where it has ended."""
        now = self._store.now()
        with self._store.database.read() as facts:
            session = facts.sign_ins.session(digest_of(value), at=now)
            if session is None:
                return None
            try:
                actor = load_actor(facts, session.principal)
            except (NoSuchPrincipal, PrincipalDisabled):
                return None
        until = self._until(session.created_at, now)
        if until - session.expires_at > self._settings.idle / _RARELY:
            with self._store.database.note() as facts:
                facts.sign_ins.prolong(session.digest, until)
        return session, actor

    def end(self, session: Session, actor: Actor) -> None:
        with self._store.database.change(actor, "sign-out", f"user {actor.name}") as facts:
            facts.sign_ins.end(session.digest)

    def _until(self, begun: datetime, now: datetime) -> datetime:
        return min(begun + self._settings.whole, now + self._settings.idle)
