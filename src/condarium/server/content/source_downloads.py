"""Source archives, by their hash and by where upstream had them.

/source/9f…e1                               bytes that never change
/source/9f…e1/thing-1.0.tar.gz              the same, under a name
/source/url/https://example.org/thing.tar.gz    the latest that was seen there
"""

import re
from collections.abc import Callable
from urllib.parse import quote

from condarium.channels.sources import NoSuchSource, find_source
from condarium.model.hosting.source import Source
from condarium.server.content.downloads import blob_body
from condarium.server.responses import IMMUTABLE, Response
from condarium.storage.store import Store

PREFIX = "/source/"
_BY_HASH = re.compile(r"([0-9a-f]{64})(?:/[^/]*)?")
_BY_URL = re.compile(r"url/(https?|ftp):/+(.+)", re.DOTALL)
"""Proxies on the way may make one slash of two."""


def source_response(store: Store, path: str, query: str, may_read: Callable[[], bool]) -> Response:
    """An archive at a path behind the prefix.

    Raises NoSuchSource, also where whoever asks may not have it.
    """
    by_hash = _BY_HASH.fullmatch(path)
    what = by_hash[1] if by_hash else _url(path, query)
    source = find_source(store, what, may_have=lambda source: source.public or may_read())
    whose = "public" if source.public else "private"
    age = IMMUTABLE if by_hash else "no-cache"
    return Response.of(
        blob_body(store, source.sha256, source.size, elsewhere=True),
        media_type="application/octet-stream",
        etag=source.sha256,
        cache_control=f"{whose}, {age}",
    ).plus((b"content-disposition", _named(source)))


def _url(path: str, query: str) -> str:
    found = _BY_URL.fullmatch(path)
    if not found:
        raise NoSuchSource(path)
    return f"{found[1]}://{found[2]}{'?' if query else ''}{query}"


def _named(source: Source) -> bytes:
    return f"attachment; filename*=UTF-8''{quote(source.file_name, safe='')}".encode()
