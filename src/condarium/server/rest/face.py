"""The REST face: every operation that is not local, below /api/v1, out of its declaration.

    GET    /api/v1/channels/lab/log?limit=3
    POST   /api/v1/channels/lab/yank       {"spec": ["tool ==1.0"], "reason": "it does not start"}
    GET    /api/v1/openapi.json            all of them

An answer is what the command line says with `--json`. Operations run in threads, apart from those
that answer downloads; those that take long become jobs.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, aclosing
from dataclasses import replace
from functools import cached_property, partial
from typing import Any
from urllib.parse import parse_qsl

from condarium.access import checking
from condarium.app import App, operations
from condarium.errors import Failed, NotPermitted, Refused
from condarium.jobs.asking.submitting import require
from condarium.model.actor import Actor, Permission
from condarium.model.jobs import Placing
from condarium.model.plain import to_plain
from condarium.model.progress import Progress
from condarium.operation import Operation
from condarium.server.bodies import pieces_of
from condarium.server.doors.credentials import NotSignedIn
from condarium.server.multipart import Form, boundary_of
from condarium.server.problems import NoSuchMethod, TooLarge, problem
from condarium.server.responses import Receive, Response, Scope
from condarium.server.rest.answers import Answers
from condarium.server.rest.arguments import (
    IN_MEMORY,
    BadBody,
    Fields,
    Plain,
    TooLong,
    accepted,
    accepted_yet,
    of_json,
    of_path,
    of_query,
)
from condarium.server.rest.deferred import Deferred, Events
from condarium.server.rest.idempotency import AGAIN, once
from condarium.server.rest.openapi import described
from condarium.server.rest.paging import links
from condarium.server.rest.room import STRANGERS, Room, is_stranger
from condarium.server.rest.routes import DESCRIPTION, PREFIX, Named, find_route, methods_at
from condarium.server.rest.turns import Turn, Turns
from condarium.settings import ServerSettings
from condarium.storage.store import Store
from condarium.values import BadArgument, parse_duration

_log = logging.getLogger(__name__)
_SAFE = ("GET", "HEAD", "OPTIONS")

Pieces = AsyncGenerator[bytes, None]
Sent = dict[bytes, bytes]
"""A request's headers, whose names are in lower case."""


class FromElsewhere(Refused):
    """The request was sent by a page of another site."""


class Rest:
    """Answers what is asked below /api/v1."""

    def __init__(self, store: Store, settings: ServerSettings) -> None:
        self._store, self._limit = store, settings.upload_limit
        self._room = Room(2 * settings.upload_limit)
        self._turns = Turns(settings.answer_timeout)
        self._deferred = Deferred(store)
        self._answers = Answers(store)

    def stop(self) -> None:
        self._turns.stop()
        self._deferred.stop()

    async def respond(
        self, scope: Scope, path: str, headers: Sent, receive: Receive, actor: Actor
    ) -> Response:
        """Run an operation. Raises NotSignedIn, NotFound, BadInput and what the operation does."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if method not in _SAFE and headers.get(b"sec-fetch-site") in (b"cross-site", b"same-site"):
            raise FromElsewhere
        if path == DESCRIPTION:
            return await self._description(method)
        if events := self._deferred.events(path, _query(scope), _text(headers, b"last-event-id")):
            return await self._follow(events, method, receive, actor)
        if method == "OPTIONS":
            return _options(methods_at(path))
        if method == "GET":
            if ready := self._answers.find(scope, actor):
                return ready
            if shared := self._answers.being_made(scope, actor):
                return await asyncio.shield(shared)
        operation, named = find_route(method, path)
        if not (actor.who.is_somebody or _is_for_anybody(operation)):
            raise NotSignedIn(given=False)
        if scope["method"] == "POST":
            await asyncio.to_thread(self._check_path, operation, named, actor)
        with ExitStack() as opened:
            body = partial(self._body, operation, headers, receive, opened, actor)
            arguments = await self._arguments(operation, named, scope, body)
            if operation.job:
                ask = partial(self._ask, operation, arguments, headers, actor)
                job, again = await self._turns.run(operation, lambda _: ask(), receive=receive)
                said = await self._deferred.answer(job, _text(headers, b"prefer") or "")
                return said.plus(AGAIN) if again else said
            work = partial(
                self._work, operation, arguments, scope, headers, actor, opened.pop_all()
            )
        answer = self._turns.run(operation, work, receive=receive)
        if method == "GET" and Turn.of(operation) is Turn.QUICK:
            return await asyncio.shield(self._answers.make(scope, actor, answer))
        return await answer

    async def _description(self, method: str) -> Response:
        if method == "OPTIONS":
            return _options(["GET", "HEAD", "OPTIONS"])
        if method != "GET":
            raise NoSuchMethod(method, "GET", "HEAD", "OPTIONS")
        return await asyncio.to_thread(lambda: self._described)

    async def _follow(
        self, events: Events, method: str, receive: Receive, actor: Actor
    ) -> Response:
        if method == "OPTIONS":
            return _options(["GET", "HEAD", "OPTIONS"])
        if method != "GET":
            raise NoSuchMethod(method, "GET", "HEAD", "OPTIONS")
        if not actor.who.is_somebody:
            raise NotSignedIn(given=False)
        try:
            await asyncio.to_thread(events.check, actor)
        except NotPermitted as error:
            raise _refusal(actor, error) from error
        return events.response(receive)

    def _check_path(self, operation: Operation, named: Named, actor: Actor) -> None:
        """Refuse before the body is read, which may be large, whoever may not send it."""
        arguments = accepted_yet(operation, of_path(operation, named))
        try:
            checking.require_before(self._store, actor, operation, arguments)
        except NotPermitted as error:
            said = checking.refused(self._store, actor, operation, error)
            raise (_refusal(actor, said) if isinstance(said, NotPermitted) else said) from None

    async def _arguments(
        self,
        operation: Operation,
        named: Named,
        scope: Scope,
        body: Callable[[], Awaitable[Plain]],
    ) -> dict[str, Any]:
        given = of_path(operation, named)
        if scope["method"] == "POST":
            sent = of_query(operation, scope["query_string"])
            more = await body()
            if twice := sent.keys() & more.keys():
                raise BadArgument(f"{min(twice)} is in the query: found it a second time")
            sent = {**sent, **more}
        else:
            sent = of_query(operation, scope["query_string"])
        if twice := given.keys() & sent.keys():
            raise BadArgument(f"{min(twice)} is in the path: found it a second time")
        return accepted(operation, {**given, **sent})

    def _ask(
        self, operation: Operation, arguments: dict[str, Any], headers: Sent, actor: Actor
    ) -> Any:
        key = once(headers, actor, operation.name, arguments, at=self._store.now())
        return self._deferred.ask(operation, arguments, actor, key, _placing(headers))

    def _work(
        self,
        operation: Operation,
        arguments: dict[str, Any],
        scope: Scope,
        headers: Sent,
        actor: Actor,
        opened: ExitStack,
        progress: Progress,
    ) -> Response:
        """Run in a thread: what was handed in is closed when it is done."""
        with opened:
            run = partial(self._run, operation, arguments, scope, progress)
            if not operation.changes:
                return run(actor)
            key = once(headers, actor, operation.name, arguments, at=self._store.now())
            if key is None:
                return run(actor)
            return key.answer(
                self._store,
                partial(run, replace(actor, request=key.claim)),
                secret=_has_secret(operation),
                check=partial(require, self._store, actor, operation, arguments),
            )

    def _run(
        self,
        operation: Operation,
        arguments: dict[str, Any],
        scope: Scope,
        progress: Progress,
        actor: Actor,
    ) -> Response:
        app = App(self._store.settings, actor=actor, store=self._store, progress=progress)
        try:
            result = app.call(operation, arguments)
        except NotPermitted as error:
            raise _refusal(actor, error) from error
        except Failed as error:
            fields = {"operation": operation.name}
            _log.warning("operation failed", exc_info=error, extra=fields)
            return problem(error, frank=actor.who.is_somebody)
        return Response.json(to_plain(result)).plus(*links(scope, result))

    async def _body(
        self,
        operation: Operation,
        headers: Sent,
        receive: Receive,
        opened: ExitStack,
        actor: Actor,
    ) -> Plain:
        kind = headers.get(b"content-type", b"")
        boundary = boundary_of(kind)
        limit = STRANGERS if is_stranger(actor) else None
        take = opened.enter_context(self._room.of(actor))
        try:
            if boundary:
                fields = Fields(operation, self._store.layout, opened)
                pieces = pieces_of(receive, limit or self._limit)
                return await _form(Form(boundary), fields, pieces, take)
            body = await _whole(pieces_of(receive, limit or IN_MEMORY), take)
        except TooLarge:
            if limit or not boundary:
                raise TooLong(limit) from None
            raise
        if not body:
            return {}
        if kind.partition(b";")[0].strip().lower() != b"application/json":
            raise BadBody(kind.decode("latin-1") or "no Content-Type")
        return await asyncio.to_thread(of_json, operation, body)

    @cached_property
    def _described(self) -> Response:
        return Response.json(described(PREFIX, operations().values()))


async def _form(form: Form, fields: Fields, pieces: Pieces, take: Callable[[int], None]) -> Plain:
    async with aclosing(pieces):
        async for piece in pieces:
            take(len(piece))
            await asyncio.to_thread(fields.take, form.feed(piece))
    form.end()
    return fields.plain()


async def _whole(pieces: Pieces, take: Callable[[int], None]) -> bytes:
    found = []
    async with aclosing(pieces):
        async for piece in pieces:
            take(len(piece))
            found.append(piece)
    return b"".join(found)


def _is_for_anybody(operation: Operation) -> bool:
    """Whether there may be something in it for whoever has not signed in: what is public."""
    public = (Permission.CHANNEL_READ, Permission.RESOURCE_READ)
    return operation.permission in public and not operation.job


def _has_secret(operation: Operation) -> bool:
    return "secret" in getattr(operation.result, "__annotations__", {})


def _refusal(actor: Actor, error: NotPermitted) -> Refused:
    """Who is nobody yet is told to sign in; it may help."""
    return error if actor.who.is_somebody else NotSignedIn(given=False)


def _placing(headers: Sent) -> Placing:
    said = _text(headers, b"condarium-time")
    return Placing.read(
        _text(headers, b"condarium-queue"),
        _text(headers, b"condarium-priority"),
        _text(headers, b"condarium-chain"),
        parse_duration(said, label="condarium-time") if said is not None else None,
    )


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


def _text(headers: Sent, name: bytes) -> str | None:
    return headers[name].decode("latin-1") if name in headers else None


def _options(methods: list[str]) -> Response:
    return Response(status=204, headers=((b"allow", ", ".join(methods).encode()),))
