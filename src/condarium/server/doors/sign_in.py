"""The pages on which people sign in."""

from collections.abc import Awaitable, Callable
from typing import Any

from condarium.access.signing_in import TooManyAttempts
from condarium.errors import BadInput, CondariumError, Conflict, Refused
from condarium.model.actor import Actor
from condarium.server.content.pages import html
from condarium.server.doors.asked import Request, check_own_form
from condarium.server.doors.credentials import Gate
from condarium.server.problems import status_of
from condarium.server.responses import Response

ByPassword = Callable[[str, str, str | None], Awaitable[Actor]]
BySecret = Callable[[str, str, str, str | None], Awaitable[Actor]]


class SignInPages:
    def __init__(
        self,
        gate: Gate,
        public_url: str | None,
        by_password: ByPassword,
        by_secret: BySecret,
    ) -> None:
        self._gate, self._public_url = gate, public_url
        self._by_password, self._by_secret = by_password, by_secret

    async def show(self, request: Request) -> Response:
        return self._page(request)

    async def show_first(self, request: Request) -> Response:
        return self._first_page(request)

    async def take(self, request: Request) -> Response:
        """Sign somebody in, or say on the page why not."""
        check_own_form(request, self._public_url)
        form = await request.form()
        name, password = form.get("name", "").strip(), form.get("password", "")
        try:
            actor = await self._by_password(name, password, request.caller.address)
        except (Refused, BadInput) as error:
            return self._page(request, error, name=name)
        return await self.begin(request, actor, how="password")

    async def take_first(self, request: Request) -> Response:
        check_own_form(request, self._public_url)
        form = await request.form()
        secret, name = form.get("secret", "").strip(), form.get("name", "").strip()
        password, address = form.get("password", ""), request.caller.address
        try:
            actor = await self._by_secret(secret, name, password, address)
        except (Refused, BadInput, Conflict) as error:
            return self._first_page(request, error, name=name)
        return await self.begin(request, actor, how="first sign-in")

    async def begin(self, request: Request, actor: Actor, *, how: str) -> Response:
        """Begin a session, in place of one that the browser has."""
        cookie, sessions = request.caller.cookie, self._gate.sessions
        before = cookie.value(request.headers)
        value = await self._gate.run(lambda: sessions.begin(actor, how=how, instead_of=before))
        return request.see("account", cookie.set(value, lasting=sessions.lasting))

    def problem(self, request: Request, error: CondariumError) -> Response:
        """The page with what went wrong on it."""
        return self._page(request, error)

    def _page(
        self, request: Request, error: CondariumError | None = None, *, name: str = ""
    ) -> Response:
        from condarium.web.accounts import render_sign_in

        settings = self._gate.settings
        return _answer(
            error,
            render_sign_in,
            up=request.up,
            name=name,
            passwords=settings.passwords,
            provider=settings.oidc.issuer if settings.oidc else None,
        )

    def _first_page(
        self, request: Request, error: CondariumError | None = None, *, name: str = ""
    ) -> Response:
        from condarium.web.accounts import render_first

        return _answer(error, render_first, up=request.up, name=name)


class PasswordsOff(Refused):
    """Nobody signs in with a password here."""

    def __init__(self) -> None:
        super().__init__(
            "this server takes no passwords",
            hint="Sign in at the provider; CONDARIUM_PASSWORDS is off.",
        )


def _answer(error: CondariumError | None, render: Callable[..., str], **values: Any) -> Response:
    said = (error.message, error.hint or "") if error else None
    response = html(
        render(problem=said, **values).encode(), status=status_of(error) if error else 200
    )
    if isinstance(error, TooManyAttempts):
        return response.plus((b"retry-after", b"%d" % error.retry_after))
    return response
