"""Names of channels and the URLs that they stand for, without the credentials.

A ChannelUrl keeps the two apart from the start, so that a lock, a log or a message can only ever
hold the clean URL.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from condarium.errors import BadInput, Refused
from condarium.model.condarc import Condarc
from condarium.model.secret import Secret, redact_url
from condarium.model.subdirs import SUBDIRS

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*://")
_SCHEMES = ("http", "https", "file", "oci", "s3", "gcs")
_TOKEN = re.compile(r"(?P<before>.*?)/t/(?P<token>[^/]+)(?P<after>/.*|)")
_ENCODED = re.compile(r"%[0-9a-fA-F]{2}")
_UNRESERVED = re.compile(r"[a-zA-Z0-9._~\-]")
_PORTS = {"http": ":80", "https": ":443"}
_UNSET = re.compile(r"\$(?:\{([^}]+)\}|(\w+))")
_PLATFORMS = frozenset((*SUBDIRS, "noarch"))


class BadChannel(BadInput):
    """A channel is written in a way that means nothing."""

    def __init__(self, channel: str, reason: str, *, hint: str | None = None) -> None:
        self.channel = redact_url(channel)
        super().__init__(f"channel {self.channel!r}: {reason}", hint=hint)


class ChannelDenied(Refused):
    """The `.condarc` does not allow this channel."""

    def __init__(self, channel: str, url: str, key: str) -> None:
        self.channel, self.url = redact_url(channel), url
        rule = "names it" if key == "denylist_channels" else "does not name it"
        super().__init__(
            f"channel {self.channel} ({url}) is not allowed: {key} in the .condarc {rule}",
            hint="Use one that is allowed, or ask whoever keeps the .condarc of this machine.",
        )


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


def resolve_channel(
    name: str, condarc: Condarc, *, relative_to: PurePath, home: PurePath | None = None
) -> list[ChannelUrl]:
    """Find the channels that a name stands for: one, or those of a multichannel, or none.

    A name may be `conda-forge`, `conda-forge/label/dev`, a URL, a path (starting with `/`, `./`,
    `../` or `~/`; relative ones start at `relative_to`), `defaults` or another multichannel.
    `nodefaults` stands for none. Credentials that the condarc has for a place go with it.

    Raises BadChannel, ChannelDenied.
    """
    found = [
        _with_known(each, condarc)
        for each in _resolve(name.strip(), condarc, _Places(relative_to, home), ())
    ]
    for channel in found:
        _check_allowed(name, channel, condarc)
    return found


def resolve_channels(
    names: Iterable[str], condarc: Condarc, *, relative_to: PurePath, home: PurePath | None = None
) -> list[ChannelUrl]:
    """Find the channels of several names, in order, each URL once."""
    found: dict[str, ChannelUrl] = {}
    for name in names:
        for each in resolve_channel(name, condarc, relative_to=relative_to, home=home):
            found.setdefault(each.url, each)
    return list(found.values())


def known_credentials(condarc: Condarc) -> list[ChannelUrl]:
    """The places of a condarc that come with credentials, the most specific first.

    They hold for every URL below them: also for those of a lock, which has no credentials.
    """
    found: dict[str, ChannelUrl] = {}
    for text in _urls_of(condarc):
        if _SCHEME.match(text) and not _UNSET.search(text):
            channel = parse_channel_url(text)
            if channel.credentials is not None:
                found.setdefault(channel.url, channel)
    return sorted(found.values(), key=lambda each: (-len(each.url), each.url))


def parse_channel_url(text: str) -> ChannelUrl:
    """Split a URL from its credentials. Raises BadChannel."""
    _check_set(text)
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise BadChannel(text, f"not a URL ({redact_url(str(error))})") from None
    if parts.scheme not in _SCHEMES:
        known = ", ".join(f"{each}://" for each in _SCHEMES)
        raise BadChannel(text, f"a URL of the kind {parts.scheme}://", hint=f"Use one of {known}.")
    if parts.query or parts.fragment:
        hint = "Name the folder that has noarch/ and the platforms in it."
        raise BadChannel(text, "a URL with '?' or '#' in it", hint=hint)
    if parts.scheme == "file":
        return _local(unquote(parts.path))
    user_info, _, place = parts.netloc.rpartition("@")
    if not place:
        raise BadChannel(text, "a URL without a host")
    path = _clean_path(parts.path, text)
    before, token, path = _split_token(path)
    place = _clean_place(place, parts.scheme)
    clean = urlunsplit((parts.scheme, place, before + path, "", "")).rstrip("/")
    return ChannelUrl(clean, _credentials(user_info, token, before))


@dataclass(frozen=True)
class _Places:
    relative_to: PurePath
    home: PurePath | None


def _resolve(
    name: str, condarc: Condarc, places: _Places, outer: tuple[str, ...]
) -> Iterator[ChannelUrl]:
    if name == "nodefaults":
        return
    if _SCHEME.match(name):
        yield parse_channel_url(name)
    elif _is_path(name):
        yield _local(_absolute(name, places))
    elif (members := _members(name, condarc)) is not None:
        if name in outer:
            chain = " → ".join((*outer, name))
            raise BadChannel(name, f"custom_multichannels lead back to it ({chain})")
        for member in members:
            yield from _resolve(member, condarc, places, (*outer, name))
    else:
        yield _named(_check_name(name), condarc, places)


def _members(name: str, condarc: Condarc) -> Sequence[str] | None:
    custom = dict(condarc.custom_multichannels)
    return custom.get(name, condarc.default_channels if name == "defaults" else None)


def _named(name: str, condarc: Condarc, places: _Places) -> ChannelUrl:
    """Look a plain name up in custom_channels, from the longest beginning on; else the alias."""
    custom = {key.strip("/"): base for key, base in condarc.custom_channels}
    pieces = name.split("/")
    for length in range(len(pieces), 0, -1):
        base = custom.get("/".join(pieces[:length]))
        if base is not None:
            return _below(base, name, places)
    return _below(condarc.channel_alias, name, places)


def _below(base: str, name: str, places: _Places) -> ChannelUrl:
    if _SCHEME.match(base):
        return parse_channel_url(f"{base.rstrip('/')}/{name}")
    if _is_path(base):
        return _local(f"{_absolute(base, places)}/{name}")
    return parse_channel_url(f"https://{base.strip('/')}/{name}")


def _is_path(name: str) -> bool:
    return name in (".", "..", "~") or name.startswith(("/", "./", "../", "~/"))


def _absolute(name: str, places: _Places) -> str:
    _check_set(name)
    if name == "~" or name.startswith("~/"):
        if places.home is None:
            raise BadChannel(name, "'~' where no home folder is known")
        return f"{places.home}{name[1:]}"
    return name if name.startswith("/") else f"{places.relative_to}/{name}"


def _local(path: str) -> ChannelUrl:
    clean = _without_platform(posixpath.normpath("/" + path.lstrip("/")), path)
    return ChannelUrl(f"file://{quote(clean)}")


def _check_name(name: str) -> str:
    _check_set(name)
    clean = name.strip("/")
    if not clean or re.search(r"[\s\\<>\"'@?#%:]", clean) or ".." in clean.split("/"):
        raise BadChannel(
            name,
            "neither a name, a URL nor a path",
            hint="Write a name (conda-forge), a URL (https://host/channel) or a path (./channel).",
        )
    return clean


def _check_set(text: str) -> None:
    if (unset := _UNSET.search(text)) is not None:
        name = unset[1] or unset[2]
        raise BadChannel(
            text,
            f"the environment variable {name} in it is not set",
            hint=f"Set {name} before you run condarium.",
        )


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
    if last in _PLATFORMS and before:
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


def _urls_of(condarc: Condarc) -> Iterator[str]:
    yield from condarc.channels
    yield from (f"{base.rstrip('/')}/{name}" for name, base in condarc.custom_channels)
    yield from condarc.default_channels
    for _, members in condarc.custom_multichannels:
        yield from members
    yield condarc.channel_alias


def _with_known(channel: ChannelUrl, condarc: Condarc) -> ChannelUrl:
    if channel.credentials is not None or channel.is_local:
        return channel
    for known in known_credentials(condarc):
        if _is_below(channel.url, known.url):
            return ChannelUrl(channel.url, known.credentials)
    return channel


def _is_below(url: str, base: str) -> bool:
    return url == base or url.startswith(f"{base}/")


def _check_allowed(name: str, channel: ChannelUrl, condarc: Condarc) -> None:
    """A channel's labels lie below it, and go with it."""
    denied = _bases(condarc.denylist_channels, condarc)
    if any(_is_below(channel.url, base) for base in denied):
        raise ChannelDenied(name, channel.url, "denylist_channels")
    if condarc.allowlist_channels:
        allowed = _bases(condarc.allowlist_channels, condarc)
        if not any(_is_below(channel.url, base) for base in allowed):
            raise ChannelDenied(name, channel.url, "allowlist_channels")


def _bases(names: Sequence[str], condarc: Condarc) -> list[str]:
    places = _Places(PurePosixPath("/"), None)
    return [each.url for name in names for each in _resolve(name, condarc, places, ())]
