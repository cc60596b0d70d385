"""Who sends a request: whose token it has, who is signed in in the browser, or anybody.

Clients send a token in any of four ways, and all of them before they are asked for one:
`/t/TOKEN/` in front of a path (conda, mamba, rattler), HTTP Basic with the token as password or as
user, a Bearer token, or `X-API-Key` (quetz's clients).
"""

import asyncio
import base64
import binascii
import hmac
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from time import monotonic
from typing import TypeVar

from condarium.access.identities import PREFIX, BadToken, actor_of_token
from condarium.errors import BadInput, Refused, StoreUnusable
from condarium.model.access.principals import Principal, PrincipalKind
from condarium.model.actor import NOBODY_IN_PARTICULAR, Actor
from condarium.model.secret import Secret
from condarium.server.content.cache import Cache
from condarium.server.doors.origins import address_of, is_https
from condarium.server.doors.sessions import Cookie, Sessions, session_cookie
from condarium.server.responses import Scope
from condarium.settings import ServerSettings
from condarium.settings.sign_in import SignInSettings
from condarium.storage.access.sign_ins import Session
from condarium.storage.store import Store

ANYBODY = NOBODY_IN_PARTICULAR
ADMINISTRATOR = Actor(
    name="administrator",
    principal=Principal(kind=PrincipalKind.STORE_OWNER, name="administrator"),
)
"""Whoever has the operator's token."""
_PREFIX = PREFIX.encode()
_AT_ONCE = 4
"""How many requests wait for the database to say who sends them."""
_KNOWN = 4096
"""How many tokens and sessions are known at once."""
_FRESH = 1
"""For how many seconds: as late as that it may be noticed that one has expired."""

_TOKEN, _COOKIE = "token", "cookie"

Key = tuple[str, bytes]
"""What a request is known by: a token's secret, or what the cookie of a session holds."""
_R = TypeVar("_R")


class NotSignedIn(Refused):
    """The request has no token, or not the right one."""

    def __init__(self, *, given: bool) -> None:
        self.given = given
        super().__init__(
            "the token is not one of this server's" if given else "this needs a token",
            hint="Send it as `Authorization: Bearer TOKEN`, as the password of HTTP Basic, as "
            "X-API-Key, or as /t/TOKEN in front of the path.",
        )


class BadTokenFile(BadInput):
    """The administrator's token cannot be used."""

    def __init__(self, source: object, found: str) -> None:
        self.source, self.found = source, found
        super().__init__(
            f"{source}: found {found}; expected a token of at least 16 characters, without spaces",
            hint="Give one such as `openssl rand -hex 32` makes, or none at all.",
        )


def split_token(path: str) -> tuple[str, str | None]:
    """Take `/t/TOKEN` off a path."""
    if not path.startswith("/t/"):
        return path, None
    token, slash, rest = path[3:].partition("/")
    if not token:
        return path, None
    return f"{slash}{rest}" or "/", token


class Gate:
    """Knows by what a request carries who sends it.

    What it has looked up it knows until something is committed, so that whoever is revoked is
    turned away at once; where the database cannot tell that, each request asks it.
    """

    def __init__(
        self,
        store: Store,
        settings: SignInSettings,
        *,
        operator: Secret | None,
        public_url: str | None = None,
    ) -> None:
        self._store, self.settings, self._public_url = store, settings, public_url
        self._operator = operator.reveal().encode() if operator else None
        self.sessions = Sessions(store, settings)
        self._known: Cache[_Known] = Cache(_KNOWN)
        self._pool = ThreadPoolExecutor(_AT_ONCE, "identity")

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def caller(self, scope: Scope, headers: dict[bytes, bytes], in_path: str | None) -> "Caller":
        """Who sends a request with these headers, whose names are in lower case."""
        return Caller(self, scope, headers, in_path)

    def is_https(self, scope: Scope, headers: dict[bytes, bytes]) -> bool:
        return is_https(scope, headers, self.settings.trusted_proxies, self._public_url)

    async def run(self, work: Callable[[], _R]) -> _R:
        """Do what may wait for the database, in one of a few threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def recall(self, key: "Key") -> "Who | None":
        """What was found out lately, and still holds."""
        known = self._known.get(key)
        if known is None or known.until < monotonic():
            return None
        return known.who if known.version == self._store.database.version() else None

    def is_operator(self, token: bytes) -> bool:
        return self._operator is not None and hmac.compare_digest(token, self._operator)

    def look_up(self, key: "Key") -> "Who | None":
        """Ask the database whose token or whose session's cookie it is; None if nobody's."""
        version = self._store.database.version()
        kind, value = key
        who = self._of_token(value) if kind == _TOKEN else self._of_cookie(value)
        if version is not None and who is not None:
            self._known.keep(key, _Known(version, monotonic() + _FRESH, who))
        return who

    def _of_token(self, token: bytes) -> "Who | None":
        if not token.startswith(_PREFIX):
            return None
        try:
            actor = actor_of_token(self._store, token.decode(errors="surrogateescape"))
        except BadToken:
            return None
        return Who(actor)

    def _of_cookie(self, value: bytes) -> "Who | None":
        found = self.sessions.find(value.decode(errors="surrogateescape"))
        return Who(found[1], found[0]) if found else None


@dataclass(frozen=True)
class Who:
    """An actor, and the session that it is known by."""

    actor: Actor
    session: Session | None = None


@dataclass(frozen=True)
class _Known:
    version: int
    until: float
    who: Who


class Caller:
    """Whoever sends one request: found out when somebody asks, and not before."""

    def __init__(
        self, gate: Gate, scope: Scope, headers: dict[bytes, bytes], in_path: str | None
    ) -> None:
        self._gate, self._scope, self._headers, self._in_path = gate, scope, headers, in_path

    @cached_property
    def address(self) -> str | None:
        return address_of(self._scope, self._headers, self._gate.settings.trusted_proxies)

    @cached_property
    def cookie(self) -> Cookie:
        return session_cookie(https=self._gate.is_https(self._scope, self._headers))

    @cached_property
    def _tokens(self) -> list[bytes]:
        return list(_sent(self._headers, self._in_path))

    @cached_property
    def _keys(self) -> list["Key"]:
        """What the request is known by: its tokens, or else the cookie of a session."""
        if self._tokens:
            return [(_TOKEN, token) for token in self._tokens]
        value = self.cookie.value(self._headers) if b"cookie" in self._headers else None
        return [(_COOKIE, value.encode())] if value else []

    def known(self) -> Actor | None:
        """Who it is, if that takes microseconds to say. Raises NotSignedIn."""
        found = self._recalled()
        return self._from_here(found) if found else None

    def __call__(self) -> Actor:
        """Who it is; it may wait for the database. Raises NotSignedIn."""
        return self._from_here(self.who())

    async def found(self) -> Actor:
        """Who it is, without holding others up. Raises NotSignedIn."""
        known = self.known()
        return known if known is not None else await self._gate.run(self)

    def who(self) -> Who:
        """Who it is, and by which session. Raises NotSignedIn where a token is nobody's."""
        if known := self._recalled():
            return known
        for key in self._keys:
            if found := self._gate.look_up(key):
                return found
        if self._tokens:
            raise NotSignedIn(given=True)
        return _ANYBODY  # a session that has ended is none

    @property
    def has_cookie(self) -> bool:
        """Whether it is known by what a browser sends by itself, whichever page told it to."""
        return bool(self._keys) and not self._tokens

    def _recalled(self) -> Who | None:
        if not self._keys:
            return _ANYBODY
        if any(self._gate.is_operator(token) for token in self._tokens):
            return _OPERATOR
        found = map(self._gate.recall, self._keys)
        return next(filter(None, found), None)

    def _from_here(self, who: Who) -> Actor:
        self._scope["principal"] = who.actor.who.id or who.actor.name  # for the log
        return replace(who.actor, address=self.address)


_ANYBODY, _OPERATOR = Who(ANYBODY), Who(ADMINISTRATOR)


def _sent(headers: dict[bytes, bytes], in_path: str | None) -> Iterator[bytes]:
    if in_path:
        yield in_path.encode(errors="surrogateescape")
    if key := headers.get(b"x-api-key"):
        yield key
    scheme, _, value = headers.get(b"authorization", b"").strip().partition(b" ")
    match scheme.lower():
        case b"bearer":
            yield value.strip()
        case b"basic":
            user, _, password = _decoded(value).partition(b":")
            yield from filter(None, (password, user))


def _decoded(value: bytes) -> bytes:
    try:
        return base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b"?"  # no token at all is something else than one that cannot be read


def operator_token(settings: ServerSettings) -> Secret | None:
    """The token that CONDARIUM_ADMIN_TOKEN or its file gives an operator, if any.

    Raises BadTokenFile, StoreUnusable.
    """
    if settings.admin_token:
        return _checked(settings.admin_token.reveal(), "CONDARIUM_ADMIN_TOKEN")
    file = settings.admin_token_file
    if file is None:
        return None
    try:
        return _checked(file.read_text().strip(), file)
    except UnicodeDecodeError as error:
        raise BadTokenFile(file, "bytes that are no text") from error
    except OSError as error:
        raise StoreUnusable(file, error.strerror or str(error)) from error


def _checked(token: str, source: object) -> Secret:
    if len(token) < 16 or any(each.isspace() for each in token):
        raise BadTokenFile(source, "an empty one" if not token else "another one")
    return Secret(token)
