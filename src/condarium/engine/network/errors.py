"""What rattler says when a channel fails, in words that somebody can act on."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from condarium.errors import CondariumError, Failed, NotFound
from condarium.model.channels import ChannelUrl
from condarium.model.secret import redact_url

_CREDENTIALS_HINT = (
    "Put credentials into the channel's URL in ~/.condarc (https://USER:PASSWORD@… or "
    "https://…/t/TOKEN/…), or where rattler looks: RATTLER_AUTH_FILE, the keyring, ~/.netrc."
)


class ChannelUnreachable(Failed):
    """A channel's server does not answer as it should."""

    def __init__(self, url: str, reason: str, *, hint: str | None = None) -> None:
        self.url, self.reason = redact_url(url), redact_url(reason)
        super().__init__(f"cannot reach {self.url}: {self.reason}", hint=hint)


class ChannelUnauthorized(Failed):
    """A channel's server refuses the credentials, or wants some."""

    def __init__(self, url: str, status: int) -> None:
        self.url, self.status = redact_url(url), status
        what = "wants to know who asks" if status == 401 else "does not let you in"
        super().__init__(f"{self.url}: the server {what} (HTTP {status})", hint=_CREDENTIALS_HINT)


class NoSuchChannel(NotFound):
    """There is no channel at this place."""

    def __init__(self, url: str, missing: str = "noarch/repodata.json") -> None:
        self.url, self.missing = redact_url(url).rstrip("/"), missing
        super().__init__(
            f"there is no channel at {self.url}: it has no {missing}",
            hint="Check the spelling, and channel_alias and custom_channels in the .condarc; every "
            "channel must have a noarch/repodata.json, even an empty one.",
        )


class BadRepodata(Failed):
    """A channel's index cannot be read."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = redact_url(url), redact_url(reason)
        super().__init__(
            f"the index of {self.url} cannot be read: {self.reason}",
            hint="Open it in a browser: a sign-in page or a proxy may stand in for it. If it is "
            "the index, its channel must be indexed again.",
        )


class IndexCacheRefused(Failed):
    """The server says that a cached index is current, but rattler cannot use the cached one."""

    def __init__(self, url: str) -> None:
        self.url = redact_url(url)
        super().__init__(
            f"{self.url}: the server answers 304 (not modified), and the cache cannot be used",
            hint="Ask again without the cache; a server that sends an ETag avoids this.",
        )


_URL = re.compile(r"[a-z][a-z0-9+.\-]*://[^\s'\")]+")
_STATUS = re.compile(
    r"(?:HTTP status (?:client|server) error|unexpected status code) \((\d{3})[^)]*\)"
)
_NO_SUBDIR = re.compile(r"could not find subdir '([^']*)' in channel '([^']*)'")

# A piece of rattler's message, what it means, and what to check.
_REASONS: tuple[tuple[str, str, str], ...] = (
    (
        "invalid peer certificate",
        "its certificate is not trusted",
        "Name the certificates of your organisation: ssl_verify: /path/to/ca.pem in the .condarc.",
    ),
    (
        "received corrupt message",
        "it does not speak TLS",
        "Check whether the URL should start with http:// rather than https://.",
    ),
    (
        "tunnel error",
        "the proxy refuses the connection",
        "Check proxy_servers in the .condarc, HTTPS_PROXY and NO_PROXY, and the proxy's password.",
    ),
    (
        "dns error",
        "its host name is not known",
        "Check the spelling and the network; behind a proxy, set proxy_servers in the .condarc.",
    ),
    (
        "Connection refused",
        "the connection is refused",
        "Check the port, and that the server is up.",
    ),
    (
        "timed out",
        "it took too long to answer",
        "Try again; remote_read_timeout_secs in the .condarc allows more time.",
    ),
    (
        "before message length reached",
        "the connection broke off in the middle of the answer",
        "Try again; if it stays so, the server or a proxy cuts answers short.",
    ),
    (
        "error decoding response body",
        "the connection broke off in the middle of the answer",
        "Try again; if it stays so, the server or a proxy cuts answers short.",
    ),
    (
        "onnection reset",
        "the connection was reset",
        "Try again; if it stays so, ask whoever keeps the server.",
    ),
    (
        "connection closed",
        "the connection was closed before the answer",
        "Try again; if it stays so, ask whoever keeps the server.",
    ),
    (
        "no usable repodata cache",
        "there is no cached index, and `offline` is set",
        "Run once with the network, or unset `offline` in the .condarc and CONDA_OFFLINE.",
    ),
    (
        "No space left on device",
        "the disk of the cache is full",
        "Make room, or name a store on another disk.",
    ),
)
_UNREADABLE = (
    "failed to parse",
    "failed to decode",
    "Unknown frame descriptor",
    "invalid JSON",
    "expected value at",
    "decompress",
)


def translate_network_error(
    error: Exception, channels: Sequence[ChannelUrl] = ()
) -> CondariumError:
    """Say in condarium's terms what rattler raised while it used a channel; `__cause__` is kept.

    `channels` are those that were used: some of rattler's messages do not say which one failed.
    """
    if isinstance(error, CondariumError):
        return error
    translated = _translate(str(error), channels)
    translated.__cause__ = error
    return translated


@contextmanager
def translated_network_errors(channels: Sequence[ChannelUrl] = ()) -> Iterator[None]:
    """Translate what rattler raises inside about its network; everything else passes."""
    from rattler.exceptions import FetchRepoDataError, GatewayError

    try:
        yield
    except (FetchRepoDataError, GatewayError) as error:
        raise translate_network_error(error, channels) from error


def say_unreachable(url: str, text: str) -> ChannelUnreachable:
    """Find the words for a failed connection in what a library said."""
    reason, hint = known_reason(text) or (last_cause(text), "Try again.")
    return ChannelUnreachable(url, reason or "no reason was given", hint=hint)


def known_reason(text: str) -> tuple[str, str] | None:
    """The words for what a library said, and what to check; None where it is something else."""
    for fragment, reason, hint in _REASONS:
        if fragment in text:
            return reason, hint
    return None


def last_cause(text: str) -> str:
    """The last thing that a library said, which names the cause; never what a server sent."""
    said = re.split(r"\bBody:", text)[0]
    lines = [line.strip().removeprefix("Caused by: ").rstrip(" .:") for line in said.splitlines()]
    return redact_url(next((line for line in reversed(lines) if line), ""))


def from_status(url: str, status: int) -> CondariumError:
    """Say what an HTTP status means that is no success."""
    if status in (401, 403, 407):
        return ChannelUnauthorized(url, status)
    if status in (404, 410):
        return NoSuchChannel(url, "such file")
    if status == 429:
        reason = "it has had too many requests (HTTP 429)"
        return ChannelUnreachable(url, reason, hint="Wait a minute and try again.")
    if status == 451:
        reason = "it leads to a place that this server does not ask (HTTP 451)"
        return ChannelUnreachable(url, reason, hint="Name the place itself, at a public address.")
    if 300 <= status < 400:
        reason = f"it sends whoever asks elsewhere, and does not say where (HTTP {status})"
        return ChannelUnreachable(url, reason, hint="Open it in a browser, and name what it shows.")
    whose = "the server has failed" if status >= 500 else "the server does not accept the request"
    hint = "Try again later; if it stays so, ask whoever keeps the server."
    return ChannelUnreachable(url, f"{whose} (HTTP {status})", hint=hint)


def _translate(text: str, channels: Sequence[ChannelUrl]) -> CondariumError:
    url = _place(text, channels)
    if missing := _NO_SUBDIR.search(text):
        return NoSuchChannel(missing[2], f"{missing[1]}/repodata.json")
    if "(304)" in text:
        return IndexCacheRefused(url)
    if status := _STATUS.search(text):
        return from_status(url, int(status[1]))
    known = any(fragment in text for fragment, _, _ in _REASONS)
    if not known and any(fragment in text for fragment in _UNREADABLE):
        return BadRepodata(url, last_cause(text))
    return say_unreachable(url, text)


def _place(text: str, channels: Sequence[ChannelUrl]) -> str:
    if found := _URL.search(text):
        return found[0].rstrip(".,:;")
    return " or ".join(channel.url for channel in channels) or "the channel"
