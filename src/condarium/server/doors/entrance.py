"""Where people come in: signing in, as people and as programs do it, and what is theirs there.

GET, POST  /sign-in, /sign-in/first           pages
GET        /sign-in/provider, …/callback      an OpenID provider
GET, POST  /account, /account/tokens, …       one's own tokens; signing out
POST       /api/v1/sign-in, …/first-sign-in   a token for a name and a password
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import TypeVar

import msgspec

from condarium.access.first_administrator import first_sign_in, offer
from condarium.access.minting import mint
from condarium.access.signing_in import TooManyAttempts, sign_in
from condarium.model.actor import Actor
from condarium.model.secret import Secret
from condarium.server.doors.account import AccountPages
from condarium.server.doors.asked import Request, check_own_form, check_page
from condarium.server.doors.credentials import Caller, Gate
from condarium.server.doors.oidc import ProviderPages
from condarium.server.doors.sign_in import PasswordsOff, SignInPages
from condarium.server.doors.signing import Signer
from condarium.server.problems import NoSuchMethod
from condarium.server.responses import Receive, Response, Scope
from condarium.settings import ServerSettings
from condarium.storage.store import Store

_AT_ONCE = 2
"""How many passwords are checked at once: each takes 64 MB and a twentieth of a second."""
_WAITING = 40
"""How many may wait for that; more would only wait for longer."""

_R = TypeVar("_R")
Answer = Callable[[Request], Awaitable[Response]]


class PasswordSignIn(msgspec.Struct):
    """The body of POST /api/v1/sign-in."""

    name: str
    password: str
    token_name: str = "sign-in"  # noqa: S105 - a name


class FirstSignIn(msgspec.Struct):
    """The body of POST /api/v1/first-sign-in."""

    secret: str
    name: str
    password: str
    token_name: str = "sign-in"  # noqa: S105 - a name


def first_link(store: Store, url: str) -> str | None:
    """Where the first administrator signs in; None where there is one.

    The secret is behind a `#`, which browsers keep to themselves: no log on the way has it.
    """
    secret = offer(store)
    return f"{url}/sign-in/first#{secret.reveal()}" if secret else None


class Doors:
    """Answers at the addresses where people sign in and see to what is theirs."""

    def __init__(self, store: Store, gate: Gate, settings: ServerSettings) -> None:
        self._store, self._gate, self._public_url = store, gate, settings.public_url
        self._signer = Signer(store)
        self._passwords = ThreadPoolExecutor(_AT_ONCE, "password")
        self._waiting = 0
        pages = SignInPages(gate, self._public_url, self.by_password, self.by_secret)
        account = AccountPages(store, gate, self._signer)
        self._provider: ProviderPages | None = None
        self._routes: dict[str, dict[str, Answer]] = {
            "/sign-in": {"GET": pages.show, "POST": pages.take},
            "/sign-in/first": {"GET": pages.show_first, "POST": pages.take_first},
            "/account": {"GET": account.show},
            "/account/tokens": {"POST": account.make_token},
            "/account/revoke": {"POST": account.revoke},
            "/account/password": {"POST": account.change_password},
            "/account/sign-out": {"POST": account.sign_out},
            "/api/v1/sign-in": {"POST": self._token_by_password},
            "/api/v1/first-sign-in": {"POST": self._token_by_secret},
        }
        if gate.settings.oidc:
            provider = ProviderPages(
                store, gate, self._signer, gate.settings.oidc, pages, settings.public_url
            )
            self._provider = provider
            self._routes |= {
                "/sign-in/provider": {"GET": provider.leave},
                "/sign-in/provider/callback": {"GET": provider.come_back},
            }

    def takes(self, path: str) -> bool:
        return path in self._routes

    def stop(self) -> None:
        self._passwords.shutdown(wait=False, cancel_futures=True)
        if self._provider:
            self._provider.stop()

    async def respond(
        self,
        scope: Scope,
        path: str,
        headers: dict[bytes, bytes],
        receive: Receive,
        caller: Caller,
    ) -> Response:
        """Raises what signing in does, FromAnotherSite, BadInput, NoSuchMethod."""
        taken = self._routes[path]
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if method not in taken:
            raise NoSuchMethod(scope["method"], *taken)
        request = Request(scope=scope, path=path, headers=headers, receive=receive, caller=caller)
        return await taken[method](request)

    async def check_page(
        self, scope: Scope, headers: Mapping[bytes, bytes], caller: Caller
    ) -> None:
        """Raise FromAnotherSite where a cookie comes with what no page of ours asked for."""
        await self._gate.run(
            lambda: check_page(self._signer, caller.who(), scope["method"], headers)
        )

    async def by_password(self, name: str, password: str, address: str | None) -> Actor:
        """Raises WrongPassword, TooManyAttempts, PasswordsOff."""
        if not self._gate.settings.passwords:
            raise PasswordsOff
        check = partial(sign_in, self._store, name, Secret(password), address=address)
        return await self._check(check)

    async def by_secret(self, secret: str, name: str, password: str, address: str | None) -> Actor:
        """Raises BadFirstSecret, AdministratorThere, BadName, WeakPassword, NameTaken."""
        check = partial(
            first_sign_in, self._store, Secret(secret), name, Secret(password), address=address
        )
        return await self._check(check)

    async def _check(self, check: Callable[[], _R]) -> _R:
        """Check a password in a thread; the event loop would wait for a twentieth of a second."""
        if self._waiting >= _WAITING:
            raise TooManyAttempts(timedelta(seconds=5))
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._passwords, check)
        finally:
            self._waiting -= 1

    async def _token_by_password(self, request: Request) -> Response:
        check_own_form(request, self._public_url)
        given = await request.json(PasswordSignIn)
        actor = await self.by_password(given.name, given.password, request.caller.address)
        return await self._gate.run(lambda: self._token(actor, given.token_name))

    async def _token_by_secret(self, request: Request) -> Response:
        check_own_form(request, self._public_url)
        given = await request.json(FirstSignIn)
        address = request.caller.address
        actor = await self.by_secret(given.secret, given.name, given.password, address)
        return await self._gate.run(lambda: self._token(actor, given.token_name))

    def _token(self, actor: Actor, name: str) -> Response:
        """Make a token of somebody who has just signed in; it is said this once."""
        with self._store.database.change(
            actor, "sign-in", f"user {actor.name}", {"with": "password"}
        ):
            pass
        made = mint(self._store, name=name[:64] or "sign-in", actor=actor)
        who = actor.who
        said = {
            "token": made.secret,
            "principal": {"id": who.id, "name": actor.name, "kind": str(who.kind)},
        }
        return Response.of(
            msgspec.json.encode(said),
            media_type="application/json",
            cache_control="no-store",
        )
