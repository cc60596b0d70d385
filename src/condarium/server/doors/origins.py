"""Where a request comes from, and how it came: what a trusted proxy says of it is believed."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address

from condarium.server.responses import Scope
from condarium.settings.sign_in import Network


def address_of(
    scope: Scope, headers: Mapping[bytes, bytes], trusted: Sequence[Network]
) -> str | None:
    """The peer's address; behind trusted proxies the last one that none of them has."""
    client = scope.get("client")
    peer = client[0] if client else None
    if not trusted or not _is_trusted(peer, trusted):
        return peer
    for hop in reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
        address = _address(hop.strip())
        if address is None:
            break
        peer = address
        if not _is_trusted(address, trusted):
            break
    return peer


def is_https(
    scope: Scope, headers: Mapping[bytes, bytes], trusted: Sequence[Network], public_url: str | None
) -> bool:
    """Whether the browser that sent it talks TLS, to us or to a proxy."""
    if scope["scheme"] == "https" or (public_url or "").startswith("https://"):
        return True
    client = scope.get("client")
    if not trusted or not client or not _is_trusted(client[0], trusted):
        return False
    return headers.get(b"x-forwarded-proto", b"").strip().lower() == b"https"


def _is_trusted(address: str | None, trusted: Sequence[Network]) -> bool:
    with suppress(ValueError):
        parsed = ip_address(address or "")
        return any(parsed in network for network in trusted)
    return False


def _address(text: str) -> str | None:
    """An address as proxies write it, perhaps with a port."""
    bare = text[1:].partition("]")[0] if text.startswith("[") else text
    for candidate in (bare, bare.partition(":")[0]):
        with suppress(ValueError):
            return str(ip_address(candidate))
    return None
