"""Packages as existing tools upload them.

    POST /api/channels/CHANNEL/upload/FILE    quetz: the body is the file; `?sha256=`
    POST /api/v1/upload/CHANNEL               prefix.dev: the body is the file, or a form with it;
                                              X-File-Name and X-File-SHA256

Both take `?label=`, several times for several. Bytes go to a file without a name in the store,
hashed on their way: whatever happens, nothing of a refused upload remains.
"""

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs

from condarium.access import checking
from condarium.app import App, operations
from condarium.errors import BadInput, NotPermitted
from condarium.model.actor import Actor
from condarium.model.hosting.report import Published
from condarium.model.upload import Upload
from condarium.model.view import ChannelName, check_label
from condarium.server.bodies import nameless_file, pieces_of
from condarium.server.doors.credentials import NotSignedIn
from condarium.server.multipart import FileOfForm, boundary_of
from condarium.server.problems import NoSuchMethod, TooLarge
from condarium.server.responses import Receive, Response, Scope
from condarium.settings import ServerSettings
from condarium.storage.store import Store

_QUETZ = re.compile(r"/api/channels/([^/]+)/upload/([^/]+)")
_PREFIX = re.compile(r"/api/v1/upload/([^/]+)")
_AT_ONCE = 4
"""How many uploads are checked and published at once."""


class WrongHash(BadInput):
    """The upload has other bytes than were announced."""

    def __init__(self, file_name: str, *, found: str, expected: str) -> None:
        self.file_name, self.found, self.expected = file_name, found, expected
        super().__init__(
            f"{file_name}: found SHA-256 {found}, expected {expected}",
            hint="Something altered it on its way, or the announced hash is of another file.",
        )


class NoFileName(BadInput):
    """The upload does not say what its file is called."""

    def __init__(self) -> None:
        super().__init__(hint="Send its name as X-File-Name.")


@dataclass(frozen=True, kw_only=True)
class _Announced:
    """What a request says of its file; what it leaves open, the form that it is in may say."""

    channel: ChannelName
    file_name: str | None
    sha256: str | None
    labels: tuple[str, ...]


class Uploads:
    def __init__(self, store: Store, settings: ServerSettings) -> None:
        self._store, self._limit = store, settings.upload_limit
        self._pool = ThreadPoolExecutor(_AT_ONCE, "publish")

    @staticmethod
    def takes(path: str) -> bool:
        """Whether the path is one of these routes."""
        return bool(_QUETZ.fullmatch(path) or _PREFIX.fullmatch(path))

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def respond(
        self, scope: Scope, path: str, headers: dict[bytes, bytes], receive: Receive, actor: Actor
    ) -> Response:
        """Take an upload. Raises NotSignedIn, TooLarge, BadInput and what publishing raises."""
        announced = _announced(path, scope, headers)
        if not actor.who.is_somebody:
            raise NotSignedIn(given=False)
        if scope["method"] != "POST":
            raise NoSuchMethod(scope["method"], "POST")
        if int(headers.get(b"content-length", b"0")) > self._limit:
            raise TooLarge(self._limit)
        await self._in_thread(partial(self._check, announced.channel, actor))
        with nameless_file(self._store.layout) as file:
            taken = await self._take(file, announced, headers, receive)
            published = await self._in_thread(partial(self._publish, file, taken, actor))
        return _said(published)

    def _check(self, channel: ChannelName, actor: Actor) -> None:
        """Raise NoSuchChannel or NotPermitted before the bytes come."""
        publish = operations()["channel publish"]
        try:
            checking.require(self._store, actor, publish, {"channel": channel})
        except NotPermitted as error:
            raise checking.refused(self._store, actor, publish, error) from None
        with self._store.database.read() as facts:
            facts.channels.get(channel)

    async def _take(
        self, file: IO[bytes], announced: _Announced, headers: dict[bytes, bytes], receive: Receive
    ) -> _Announced:
        """Write the body's file, and give what is known of it then."""
        boundary = boundary_of(headers.get(b"content-type", b""))
        form = FileOfForm(boundary) if boundary else None
        digest = hashlib.sha256()

        def write(pieces: Iterable[bytes]) -> None:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)

        async with aclosing(pieces_of(receive, self._limit)) as body:
            async for arrived in body:
                pieces = form.feed(arrived) if form else [arrived]
                await self._in_thread(partial(write, pieces))
        if form:
            form.end()
            announced = _of_form(announced, form)
        return _checked(announced, digest.hexdigest())

    def _publish(self, file: IO[bytes], taken: _Announced, actor: Actor) -> Published:
        file.flush()
        assert taken.file_name is not None
        upload = Upload(taken.file_name, Path(f"/proc/self/fd/{file.fileno()}"))
        arguments = {"channel": taken.channel, "file": (upload,), "label": taken.labels}
        app = App(self._store.settings, actor=actor, store=self._store)
        published: Published = app.call(operations()["channel publish"], arguments)
        return published

    async def _in_thread(self, function: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)


def _announced(path: str, scope: Scope, headers: dict[bytes, bytes]) -> _Announced:
    query = parse_qs(scope["query_string"].decode("latin-1"))
    quetz, prefix = _QUETZ.fullmatch(path), _PREFIX.fullmatch(path)
    found = quetz or prefix
    assert found
    sent = query.get("sha256", [None])[0] or _text(headers, b"x-file-sha256")
    return _Announced(
        channel=ChannelName.parse(found[1]),
        file_name=quetz[2] if quetz else _text(headers, b"x-file-name"),
        sha256=sent,
        labels=tuple(check_label(label) for label in query.get("label", [])),
    )


def _of_form(announced: _Announced, form: FileOfForm) -> _Announced:
    assert form.part
    headers = form.part.headers
    return _Announced(
        channel=announced.channel,
        file_name=announced.file_name or _text(headers, b"x-file-name") or form.part.file_name,
        sha256=announced.sha256 or _text(headers, b"x-file-sha256"),
        labels=announced.labels,
    )


def _checked(announced: _Announced, found: str) -> _Announced:
    if not announced.file_name:
        raise NoFileName
    if announced.sha256 and announced.sha256.lower() != found:
        raise WrongHash(announced.file_name, found=found, expected=announced.sha256)
    return announced


def _text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    return headers[name].decode("latin-1") if name in headers else None


def _said(published: Published) -> Response:
    files = [
        {
            "subdir": file.subdir,
            "file_name": file.file_name,
            "status": file.status,
            "sha256": file.sha256,
            "warnings": file.warnings,
        }
        for file in published.files
    ]
    said = {
        "channel": str(published.channel),
        "labels": published.labels,
        "revision": published.revision,
        "files": files,
    }
    return Response.json(said, status=200 if published.revision is None else 201)
