"""A URL of a channel, and the credentials that came with it, kept apart from the start.

A lock, a log or a message can only ever hold the clean URL.
"""

import posixpath
import re
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from condarium.errors import BadInput
from condarium.model.secret import Secret, redact_broken_url
from condarium.model.subdirs import SUBDIRS

PLATFORMS = frozenset((*SUBDIRS, "noarch"))
_SCHEMES = ("http", "https", "file", "oci", "s3", "gcs")
_TOKEN = re.compile(r"(?P<before>.*?)/t/(?P<token>[^/]+)(?P<after>/.*|)")
_ENCODED = re.compile(r"%[0-9a-fA-F]{2}")
_UNRESERVED = re.compile(r"[a-zA-Z0-9._~\-]")
_PORTS = {"http": ":80", "https": ":443"}
_UNSET = re.compile(r"\$(?:\{([^}]+)\}|(\w+))")


class BadChannel(BadInput):
    """A channel is written in a way that means nothing."""

    def __init__(self, channel: str, reason: str, *, hint: str | None = None) -> None:
        self.channel, self.reason = redact_broken_url(channel), reason
        super().__init__(f"channel {self.channel!r}: {reason}", hint=hint)


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a server wants to see: HTTP Basic, a token in the path (`/t/TOKEN/`), or both.

    `token_after` is the path in front of `/t/`; "" where the token comes first.
    """

    username: Secret | None = None
    password: Secret | None = None
    token: Secret | None = None
    token_after: str = ""


@dataclass(frozen=True)
class ChannelUrl:
    """Where a channel is: a URL with neither credentials nor a slash at the end."""

    url: str
    credentials: Credentials | None = None

    @property
    def is_local(self) -> bool:
        return self.url.startswith("file://")

    @property
    def path(self) -> PurePath:
        """The folder of a local channel."""
        return PurePosixPath(unquote(urlsplit(self.url).path))

    def with_token(self) -> str:
        """The URL with its token back in the path: as secret as the token itself."""
        if self.credentials is None or not self.credentials.token:
            return self.url
        parts = urlsplit(self.url)
        before, token = self.credentials.token_after, self.credentials.token.reveal()
        path = f"{before}/t/{token}{parts.path.removeprefix(before)}"
        return urlunsplit(parts._replace(path=path))


def parse_channel_url(text: str) -> ChannelUrl:
    """Split a URL from its credentials. Raises BadChannel."""
    check_set(text)
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:  # it quotes a piece of the text, which may be one of the password
        raise _not_a_url(text, "not a URL: no host, or no port behind its ':'") from None
    if parts.scheme not in _SCHEMES:
        known = ", ".join(f"{each}://" for each in _SCHEMES)
        raise BadChannel(text, f"a URL of the kind {parts.scheme}://", hint=f"Use one of {known}.")
    if "@" in f"{parts.path}?{parts.query}#{parts.fragment}" and "@" not in parts.netloc:
        raise _not_a_url(text, "a URL with '@' behind its host")
    if parts.query or parts.fragment:
        hint = "Name the folder that has noarch/ and the platforms in it."
        raise BadChannel(text, "a URL with '?' or '#' in it", hint=hint)
    if parts.scheme == "file":
        return local_channel(unquote(parts.path))
    user_info, _, place = parts.netloc.rpartition("@")
    if not place:
        raise BadChannel(text, "a URL without a host")
    path = _clean_path(parts.path, text)
    before, token, path = _split_token(path)
    place = _clean_place(place, parts.scheme)
    clean = urlunsplit((parts.scheme, place, before + path, "", "")).rstrip("/")
    return ChannelUrl(clean, _credentials(user_info, token, before))


def _not_a_url(text: str, reason: str) -> BadChannel:
    hint = None
    if "@" in text:
        hint = "In a password, write '#' as %23, '/' as %2F, '?' as %3F, ':' as %3A and '@' as %40."
    return BadChannel(text, reason, hint=hint)


def local_channel(path: str) -> ChannelUrl:
    """Give the URL of a folder."""
    clean = _without_platform(posixpath.normpath("/" + path.lstrip("/")), path)
    return ChannelUrl(f"file://{quote(clean)}")


def check_set(text: str) -> None:
    """Raise BadChannel where a variable in the text has no value."""
    found = _UNSET.search(text)
    if found is None:
        return
    if "@" in text[found.end() :] and text[found.start() - 1] not in ":/":
        raise BadChannel(
            text,
            "a '$' in its user or password",
            hint="Write '$' as %24, or set the variable that is meant.",
        )
    name = found[1] or found[2]
    raise BadChannel(
        text,
        f"the environment variable {name} in it is not set",
        hint=f"Set {name} before you run condarium.",
    )


def unset_variable(text: str) -> str | None:
    """Give the name of a variable that is still in a text, because it has no value."""
    found = _UNSET.search(text)
    return (found[1] or found[2]) if found else None


def _clean_place(place: str, scheme: str) -> str:
    place = place.lower().removesuffix(_PORTS.get(scheme, ":"))
    return re.sub(r"\.(?=:|$)", "", place)


def _clean_path(path: str, text: str) -> str:
    """One spelling for one path, so that no rule about channels is met by writing it otherwise."""
    path = _ENCODED.sub(lambda found: _decoded(found[0]), path)
    if ".." in path.split("/"):
        raise BadChannel(text, "a URL with '..' in its path")
    return _without_platform(re.sub("/{2,}", "/", path).rstrip("/"), text)


def _decoded(escape: str) -> str:
    character = unquote(escape)
    return character if _UNRESERVED.fullmatch(character) else escape.upper()


def _without_platform(path: str, text: str) -> str:
    before, _, last = path.rpartition("/")
    if last in PLATFORMS and before:
        raise BadChannel(
            text,
            f"one platform ({last}) of a channel",
            hint="Name the channel itself, without the platform; `platforms:` says which ones.",
        )
    return path


def _split_token(path: str) -> tuple[str, str, str]:
    found = _TOKEN.fullmatch(path)
    return (found["before"], found["token"], found["after"]) if found else ("", "", path)


def _credentials(user_info: str, token: str, before: str) -> Credentials | None:
    if not user_info and not token:
        return None
    username, _, password = user_info.partition(":")
    return Credentials(
        username=Secret(unquote(username)) if user_info else None,
        password=Secret(unquote(password)) if user_info else None,
        token=Secret(token) if token else None,
        token_after=before,
    )
