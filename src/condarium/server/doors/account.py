"""The page of one's own account: tokens, a new password, and signing out."""

from collections.abc import Callable
from datetime import timedelta

from condarium.access.accounts import set_password
from condarium.access.minting import list_, mint, revoke
from condarium.errors import CondariumError
from condarium.model.access.permissions import Permission
from condarium.model.access.principals import Scope
from condarium.model.access.report import NewToken
from condarium.model.secret import Secret
from condarium.server.content.pages import html
from condarium.server.doors.asked import Request, check_form, form_token
from condarium.server.doors.credentials import Gate, Who
from condarium.server.doors.signing import Signer
from condarium.server.problems import status_of
from condarium.server.responses import Response
from condarium.storage.store import Store

_DAYS = {"7": 7, "30": 30, "90": 90, "365": 365}
_READS = frozenset({Permission.CHANNEL_READ})
_SCOPES = {
    "all": Scope(),
    "read": Scope(permissions=_READS),
    "publish": Scope(permissions=_READS | {Permission.CHANNEL_PUBLISH}),
}
"""What a token made on the page may be for; `condarium token create` has more to choose from."""


class AccountPages:
    """For whoever is signed in in a browser; others are sent to sign in."""

    def __init__(self, store: Store, gate: Gate, signer: Signer) -> None:
        self._store, self._gate, self._signer = store, gate, signer

    async def show(self, request: Request) -> Response:
        return await self._gate.run(lambda: self._show(request))

    async def make_token(self, request: Request) -> Response:
        """Make a token, and show it this once: the answer to the form is the page itself."""
        return await self._changed(request, self._make)

    async def revoke(self, request: Request) -> Response:
        return await self._changed(request, self._revoke)

    async def change_password(self, request: Request) -> Response:
        """Change it, after which one signs in with the new one."""
        return await self._changed(request, self._change_password)

    async def sign_out(self, request: Request) -> Response:
        return await self._changed(request, self._sign_out)

    async def _changed(
        self, request: Request, change: Callable[[Request, Who, dict[str, str]], Response]
    ) -> Response:
        form = dict(await request.form())

        def work() -> Response:
            who = request.caller.who()
            check_form(self._signer, who, form.get("csrf", ""))
            return change(request, Who(request.caller(), who.session), form)

        return await self._gate.run(work)

    def _make(self, request: Request, who: Who, form: dict[str, str]) -> Response:
        name = form.get("name", "").strip()
        days = _DAYS.get(form.get("days", ""), 90)
        scope = _SCOPES.get(form.get("may", ""), _SCOPES["read"])
        try:
            made = mint(
                self._store, name=name, scope=scope, lasting=timedelta(days=days), actor=who.actor
            )
        except CondariumError as error:
            return self._page(request, who, error=error)
        return self._page(request, who, made=made)

    def _change_password(self, request: Request, who: Who, form: dict[str, str]) -> Response:
        try:
            set_password(
                self._store,
                who.actor.name,
                Secret(form.get("new", "")),
                old=Secret(form.get("old", "")),
                revoke_tokens="revoke" in form,
                actor=who.actor,
            )
        except CondariumError as error:
            return self._page(request, who, error=error)
        return request.see("sign-in", request.caller.cookie.cleared())

    def _revoke(self, request: Request, who: Who, form: dict[str, str]) -> Response:
        revoke(self._store, form.get("token", ""), actor=who.actor)
        return request.see("account")

    def _sign_out(self, request: Request, who: Who, form: dict[str, str]) -> Response:
        assert who.session is not None
        self._gate.sessions.end(who.session, who.actor)
        return request.see("", request.caller.cookie.cleared())

    def _show(self, request: Request) -> Response:
        who = request.caller.who()
        if who.session is None:
            return request.see("sign-in")
        return self._page(request, who)

    def _page(
        self,
        request: Request,
        who: Who,
        *,
        made: NewToken | None = None,
        error: CondariumError | None = None,
    ) -> Response:
        from condarium.web.accounts import render_account

        assert who.session is not None
        tokens = list_(
            self._store, holder=None, every=False, limit=None, cursor=None, actor=who.actor
        )
        page = render_account(
            up=request.up,
            actor=who.actor,
            tokens=tokens,
            made=made,
            csrf=form_token(self._signer, who.session),
            passwords=self._gate.settings.passwords,
            problem=(error.message, error.hint or "") if error else None,
        )
        return html(page.encode(), status=status_of(error) if error else 200)
