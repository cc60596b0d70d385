"""Responses, and the parts of HTTP that are the same for all of them.

What a response is to a conditional request, to a range of it, or to HEAD (RFC 9110) is a function
of the whole response and of the request's headers; sending it is the only thing that does I/O.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import msgspec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

IMMUTABLE = "max-age=31536000, immutable"
_CHUNK = 1 << 20
_RANGE = re.compile(rb"bytes=\s*(\d{0,18})-(\d{0,18})\s*")
_REVISION = b"x-condarium-revision"
_KEPT = (b"etag", b"cache-control", _REVISION)
_KEPT_ELSEWHERE = (_REVISION,)


@dataclass(frozen=True, kw_only=True)
class FileBody:
    """Bytes that are a file."""

    path: Path
    size: int


@dataclass(frozen=True, kw_only=True)
class PartBody:
    """So many bytes of a file from an offset on."""

    path: Path
    start: int
    size: int


@dataclass(frozen=True, kw_only=True)
class ElsewhereBody:
    """Bytes that whoever has the URL can get elsewhere."""

    url: str
    size: int


@dataclass(frozen=True, kw_only=True)
class StreamBody:
    """Bytes that come little by little; how many there will be, nobody knows."""

    pieces: AsyncIterator[bytes]

    @property
    def size(self) -> int:
        return 0


Body = StreamBody | bytes | FileBody | PartBody | ElsewhereBody


@dataclass(frozen=True, kw_only=True)
class Response:
    """A response before it is sent; header names are in lower case."""

    status: int = 200
    headers: Headers = ()
    body: Body = b""
    etag: bytes | None = None

    @classmethod
    def of(
        cls,
        body: Body,
        *,
        media_type: str,
        status: int = 200,
        etag: str | None = None,
        cache_control: str | None = None,
    ) -> Self:
        size = len(body) if isinstance(body, bytes) else body.size
        headers = [(b"content-type", media_type.encode()), (b"content-length", b"%d" % size)]
        quoted = f'"{etag}"'.encode() if etag else None
        if quoted:
            headers += [(b"etag", quoted), (b"accept-ranges", b"bytes")]
        if cache_control:
            headers.append((b"cache-control", cache_control.encode()))
        return cls(status=status, headers=tuple(headers), body=body, etag=quoted)

    @classmethod
    def json(cls, plain: object, *, status: int = 200) -> Self:
        """Plain data, or JSON that was kept, which nobody keeps without asking again."""
        body = plain if isinstance(plain, bytes) else msgspec.json.encode(plain)
        kind = "application/json"
        return cls.of(body, media_type=kind, status=status, cache_control="no-cache")

    @property
    def size(self) -> int:
        return len(self.body) if isinstance(self.body, bytes) else self.body.size

    def plus(self, *headers: tuple[bytes, bytes]) -> "Response":
        return replace(self, headers=(*self.headers, *headers))

    def answering(self, method: str, asked: dict[bytes, bytes]) -> "Response":
        """This response as it is to a request's method and headers."""
        if b"if-none-match" in asked and self.etag and _matches(asked[b"if-none-match"], self.etag):
            return self._with_headers_of(_KEPT, status=304)
        if method == "HEAD":
            return replace(self, body=b"")
        if isinstance(self.body, ElsewhereBody):  # where a range is taken too
            elsewhere = (b"location", self.body.url.encode()), (b"content-length", b"0")
            fresh = (b"cache-control", b"no-cache")  # the URL ends before the package does
            return self._with_headers_of(_KEPT_ELSEWHERE, status=307).plus(*elsewhere, fresh)
        if b"range" in asked and self.etag and self._range_wanted(asked):
            return self._part(asked[b"range"])
        return self

    def _with_headers_of(self, kept: tuple[bytes, ...], *, status: int) -> "Response":
        """A response without a body, and with some of the headers."""
        headers = tuple(header for header in self.headers if header[0] in kept)
        return Response(status=status, headers=headers)

    def _range_wanted(self, asked: dict[bytes, bytes]) -> bool:
        """A range of something else than the client has begun with would be of no use to it."""
        return asked.get(b"if-range", self.etag) == self.etag

    def _part(self, asked: bytes) -> "Response":
        """One range of bytes; several at once, or other units, are answered with the whole."""
        found = _RANGE.fullmatch(asked)
        if not found or not (found[1] or found[2]):
            return self
        start, stop = _bounds(found[1], found[2], self.size)
        if found[1] and found[2] and int(found[1]) > int(found[2]):
            return self
        if start >= stop:
            return self._other(416, b"", b"bytes */%d" % self.size)
        said = b"bytes %d-%d/%d" % (start, stop - 1, self.size)
        return self._other(206, _slice(self.body, start, stop), said)

    def _other(self, status: int, body: Body, content_range: bytes) -> "Response":
        own = (b"content-length", *((b"cache-control",) if status == 416 else ()))
        kept = tuple(header for header in self.headers if header[0] not in own)
        size = len(body) if isinstance(body, bytes) else body.size
        added = ((b"content-length", b"%d" % size), (b"content-range", content_range))
        return replace(self, status=status, headers=(*kept, *added), body=body)


def _matches(asked: bytes, etag: bytes) -> bool:
    """Compare weakly, as If-None-Match does."""
    tags = (tag.strip().removeprefix(b"W/") for tag in asked.split(b","))
    return asked.strip() == b"*" or etag in tags


def _bounds(first: bytes, last: bytes, size: int) -> tuple[int, int]:
    """Where a range begins and ends (exclusively); without a first byte it is the last ones."""
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _slice(body: Body, start: int, stop: int) -> Body:
    if isinstance(body, bytes):
        return body[start:stop]
    assert isinstance(body, FileBody)
    return PartBody(path=body.path, start=start, size=stop - start)


async def send_response(response: Response, send: Send) -> None:
    """Send it: a whole file by the server itself, without passing through Python."""
    await send(
        {"type": "http.response.start", "status": response.status, "headers": response.headers}
    )
    match response.body:
        case bytes(content):
            await send({"type": "http.response.body", "body": content})
        case FileBody(path=path):
            await send({"type": "http.response.pathsend", "path": str(path)})
        case PartBody() as part:
            await _send_part(part, send)
        case StreamBody(pieces=pieces):
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


async def _send_part(part: PartBody, send: Send) -> None:
    descriptor = await asyncio.to_thread(os.open, part.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        at, end = part.start, part.start + part.size
        while at < end:
            chunk = await asyncio.to_thread(os.pread, descriptor, min(_CHUNK, end - at), at)
            if not chunk:
                raise EOFError(f"{part.path} ends at {at}, before {end}")
            at += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": at < end})
    finally:
        os.close(descriptor)
