"""The state of channels, found without reading their indexes.

Two equal states mean that the indexes are the same; then a solve that is known need not be done
again. A state costs a `stat` per local index, and one round trip for all the others together.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from condarium.engine.network.addresses import check_reach
from condarium.engine.network.errors import (
    ChannelUnauthorized,
    ChannelUnreachable,
    NoSuchChannel,
    from_status,
    say_unreachable,
)
from condarium.engine.network.stored_credentials import stored_credentials
from condarium.model.channels import ChannelUrl
from condarium.model.condarc import Condarc

if TYPE_CHECKING:
    import httpx

# rattler takes the first of these that a server has, and remembers which; a local channel is read
# from repodata.json alone. So each counts: a change of any of them may be what it reads next.
REMOTE_INDEXES = ("repodata_shards.msgpack.zst", "repodata.json.zst", "repodata.json")
LOCAL_INDEXES = ("repodata.json",)
_ABSENT = "absent"
_PARALLEL = 16
_PAUSE = 0.2  # seconds before the second try, doubled before each further one


def channel_state(
    channels: Sequence[ChannelUrl],
    platforms: Sequence[str],
    condarc: Condarc | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> str | None:
    """Give a digest of what the channels hold for the platforms and noarch.

    None where it cannot be known: a server that sends neither ETag nor Last-Modified, one that
    wants credentials which are not ours to find (rattler's keyring may have them), `offline`, or a
    channel that is neither a folder nor on HTTP. Then the caller solves anew.

    The digest is of the instant it is taken: take it before the solve whose answer it names.

    Raises ChannelUnreachable, ChannelUnauthorized, NoSuchChannel (a folder that is not there),
    PlaceRefused.
    """
    condarc = condarc or Condarc()
    check_reach((each.url for each in channels), environ)
    subdirs = sorted({*platforms, "noarch"})
    if condarc.offline or any(_scheme(each) not in ("file", "http", "https") for each in channels):
        return None
    local = [line for each in channels if each.is_local for line in _local_state(each, subdirs)]
    remote = [each for each in channels if not each.is_local]
    asked = _ask_all(remote, subdirs, condarc, _Machine.of(environ, home)) if remote else []
    if asked is None:
        return None
    order = [each.url for each in channels]
    return hashlib.sha256(json.dumps([order, local, asked]).encode()).hexdigest()


@dataclass(frozen=True)
class _Machine:
    environ: Mapping[str, str]
    home: Path

    @classmethod
    def of(cls, environ: Mapping[str, str] | None, home: Path | None) -> "_Machine":
        return cls(os.environ if environ is None else environ, home or Path.home())


def _scheme(channel: ChannelUrl) -> str:
    return channel.url.partition(":")[0]


def _local_state(channel: ChannelUrl, subdirs: Sequence[str]) -> Iterator[tuple[str, ...]]:
    folder = Path(channel.path)
    if not folder.is_dir():
        raise NoSuchChannel(channel.url)
    for subdir in subdirs:
        for name in LOCAL_INDEXES:
            yield channel.url, subdir, name, _identity(folder / subdir / name, channel)


def _identity(path: Path, channel: ChannelUrl) -> str:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return _ABSENT
    except OSError as error:
        hint = "Check the permissions of the channel's folder."
        raise ChannelUnreachable(channel.url, f"{path}: {error.strerror}", hint=hint) from error
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"


def _ask_all(
    channels: Sequence[ChannelUrl], subdirs: Sequence[str], condarc: Condarc, machine: _Machine
) -> list[tuple[str, ...]] | None:
    """Ask for every index at once; None where one has no validator."""
    from condarium.engine.network.http import make_http

    known = [_with_stored(channel, machine) for channel in channels]
    questions = list(product(known, subdirs, REMOTE_INDEXES))
    retries = condarc.remote_max_retries
    with make_http(condarc, machine.environ) as http, ThreadPoolExecutor(_PARALLEL) as pool:
        asking = [
            pool.submit(_Ask(http, retries, channel).validator, f"{subdir}/{name}")
            for channel, subdir, name in questions
        ]
    state: list[tuple[str, ...]] = []
    for (channel, subdir, name), asked in zip(questions, asking, strict=True):
        answer = asked.result()
        if answer is None:
            return None
        state.append((channel.url, subdir, name, answer))
    return state


def _with_stored(channel: ChannelUrl, machine: _Machine) -> ChannelUrl:
    if channel.credentials is not None:
        return channel
    host = urlsplit(channel.url).hostname or ""
    return ChannelUrl(channel.url, stored_credentials(host, machine.environ, machine.home))


@dataclass(frozen=True)
class _Ask:
    """One question to a server, and how to ask it again."""

    http: "httpx.Client"
    retries: int
    channel: ChannelUrl

    def validator(self, path: str) -> str | None:
        """What identifies the content of a file of the channel; "absent" where it has none."""
        shown = f"{self.channel.url}/{path}"
        response = self._ask("HEAD", path)
        if response.status_code in (405, 501):
            response = self._ask("GET", path)
        if response.status_code in (200, 206):
            return _validator_of(response)
        if response.status_code == 404:
            return _ABSENT
        error = from_status(shown, response.status_code)
        if isinstance(error, ChannelUnauthorized) and self.channel.credentials is None:
            return None
        raise error

    def _ask(self, method: str, path: str) -> "httpx.Response":
        """Ask until the answer is no passing failure. Raises ChannelUnreachable."""
        import httpx

        for attempt in range(self.retries + 1):
            last = attempt == self.retries
            try:
                response = self._once(method, path)
            except httpx.HTTPError as error:
                if last or isinstance(error, httpx.ProxyError | httpx.UnsupportedProtocol):
                    raise _unreachable(self.channel, error) from error
            else:
                if last or not (response.status_code == 429 or response.status_code >= 502):
                    return response
            time.sleep(_PAUSE * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, method: str, path: str) -> "httpx.Response":
        """Ask, and read no body: a server without HEAD may send the whole index."""
        url = f"{self.channel.with_token()}/{path}"
        headers = {"Range": "bytes=0-0"} if method == "GET" else {}
        with self.http.stream(method, url, headers=headers, auth=self._auth()) as response:
            return response

    def _auth(self) -> "httpx.Auth | None":
        import httpx

        credentials = self.channel.credentials
        if credentials is None or credentials.username is None:
            return None
        password = credentials.password.reveal() if credentials.password else ""
        return httpx.BasicAuth(credentials.username.reveal(), password)


def _validator_of(response: "httpx.Response") -> str | None:
    headers = response.headers
    if etag := headers.get("ETag"):
        return f"etag {etag}"
    modified = headers.get("Last-Modified")
    if not modified:
        return None
    ranged = headers.get("Content-Range", "").rpartition("/")[2]
    return f"modified {modified} length {ranged or headers.get('Content-Length', '?')}"


def _unreachable(channel: ChannelUrl, error: "httpx.HTTPError") -> ChannelUnreachable:
    return say_unreachable(channel.url, words_for(error))


def words_for(error: "httpx.HTTPError") -> str:
    """Say it in the words of rattler's errors: OpenSSL and the resolver have others."""
    import httpx

    text = str(error)
    if isinstance(error, httpx.TimeoutException):
        return "timed out"
    if isinstance(error, httpx.ProxyError):
        return f"tunnel error: {text}"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "invalid peer certificate"
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER" in text:
        return "received corrupt message"
    if "Name or service not known" in text or "name resolution" in text or "getaddrinfo" in text:
        return "dns error"
    if isinstance(error, httpx.RemoteProtocolError):
        return "connection closed"
    return text
