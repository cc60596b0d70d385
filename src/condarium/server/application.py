"""The ASGI application: which part of the server answers a request, and what errors become."""

import logging

from condarium import __version__
from condarium.errors import CondariumError, NoSuchBlob
from condarium.server.content.lending import Lending
from condarium.server.content.pages import Asked, asked_of
from condarium.server.content.plane import Content
from condarium.server.doors.credentials import Gate, split_token
from condarium.server.doors.entrance import Doors
from condarium.server.problems import NoSuchMethod, problem, unexpected
from condarium.server.responses import Receive, Response, Scope, Send, send_response
from condarium.server.rest.face import Rest
from condarium.server.uploads import Uploads
from condarium.server.webhooks import Webhooks

_log = logging.getLogger(__name__)
_VERSION = (b"x-condarium-version", __version__.encode())


class Application:
    """Everything that `condarium serve` answers."""

    def __init__(
        self,
        content: Content,
        uploads: Uploads,
        rest: Rest,
        doors: Doors,
        gate: Gate,
        lending: Lending,
        webhooks: Webhooks,
    ) -> None:
        self._content, self._uploads, self._rest = content, uploads, rest
        self._lending, self._webhooks = lending, webhooks
        self._doors, self._gate = doors, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        try:
            response = await self._respond(scope, headers, receive)
        except CondariumError as error:
            response = problem(error)
            if response.status >= 500:
                _log_failure(scope, error, response.status)
        except Exception:  # noqa: BLE001 - a request's own boundary
            _log.exception("unexpected error")
            response = unexpected()
        answer = response.answering(scope["method"], headers).plus(_VERSION)
        await send_response(answer, send)

    async def _respond(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive
    ) -> Response:
        path, token = split_token(scope["path"])
        caller = self._gate.caller(scope, headers, token)
        if self._doors.takes(path):
            return await self._doors.respond(scope, path, headers, receive, caller)
        if self._webhooks.takes(path):
            return await self._webhooks.respond(scope, headers, receive, caller)
        if path.startswith("/api/"):
            actor = await caller.found()
            scope["principal"] = actor.who.id or actor.name  # for the log
            if caller.has_cookie:
                await self._doors.check_page(scope, headers, caller)
            taken = self._uploads if self._uploads.takes(path) else self._rest
            return await taken.respond(scope, path, headers, receive, actor)
        if scope["method"] not in ("GET", "HEAD"):
            raise NoSuchMethod(scope["method"], "GET", "HEAD")

        def asked() -> Asked:
            return asked_of(headers, scope["query_string"], scope["scheme"])

        if self._lending.takes(path):
            return await self._lending.respond(scope, path, caller, asked)
        return await self._content.respond(path, caller, asked)


def _log_failure(scope: Scope, error: CondariumError, status: int) -> None:
    """One line for what is busy or went wrong elsewhere; where from only for what did here."""
    _log.error(
        "request failed: %s %s: %d %s",
        scope["method"],
        split_token(scope["path"])[0],
        status,
        error.message,
        exc_info=error if status == 500 and not isinstance(error, NoSuchBlob) else None,
    )
