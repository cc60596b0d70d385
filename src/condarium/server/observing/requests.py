"""What is around every request: its id, its place in the log and the metrics, its span.

It answers by itself what those ask who watch the server: /healthz, /readyz and /metrics.
"""

import asyncio
import hmac
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any
from uuid import uuid4

from condarium import __version__
from condarium.errors import CondariumError
from condarium.model.access.decisions import PLATFORM
from condarium.model.access.permissions import Permission
from condarium.model.access.principals import PrincipalKind
from condarium.operating.logs import REQUEST
from condarium.operating.tracing import span
from condarium.server.doors.credentials import Gate, NotSignedIn, split_token
from condarium.server.observing.health import Health
from condarium.server.observing.metrics import MEDIA_TYPE, Metrics
from condarium.server.observing.route_names import route_of
from condarium.server.problems import problem
from condarium.server.responses import Receive, Response, Scope, Send, send_response
from condarium.settings.telemetry import TelemetrySettings

_log = logging.getLogger(__name__)
_ID = re.compile(rb"[A-Za-z0-9._\-]{1,64}")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

App = Callable[[Scope, Receive, Send], Awaitable[None]]
Own = Callable[[Scope, dict[bytes, bytes], str | None], Awaitable[Response]]

_VERSION = (b"x-condarium-version", __version__.encode())


class Observed:
    """An application, and what is said of how it answers."""

    def __init__(
        self,
        application: App,
        *,
        gate: Gate,
        health: Health,
        metrics: Metrics,
        settings: TelemetrySettings,
    ) -> None:
        self._application, self._gate = application, gate
        self._health, self._metrics = health, metrics
        self._token = settings.metrics_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        seen = _Seen(send, _id_of(headers))
        token = REQUEST.set(seen.id)
        self._metrics.in_flight.inc()
        try:
            with span(scope["method"], parent=headers.get(b"traceparent", b"").decode("latin-1")):
                await self._answer(scope, headers, receive, seen)
        finally:
            self._metrics.in_flight.dec()
            self._note(scope, seen)
            REQUEST.reset(token)

    async def _answer(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        own: dict[str, Own] = {
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._measured,
        }
        path, token = split_token(scope["path"])
        if path not in own or scope["method"] not in ("GET", "HEAD"):
            await self._application(scope, receive, send)
            return
        try:
            response = await own[path](scope, headers, token)
        except CondariumError as error:
            response = problem(error)
        await send_response(response.plus(_VERSION).answering(scope["method"], headers), send)

    async def _healthz(self, *_: Any) -> Response:
        return _say(200, "ok")

    async def _readyz(self, *_: Any) -> Response:
        problems = await self._health.problems()
        return _say(503, "\n".join(problems)) if problems else _say(200, "ready")

    async def _measured(
        self, scope: Scope, headers: dict[bytes, bytes], token: str | None
    ) -> Response:
        """Raises NotSignedIn, NotPermitted."""
        if not self._is_watcher(headers):
            actor = await self._gate.caller(scope, headers, token).found()
            if actor.principal and actor.principal.kind is PrincipalKind.ANYBODY:
                raise NotSignedIn(given=False)
            actor.require(Permission.STORE_INSPECT, PLATFORM)
        text = await asyncio.to_thread(self._metrics.text)
        return Response.of(text, media_type=MEDIA_TYPE, cache_control="no-store")

    def _is_watcher(self, headers: dict[bytes, bytes]) -> bool:
        sent = headers.get(b"authorization", b"")
        if self._token is None or not sent.lower().startswith(b"bearer "):
            return False
        return hmac.compare_digest(sent[7:].strip(), self._token.reveal().encode())

    def _note(self, scope: Scope, seen: "_Seen") -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = route_of(scope["method"], split_token(scope["path"])[0])
        seconds = perf_counter() - seen.begun
        self._metrics.note(method, route, seen.status, seconds=seconds, size=seen.size)
        if _log.isEnabledFor(logging.INFO):
            fields = {
                "method": method,
                "route": route,
                "status": seen.status,
                "ms": round(seconds * 1000, 2),
                "bytes": seen.size,
                "principal": scope.get("principal"),
            }
            _log.info("request answered", extra=fields)


class _Seen:
    """What sends a response, and sees what it is; 499 is one whose client went away before."""

    def __init__(self, send: Send, request: str) -> None:
        self._send, self.id = send, request
        self.begun = perf_counter()
        self.status, self.size = 499, 0

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message["headers"]
            message["headers"] = (*headers, (b"x-request-id", self.id.encode()))
            self._length = int(dict(headers).get(b"content-length", 0))
        elif message["type"] == "http.response.pathsend":
            self.size = self._length
        else:
            self.size += len(message.get("body", b""))
        await self._send(message)


def _id_of(headers: dict[bytes, bytes]) -> str:
    """The id that a request brought, where it is one, or a new one."""
    given = headers.get(b"x-request-id", b"")
    return given.decode() if _ID.fullmatch(given) else uuid4().hex


def _say(status: int, text: str) -> Response:
    return Response.of(
        f"{text}\n".encode(), media_type="text/plain", status=status, cache_control="no-cache"
    )
