"""The REST face: every operation that is not local, below /api/v1, out of its declaration.

    GET    /api/v1/channels/lab/log?limit=3
    POST   /api/v1/channels/lab/yank       {"spec": ["tool ==1.0"], "reason": "it does not start"}
    GET    /api/v1/openapi.json            all of them

An answer is what the command line says with `--json`. Operations run in threads, apart from those
that answer downloads; whoever goes away does not end what they have begun.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing
from functools import cache, cached_property, partial
from typing import Any

import msgspec

from condarium.app import App, operations
from condarium.errors import Failed, Refused
from condarium.model.access.decisions import PLATFORM
from condarium.model.actor import Actor
from condarium.model.plain import to_plain
from condarium.model.view import ChannelName, View
from condarium.operation import Operation
from condarium.server.addresses import NoSuchAddress
from condarium.server.arguments import (
    IN_MEMORY,
    BadBody,
    Fields,
    Plain,
    TooLong,
    accepted,
    of_json,
    of_path,
    of_query,
)
from condarium.server.bodies import pieces_of
from condarium.server.content import NoChannelHere
from condarium.server.credentials import ANYBODY, NotSignedIn
from condarium.server.multipart import Form, boundary_of
from condarium.server.openapi import described
from condarium.server.problems import NoSuchMethod, TooLarge, problem
from condarium.server.responses import Receive, Response, Scope
from condarium.settings import ServerSettings
from condarium.storage.channels import NoSuchChannel
from condarium.storage.store import Store
from condarium.values import BadArgument

_log = logging.getLogger(__name__)
PREFIX = "/api/v1"
_DESCRIPTION = f"{PREFIX}/openapi.json"
_READING, _CHANGING = 4, 4
"""How many operations run at once; the others wait."""
_LIST = "channel list"
_OPEN = frozenset(
    {_LIST, *(f"channel {verb}" for verb in ("show", "log", "search", "packages", "files"))}
    | {"channel label list", "channel patch list"}
)
"""What anybody may ask of public channels: it names no other one, and costs little."""
_READER = Actor(name=ANYBODY.name)


class FromElsewhere(Refused):
    """The request was sent by a page of another site."""


class Rest:
    """Answers what is asked below /api/v1."""

    def __init__(self, store: Store, settings: ServerSettings) -> None:
        self._store, self._limit = store, settings.upload_limit
        self._reading = ThreadPoolExecutor(_READING, "reading")
        self._changing = ThreadPoolExecutor(_CHANGING, "changing")

    def stop(self) -> None:
        for pool in (self._reading, self._changing):
            pool.shutdown(wait=False, cancel_futures=True)

    async def respond(
        self, scope: Scope, path: str, headers: dict[bytes, bytes], receive: Receive, actor: Actor
    ) -> Response:
        """Run an operation. Raises NotSignedIn, NotFound, BadInput and what the operation does."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if path == _DESCRIPTION and method == "GET":
            return await asyncio.to_thread(lambda: self._described)
        operation, named = find_route(method, path)
        if not (_allowed(actor, operation) or operation.name in _OPEN):
            raise NotSignedIn(given=False)
        if method != "GET" and headers.get(b"sec-fetch-site") in (b"cross-site", b"same-site"):
            raise FromElsewhere
        with ExitStack() as opened:
            given = of_path(operation, named)
            if method == "POST":
                sent = await self._body(operation, headers, receive, opened)
            else:
                sent = of_query(operation, scope["query_string"])
            if twice := given.keys() & sent.keys():
                raise BadArgument(f"{min(twice)} is in the path: found it a second time")
            arguments = accepted(operation, {**given, **sent})
            run = partial(self._run, operation, arguments, actor, opened.pop_all())
        pool = self._reading if method == "GET" else self._changing
        return await asyncio.get_running_loop().run_in_executor(pool, run)

    async def _body(
        self,
        operation: Operation,
        headers: dict[bytes, bytes],
        receive: Receive,
        opened: ExitStack,
    ) -> Plain:
        kind = headers.get(b"content-type", b"")
        if boundary := boundary_of(kind):
            return await self._form(operation, Form(boundary), receive, opened)
        async with aclosing(pieces_of(receive, IN_MEMORY)) as pieces:
            try:
                body = b"".join([piece async for piece in pieces])
            except TooLarge:
                raise TooLong from None
        if not body:
            return {}
        if kind.partition(b";")[0].strip().lower() != b"application/json":
            raise BadBody(kind.decode("latin-1") or "no Content-Type")
        return await asyncio.to_thread(of_json, operation, body)

    async def _form(
        self, operation: Operation, form: Form, receive: Receive, opened: ExitStack
    ) -> Plain:
        fields = Fields(operation, self._store.layout, opened)
        async with aclosing(pieces_of(receive, self._limit)) as pieces:
            async for piece in pieces:
                await asyncio.to_thread(fields.take, form.feed(piece))
        form.end()
        return fields.plain()

    def _run(
        self, operation: Operation, arguments: dict[str, Any], actor: Actor, opened: ExitStack
    ) -> Response:
        known = _allowed(actor, operation)
        who = actor if known else _READER
        app = App(self._store.settings, actor=who, store=self._store)
        with opened:
            if not known:
                self._check_public(arguments)
            try:
                result = app.call(operation, arguments)
            except Failed as error:
                fields = {"operation": operation.name}
                _log.warning("operation failed", exc_info=error, extra=fields)
                return problem(error, frank=known)
        if not known and operation.name == _LIST:
            result = [channel for channel in result if channel.public]
        return _json(to_plain(result))

    def _check_public(self, arguments: dict[str, Any]) -> None:
        """Raise NoChannelHere for a channel that not everybody may read, or that is not there."""
        for value in arguments.values():
            if isinstance(value, ChannelName | View):
                name = value.channel if isinstance(value, View) else value
                try:
                    with self._store.database.read() as facts:
                        public = facts.channels.get(name).public
                except NoSuchChannel:
                    public = False
                if not public:
                    raise NoChannelHere(name)

    @cached_property
    def _described(self) -> Response:
        return _json(described(PREFIX, operations().values()))


def find_route(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """The operation at an address, and what its path names. Raises NoSuchAddress, NoSuchMethod."""
    there = [(operation, found) for operation, pattern in _routes() if (found := pattern(path))]
    for operation, found in there:
        if operation.route and operation.route[0] == method:
            return operation, found.groupdict()
    if there:
        raise NoSuchMethod(method, *sorted({op.route[0] for op, _ in there if op.route}))
    raise NoSuchAddress(hint=f"{_DESCRIPTION} has all operations.")


@cache
def _routes() -> tuple[tuple[Operation, Callable[[str], re.Match[str] | None]], ...]:
    """Operations and what their paths are matched by: words of theirs before what may be any."""
    routed = [(found.route[1], found) for found in operations().values() if found.route]
    routed.sort(key=lambda each: [part.startswith("{") for part in each[0].split("/")])
    return tuple((found, _pattern(path).fullmatch) for path, found in routed)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(PREFIX) + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


def _allowed(actor: Actor, operation: Operation) -> bool:
    return actor.may(operation.permission, PLATFORM)


def _json(plain: object) -> Response:
    return Response.of(
        msgspec.json.encode(plain), media_type="application/json", cache_control="no-cache"
    )
