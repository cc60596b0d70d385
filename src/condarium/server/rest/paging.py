"""Pages of lists over HTTP: where the next one is, in a `Link` header (RFC 8288)."""

from urllib.parse import parse_qsl, quote, urlencode

from condarium.server.responses import Headers, Scope


def links(scope: Scope, result: object) -> Headers:
    """The header that names what follows a page; none behind the last one, or for other results."""
    cursor = getattr(result, "next", None)
    if scope["method"] not in ("GET", "HEAD") or not isinstance(cursor, str):
        return ()
    query = parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True)
    others = [(word, value) for word, value in query if word != "cursor"]
    where = f"{quote(scope['path'])}?{urlencode([*others, ('cursor', cursor)])}"
    return ((b"link", f'<{where}>; rel="next"'.encode()),)
