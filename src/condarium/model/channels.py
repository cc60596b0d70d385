"""Names of channels, and the URLs that they stand for."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath

from condarium.errors import Refused
from condarium.model.channel_url import (
    PLATFORMS,
    BadChannel,
    ChannelUrl,
    Credentials,
    check_set,
    local_channel,
    parse_channel_url,
    unset_variable,
)
from condarium.model.condarc import Condarc
from condarium.model.secret import redact_url

__all__ = [
    "BadChannel",
    "ChannelDenied",
    "ChannelUrl",
    "Credentials",
    "known_credentials",
    "parse_channel_url",
    "pinned_to_channels",
    "resolve_channel",
    "resolve_channels",
]

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*://")
# The channel of a MatchSpec: `CHANNEL::name` or `name[channel=CHANNEL]`.
_PREFIX = re.compile(r"(?P<before>\s*)(?P<channel>[^\s\[\]=<>!~]+?)(?P<after>::.*)", re.S)
_BRACKET = re.compile(
    r"(?P<before>.*\[(?:[^\]]*,)?\s*channel\s*=\s*)"
    r"(?P<quote>['\"]?)(?P<channel>[^'\",\]]+)(?P=quote)(?P<after>\s*[,\]].*)",
    re.S,
)


class ChannelDenied(Refused):
    """The `.condarc` does not allow this channel."""

    def __init__(self, channel: str, url: str, key: str) -> None:
        self.channel, self.url = redact_url(channel), url
        rule = "names it" if key == "denylist_channels" else "does not name it"
        super().__init__(
            f"channel {self.channel} ({url}) is not allowed: {key} in the .condarc {rule}",
            hint="Use one that is allowed, or ask whoever keeps the .condarc of this machine.",
        )


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


def pinned_to_channels(
    dependencies: Iterable[str],
    channels: Sequence[ChannelUrl],
    condarc: Condarc,
    *,
    relative_to: PurePath,
    home: PurePath | None = None,
) -> tuple[tuple[str, ...], list[ChannelUrl]]:
    """Write URLs for the channels that MatchSpecs name, and put those channels after the others.

    `lab::fit` becomes `https://host/lab::fit`: only so does a solver that knows neither the alias
    nor the custom channels see which one is meant. Raises BadChannel, ChannelDenied.
    """
    found = {channel.url: channel for channel in channels}
    written = []
    for dependency in dependencies:
        if (named := _PREFIX.match(dependency) or _BRACKET.match(dependency)) is None:
            written.append(dependency)
            continue
        name, subdir = _split_platform(named["channel"].strip())
        of_name = resolve_channel(name, condarc, relative_to=relative_to, home=home)
        if len(of_name) != 1:
            hint = "Name the one that the package is to come from."
            raise BadChannel(name, f"it stands for {len(of_name)} channels", hint=hint)
        channel = of_name[0]
        found.setdefault(channel.url, channel)
        quote = '"' if named.re is _BRACKET else ""
        text = f"{quote}{channel.url}{subdir}{quote}"
        written.append(f"{named['before']}{text}{named['after']}")
    return tuple(written), list(found.values())


def known_credentials(condarc: Condarc) -> list[ChannelUrl]:
    """The places of a condarc that come with credentials, the most specific first.

    They hold for every URL below them: also for those of a lock, which has no credentials.
    """
    found: dict[str, ChannelUrl] = {}
    for text in _urls_of(condarc):
        if _SCHEME.match(text) and unset_variable(text) is None:
            channel = parse_channel_url(text)
            if channel.credentials is not None:
                found.setdefault(channel.url, channel)
    return sorted(found.values(), key=lambda each: (-len(each.url), each.url))


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
        yield local_channel(_absolute(name, places))
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


def _split_platform(name: str) -> tuple[str, str]:
    before, _, last = name.rpartition("/")
    return (before, f"/{last}") if last in PLATFORMS and before else (name, "")


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
        return local_channel(f"{_absolute(base, places)}/{name}")
    return parse_channel_url(f"https://{base.strip('/')}/{name}")


def _is_path(name: str) -> bool:
    return name in (".", "..", "~") or name.startswith(("/", "./", "../", "~/"))


def _absolute(name: str, places: _Places) -> str:
    check_set(name)
    if name == "~" or name.startswith("~/"):
        if places.home is None:
            raise BadChannel(name, "'~' where no home folder is known")
        return f"{places.home}{name[1:]}"
    return name if name.startswith("/") else f"{places.relative_to}/{name}"


def _check_name(name: str) -> str:
    check_set(name)
    clean = name.strip("/")
    if not clean or re.search(r"[\s\\<>\"'@?#%:]", clean) or ".." in clean.split("/"):
        raise BadChannel(
            name,
            "neither a name, a URL nor a path",
            hint="Write a name (conda-forge), a URL (https://host/channel) or a path (./channel).",
        )
    return clean


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
