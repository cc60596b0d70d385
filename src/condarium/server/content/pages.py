"""The pages that people look at, as responses."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qs

from condarium.channels.views.catalogue import Catalogue
from condarium.channels.views.listing import Listing
from condarium.model.actor import Actor
from condarium.server.content.addresses import FileAddress, FrontPage
from condarium.server.responses import Response
from condarium.storage.store import Store

_HTML = "text/html; charset=utf-8"
_SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # a token in the path must not reach the sites that packages link to
    (b"referrer-policy", b"same-origin"),
    (b"vary", b"Cookie, Authorization"),
)
_FIELDS = 20
_NUMBER = re.compile(r"[0-9]{1,6}")
_HOST = re.compile(r"[0-9A-Za-z.\-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a request says beside its path: the query, and where people reach this server."""

    query: str = ""
    origin: str = ""

    @property
    def text(self) -> str:
        """What is looked for."""
        return self._field("q", "")

    @property
    def at(self) -> str:
        """As of when; empty for now."""
        return self._field("at", "").strip()

    @property
    def project(self) -> str:
        """Whose; empty for all."""
        return self._field("project", "").strip()

    @property
    def number(self) -> int:
        """Which page of a list, from 1."""
        text = self._field("page", "1")
        return max(int(text), 1) if _NUMBER.fullmatch(text) else 1

    def _field(self, name: str, default: str) -> str:
        """The first value of a field; a query of too many fields says nothing."""
        with suppress(ValueError):
            return parse_qs(self.query, max_num_fields=_FIELDS).get(name, [default])[0]
        return default


def asked_of(headers: Mapping[bytes, bytes], query: bytes, scheme: str) -> Asked:
    """Read the query and the host; X-Forwarded-Host is not believed, since anybody may send it."""
    host = headers.get(b"host", b"").decode("latin-1")
    origin = f"{scheme}://{host}" if _HOST.fullmatch(host) else ""
    return Asked(query=query.decode("latin-1"), origin=origin)


def moved(path: str) -> Response:
    """To the same address with a slash behind it, from which relative links begin."""
    place = path.rpartition("/")[2]
    headers = ((b"location", f"{place}/".encode()), (b"content-length", b"0"))
    return Response(status=308, headers=headers)


def render_page(
    store: Store,
    catalogue: Catalogue,
    address: FrontPage | FileAddress,
    listing: Listing | None,
    asked: Asked,
    actor: Actor,
) -> Response:
    """A page as somebody sees it. Raises what opening the view raises."""
    from condarium.web.pages import page

    content, revision = page(
        store,
        catalogue,
        listing.view if listing else None,
        (address.subdir or None) if isinstance(address, FileAddress) else None,
        url=asked.origin,
        query=asked.text,
        number=asked.number,
        actor=actor,
    )
    said = ((b"x-condarium-revision", revision.encode()),) if revision else ()
    return html(content, etag=sha256(content).hexdigest()[:32]).plus(*said)


def html(content: bytes, *, status: int = 200, etag: str | None = None) -> Response:
    """A page, which nobody but the browser keeps, nor that where it has no ETag."""
    from condarium.web.rendering import security_policy

    return Response.of(
        content,
        media_type=_HTML,
        status=status,
        etag=etag,
        cache_control="private, no-cache" if etag else "no-store",
    ).plus((b"content-security-policy", security_policy().encode()), *_SAFE)
