"""A request at one of the server's doors: what it says, and whether a page of ours sent it."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from condarium.errors import BadInput, Refused
from condarium.server.bodies import pieces_of
from condarium.server.doors.credentials import Caller, Who
from condarium.server.doors.sessions import Header
from condarium.server.doors.signing import Signer
from condarium.server.responses import Receive, Response, Scope
from condarium.storage.access.sign_ins import Session

_MOST = 1 << 16
_FIELDS = 50
_FORM = "form"
_OWN = (b"same-origin", b"none")

_T = TypeVar("_T")


class FromAnotherSite(Refused):
    """A page of another site seems to have sent the request."""

    def __init__(self) -> None:
        super().__init__(
            "a page of another site seems to have sent this",
            hint="Load the page again and send it from there. Behind a proxy, "
            "CONDARIUM_PUBLIC_URL says where people reach this server. Programs send a token.",
        )


class BadSignIn(BadInput):
    """The request is not what signs somebody in."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            reason, hint='Send application/json such as {"name": "ada", "password": "…"}.'
        )


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request, with the path that is left without a token."""

    scope: Scope
    path: str
    headers: dict[bytes, bytes]
    receive: Receive
    caller: Caller

    @property
    def up(self) -> str:
        """From here to where the server begins: it may be anywhere behind a proxy."""
        return "../" * (self.path.count("/") - 1)

    def see(self, place: str, *headers: Header) -> Response:
        """Send a browser on to a page of ours."""
        location = f"{self.up}{place}" or "./"
        return Response(
            status=303,
            headers=(
                (b"location", location.encode()),
                (b"content-length", b"0"),
                (b"cache-control", b"no-store"),
                *headers,
            ),
        )

    async def body(self) -> bytes:
        """Raises TooLarge, UploadBroken, TooSlow."""
        async with aclosing(pieces_of(self.receive, _MOST)) as pieces:
            return b"".join([piece async for piece in pieces])

    async def form(self) -> Mapping[str, str]:
        """The fields of a form. Raises BadInput."""
        try:
            text = (await self.body()).decode("ascii")
            found = parse_qs(text, keep_blank_values=True, max_num_fields=_FIELDS)
        except ValueError as error:
            raise BadInput("this is no form that this server has given") from error
        return {name: values[0] for name, values in found.items()}

    async def json(self, kind: type[_T]) -> _T:
        """A body of JSON. Raises BadSignIn."""
        media_type = self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if media_type != b"application/json":
            raise BadSignIn("found no application/json in the body")
        try:
            return msgspec.json.decode(await self.body(), type=kind)
        except msgspec.MsgspecError as error:  # which names a place, and no value
            raise BadSignIn(f"the body is not what was expected: {error}") from error


def check_own_form(request: Request, public_url: str | None) -> None:
    """Raise FromAnotherSite where another site's page sent a form that belongs to no session."""
    headers = request.headers
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        right = site in _OWN
    elif origin is not None:  # browsers say no more to a server without TLS
        places = {headers.get(b"host", b"").decode("latin-1"), urlsplit(public_url or "").netloc}
        right = urlsplit(origin.decode("latin-1")).netloc in places - {""}
    else:
        right = True  # no browser of today
    if not right:
        raise FromAnotherSite


def form_token(signer: Signer, session: Session) -> str:
    """What every form of a session carries, and no other site's page knows."""
    return signer.sign(_FORM, session.digest)


def check_form(signer: Signer, who: Who, given: str) -> None:
    """Raise FromAnotherSite where this is not what forms of the session carry."""
    if who.session is None or not signer.is_right(_FORM, who.session.digest, given):
        raise FromAnotherSite


def check_page(signer: Signer, who: Who, method: str, headers: Mapping[bytes, bytes]) -> None:
    """Raise FromAnotherSite where a cookie comes with a change that no page of ours asked for."""
    if method in ("GET", "HEAD", "OPTIONS") or who.session is None:
        return
    if headers.get(b"sec-fetch-site") == b"same-origin":
        return
    check_form(signer, who, headers.get(b"x-csrf-token", b"").decode("latin-1"))
