"""Signing in at an OpenID provider: the authorization code flow with PKCE (RFC 7636).

What has to be the same when the browser comes back (state, nonce, verifier) is in a signed cookie,
so that any of the server's processes may be asked next.
"""

import asyncio
import base64
import hmac
import logging
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlencode

import msgspec

from condarium.access.provider_accounts import Claims, actor_of_claims
from condarium.errors import CondariumError, Refused
from condarium.model.actor import Actor
from condarium.server.content.pages import asked_of
from condarium.server.doors.asked import Request
from condarium.server.doors.credentials import Gate
from condarium.server.doors.id_tokens import BadIdToken, UnknownKey, read_id_token
from condarium.server.doors.sessions import Cookie
from condarium.server.doors.sign_in import SignInPages
from condarium.server.doors.signing import Signer
from condarium.server.responses import Response
from condarium.settings.sign_in import OidcSettings
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.engine.network.oidc import Provider, Tokens

_AWAY = timedelta(minutes=10)
"""How long somebody may take at the provider."""
_COOKIE = "condarium-provider"
_AT_ONCE = 4
"""How many requests wait for the provider at once."""
_MOST_GROUPS = 500
_LONGEST = 255

_R = TypeVar("_R")

_log = logging.getLogger(__name__)


class NotBegunHere(Refused):
    """The browser comes back from a sign-in that it did not begin here, or not lately."""

    def __init__(self) -> None:
        super().__init__(
            "this sign-in was not begun here, or took too long", hint="Begin again below."
        )


class TurnedAway(Refused):
    """The provider did not sign them in, or in none of the groups that may."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason, hint="Ask whoever administers this server or the provider.")


@dataclass(frozen=True, kw_only=True)
class _Leaving:
    """What a browser takes along to the provider, in a cookie."""

    state: str
    nonce: str
    verifier: str
    until: float


class ProviderPages:
    def __init__(
        self,
        store: Store,
        gate: Gate,
        signer: Signer,
        settings: OidcSettings,
        pages: SignInPages,
        public_url: str | None,
    ) -> None:
        self._store, self._gate, self._signer = store, gate, signer
        self._settings, self._pages, self._public_url = settings, pages, public_url
        self._pool = ThreadPoolExecutor(_AT_ONCE, "provider")

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        if provider := vars(self).get("_provider"):
            provider.close()

    async def leave(self, request: Request) -> Response:
        """Send the browser to the provider."""
        return await self._or_problem(request, self._leave)

    async def come_back(self, request: Request) -> Response:
        """Sign in whom the provider sends back, or say on the page why not."""
        cookie = self._cookie(request)
        found = await self._or_problem(request, self._actor)
        if isinstance(found, Actor):
            found = await self._pages.begin(request, found, how=self._settings.issuer)
        return found.plus(cookie.cleared())

    async def _or_problem(self, request: Request, work: Callable[[Request], _R]) -> _R | Response:
        """Do what may wait for the provider, or give the page that says what went wrong."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, request)
        except CondariumError as error:
            _log.warning("signing in at the provider failed", extra={"error": error.message})
            return self._pages.problem(request, error)

    def _leave(self, request: Request) -> Response:
        until = self._store.now() + _AWAY
        leaving = _Leaving(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            until=until.timestamp(),
        )
        challenge = base64.urlsafe_b64encode(sha256(leaving.verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect_uri(request),
            "scope": " ".join(self._settings.scopes),
            "state": leaving.state,
            "nonce": leaving.nonce,
            "code_challenge": challenge.decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        place = self._provider.configuration()["authorization_endpoint"]
        location = f"{place}{'&' if '?' in place else '?'}{urlencode(query)}"
        return Response(
            status=303,
            headers=(
                (b"location", location.encode()),
                (b"content-length", b"0"),
                (b"cache-control", b"no-store"),
                self._cookie(request).set(self._sealed(leaving), lasting=_AWAY),
            ),
        )

    def _actor(self, request: Request) -> Actor:
        leaving = self._opened(self._cookie(request).value(request.headers) or "")
        query = parse_qs(request.scope["query_string"].decode("latin-1"), max_num_fields=20)
        said = {name: values[0] for name, values in query.items()}
        if not hmac.compare_digest(said.get("state", "").encode(), leaving.state.encode()):
            raise NotBegunHere
        if said.get("iss", self._settings.issuer) != self._settings.issuer:  # RFC 9207
            raise BadIdToken("another provider has answered")
        if "code" not in said:
            raise TurnedAway("the provider did not sign you in")
        tokens = self._provider.exchange(
            said["code"], verifier=leaving.verifier, redirect_uri=self._redirect_uri(request)
        )
        claims = self._claims(self._believed(tokens, leaving.nonce), tokens)
        self._check_groups(claims)
        return actor_of_claims(
            self._store,
            claims,
            address=request.caller.address,
            ruling=self._settings.admin_groups,
        )

    def _believed(self, tokens: "Tokens", nonce: str) -> Mapping[str, Any]:
        """The claims of an ID token; for a key that is not known, the provider is asked once."""

        def read(keys: Mapping[str, Any]) -> Mapping[str, Any]:
            return read_id_token(
                tokens.id_token,
                keys,
                issuer=self._settings.issuer,
                client_id=self._settings.client_id,
                nonce=nonce,
                now=self._store.now(),
            )

        try:
            return read(self._provider.keys())
        except UnknownKey:
            return read(self._provider.keys(anew=True))

    def _claims(self, said: Mapping[str, Any], tokens: "Tokens") -> Claims:
        """What is wanted of them; of what the ID token leaves out the provider is asked."""
        wanted = (self._settings.name_claim, self._settings.groups_claim)
        if tokens.access_token and any(name and _claim(said, name) is None for name in wanted):
            more = self._provider.user_info(tokens.access_token)
            if more.get("sub") == said["sub"]:
                said = {**more, **said}
        return Claims(
            issuer=self._settings.issuer,
            subject=said["sub"],
            name=_text(_claim(said, self._settings.name_claim)),
            display_name=_text(said.get("name")),
            groups=_groups(said, self._settings.groups_claim),
        )

    def _check_groups(self, claims: Claims) -> None:
        allowed = self._settings.allowed_groups
        if allowed and not set(allowed) & set(claims.groups or ()):
            raise TurnedAway("you are in none of the groups that may sign in here")

    def _sealed(self, leaving: _Leaving) -> str:
        text = base64.urlsafe_b64encode(msgspec.json.encode(asdict(leaving))).decode().rstrip("=")
        return f"{text}.{self._signer.sign(_COOKIE, text)}"

    def _opened(self, cookie: str) -> _Leaving:
        text, _, signature = cookie.partition(".")
        if not signature or not self._signer.is_right(_COOKIE, text, signature):
            raise NotBegunHere
        padded = f"{text}{'=' * (-len(text) % 4)}"
        leaving = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_Leaving)
        if leaving.until < self._store.now().timestamp():
            raise NotBegunHere
        return leaving

    def _cookie(self, request: Request) -> Cookie:
        return Cookie(name=_COOKIE, https=request.caller.cookie.https)

    def _redirect_uri(self, request: Request) -> str:
        scheme = "https" if request.caller.cookie.https else "http"
        origin = self._public_url or asked_of(request.headers, b"", scheme).origin
        return f"{origin}/sign-in/provider/callback"

    @cached_property
    def _provider(self) -> "Provider":
        from condarium.engine.network.oidc import Provider

        settings = self._settings
        return Provider(settings.issuer, settings.client_id, settings.client_secret)


def _claim(said: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by a way into it such as `realm_access.roles`."""
    if name in said:
        return said[name]
    found: Any = said
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _groups(said: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """The groups that a claim lists; None where groups are not taken over."""
    if not name:
        return None
    found = _claim(said, name)
    listed = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return tuple(each for each in listed if isinstance(each, str))[:_MOST_GROUPS]


def _text(value: object) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""
