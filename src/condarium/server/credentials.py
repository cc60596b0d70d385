"""Who sends a request: the administrator, who has the token, or anybody.

Clients send a token in any of four ways, and all of them before they are asked for one:
`/t/TOKEN/` in front of a path (conda, mamba, rattler), HTTP Basic with the token as password or as
user, a Bearer token, or `X-API-Key` (quetz's clients).
"""

import base64
import binascii
import hmac
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from condarium.errors import BadInput, Refused, StoreUnusable
from condarium.model.actor import NOBODY_IN_PARTICULAR, Actor
from condarium.model.secret import Secret
from condarium.settings import ServerSettings
from condarium.storage.layout import Layout
from condarium.storage.modes import make_folder

ANYBODY = NOBODY_IN_PARTICULAR
ADMINISTRATOR = Actor(name="administrator")
ADMIN_TOKEN = "admin-token"  # noqa: S105 - a file's name
"""The file in the store that has the token, for its owner's eyes only."""


class NotSignedIn(Refused):
    """The request has no token, or not the right one."""

    def __init__(self, *, given: bool) -> None:
        self.given = given
        super().__init__(
            "the token is not one of this server's" if given else "this needs a token",
            hint="Send it as `Authorization: Bearer TOKEN`, as the password of HTTP Basic, as "
            "X-API-Key, or as /t/TOKEN in front of the path.",
        )


class BadTokenFile(BadInput):
    """The administrator's token cannot be used."""

    def __init__(self, source: object, found: str) -> None:
        self.source, self.found = source, found
        super().__init__(
            f"{source}: found {found}; expected a token of at least 16 characters, without spaces",
            hint="Remove the file to have a new token made, or write another one into it.",
        )


def split_token(path: str) -> tuple[str, str | None]:
    """Take `/t/TOKEN` off a path."""
    if not path.startswith("/t/"):
        return path, None
    token, slash, rest = path[3:].partition("/")
    if not token:
        return path, None
    return f"{slash}{rest}" or "/", token


class Gate:
    """Knows the administrator's token."""

    def __init__(self, token: Secret) -> None:
        self._token = token.reveal().encode()

    def actor(self, headers: dict[bytes, bytes], in_path: str | None) -> Actor:
        """Who sends a request with these headers, whose names are in lower case.

        Raises NotSignedIn where a token was sent and is wrong.
        """
        given = list(_sent(headers, in_path))
        if not given:
            return ANYBODY
        right = [hmac.compare_digest(token, self._token) for token in given]
        if not any(right):
            raise NotSignedIn(given=True)
        return ADMINISTRATOR


def _sent(headers: dict[bytes, bytes], in_path: str | None) -> Iterator[bytes]:
    if in_path:
        yield in_path.encode(errors="surrogateescape")
    if key := headers.get(b"x-api-key"):
        yield key
    scheme, _, value = headers.get(b"authorization", b"").strip().partition(b" ")
    match scheme.lower():
        case b"bearer":
            yield value.strip()
        case b"basic":
            user, _, password = _decoded(value).partition(b":")
            yield from filter(None, (password, user))


def _decoded(value: bytes) -> bytes:
    try:
        return base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b"?"  # no token at all is something else than one that cannot be read


def administrator_token(layout: Layout, settings: ServerSettings) -> tuple[Secret, Path | None]:
    """The token, and the file that it is in; in the store it is made where there is none.

    Raises BadTokenFile, StoreUnusable.
    """
    if settings.admin_token:
        return _checked(settings.admin_token.reveal(), "CONDARIUM_ADMIN_TOKEN"), None
    file = settings.admin_token_file or layout.root / ADMIN_TOKEN
    try:
        if settings.admin_token_file is None:
            _make(file)
        return _checked(file.read_text().strip(), file), file
    except UnicodeDecodeError as error:
        raise BadTokenFile(file, "bytes that are no text") from error
    except OSError as error:
        raise StoreUnusable(file, error.strerror or str(error)) from error


def _make(file: Path) -> None:
    """Write a new token, whole or not at all; of two servers that start at once one makes it."""
    if file.exists():
        return
    make_folder(file.parent)
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as writing:
            writing.write(f"{secrets.token_urlsafe(32)}\n")
        os.link(fresh, file)
    except FileExistsError:
        return
    finally:
        fresh.unlink()


def _checked(token: str, source: object) -> Secret:
    if len(token) < 16 or any(each.isspace() for each in token):
        raise BadTokenFile(source, "an empty one" if not token else "another one")
    return Secret(token)
