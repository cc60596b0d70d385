"""Whether a URL that somebody named may be asked: see `model/reach.py` for the rule."""

import os
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from condarium.errors import Refused
from condarium.model.reach import Reach
from condarium.model.secret import redact_url
from condarium.settings.reach import VARIABLE, read_reach

_PORTS = {"http": 80, "https": 443}


class PlaceRefused(Refused):
    """A URL leads to where this server does not go for its users."""

    def __init__(self, place: str) -> None:
        self.place = redact_url(place)
        super().__init__(
            f"{self.place} is no public address, and this server asks no others",
            hint=f"Whoever keeps the server may allow it by {VARIABLE}.",
        )


def check_reach(urls: Iterable[str], environ: Mapping[str, str] | None) -> None:
    """Raise PlaceRefused where one of the URLs, or of the addresses of its host, is out of reach.

    It is said here so that it is said well; what holds it is the guard, through which everything
    goes (`guard.py`). A host that nobody knows is left to whoever asks it.
    """
    reach = read_reach(os.environ if environ is None else environ)
    if reach.everything:
        return
    for place in {_place(url): None for url in urls}:
        _check(place, reach)


def addresses_of(host: str, port: int, reach: Reach) -> list[str]:
    """The addresses of a host, all of which may be reached. Raises PlaceRefused, OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not all(reach.allows(host, port, address) for address in addresses):
        raise PlaceRefused(f"{host}:{port}")
    return addresses


def _place(url: str) -> str:
    """What of a URL decides: of a file its path, else scheme, host and port."""
    url = url.removeprefix("git+")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise PlaceRefused(url) from None
    if parts.scheme in _PORTS:
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return url


def _check(place: str, reach: Reach) -> None:
    try:
        parts = urlsplit(place)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        raise PlaceRefused(place) from None
    if not parts.scheme or parts.scheme == "file":
        if not reach.allows_folder(Path(unquote(parts.path)).resolve()):
            raise PlaceRefused(place)
        return
    if host is None or port is None or parts.scheme not in _PORTS:
        raise PlaceRefused(place)
    try:
        addresses_of(host, port, reach)
    except (OSError, UnicodeError):
        return
