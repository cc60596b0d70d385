"""Files of channels elsewhere, by URL: over HTTP as the condarc says, or from a folder."""

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO, TypeVar
from urllib.parse import unquote, urlsplit

from condarium.engine.network.addresses import check_reach
from condarium.engine.network.errors import ChannelUnreachable, from_status, say_unreachable
from condarium.engine.network.stored_credentials import stored_credentials
from condarium.errors import Failed, NotFound
from condarium.model.channels import ChannelUrl, Credentials, known_credentials
from condarium.model.condarc import Condarc
from condarium.model.secret import redact_url

if TYPE_CHECKING:
    import httpx

_T = TypeVar("_T")
_PAUSE = 0.2  # seconds before the second try, doubled before each further one
_PIECE = 1 << 20
_PASSING = (429, 502, 503, 504)
LARGEST_READ = 2 << 30
"""In bytes: what is read into memory, unless less is expected."""
LARGEST_DOWNLOAD = 64 << 30
"""In bytes: what is written to a disk where nobody knows how large it is to be."""
_ENCODINGS = ("", "identity", "gzip", "deflate")
_SCHEMES = ("http", "https", "file")


class NoSuchRemoteFile(NotFound):
    """A channel elsewhere has no such file."""

    def __init__(self, url: str) -> None:
        self.url = redact_url(url)
        super().__init__(f"there is no {self.url}")


class RemoteTimedOut(ChannelUnreachable):
    """A channel's server took too long to answer."""


class RemoteTooLarge(Failed):
    """A file of a channel elsewhere has more bytes than it may have; the rest is not read."""

    def __init__(self, url: str, largest: int) -> None:
        self.url, self.largest = redact_url(url), largest
        super().__init__(
            f"{self.url} has more than the {largest} bytes that it may have",
            hint="Upstream's index says how large its packages are; something else is there now.",
        )


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file as it was found at a URL.

    `validators` are the headers that ask for it only if it has changed. Where they were sent and
    it has not, `content` is None.
    """

    url: str
    content: bytes | None
    validators: Mapping[str, str] = field(default_factory=dict)


class RemoteFiles:
    """Reads files by URL (http, https, file); may be used by several threads at once.

    The credentials for a URL are those of the longest of `channels` and of the condarc's places
    that it begins with, and else those that are stored for its host. What may pass, such as a
    connection that broke, is tried again as often as the condarc says.

    Raises NoSuchRemoteFile, ChannelUnreachable, RemoteTimedOut, ChannelUnauthorized,
    RemoteTooLarge, PlaceRefused.
    """

    def __init__(
        self,
        condarc: Condarc,
        *,
        environ: Mapping[str, str],
        home: Path,
        channels: Iterable[ChannelUrl] = (),
    ) -> None:
        self._condarc, self._environ, self._home = condarc, environ, home
        self._known = [*channels, *known_credentials(condarc)]
        self._making = Lock()

    def get(
        self, url: str, *, unless: Mapping[str, str] | None = None, largest: int = LARGEST_READ
    ) -> RemoteFile:
        """Read a whole file of at most `largest` bytes into memory.

        `unless` are the validators of one that is known.
        """
        check_reach([url], self._environ)
        if path := _local(url):
            return _read(path, url, unless or {}, largest)
        return self._often(url, lambda: self._get(url, unless or {}, largest))

    def download(self, url: str, into: BinaryIO, *, largest: int = LARGEST_DOWNLOAD) -> None:
        """Write a file of at most `largest` bytes, in bounded memory.

        A second try begins from the start.
        """
        check_reach([url], self._environ)
        if path := _local(url):
            with _open(path, url) as source:
                into.writelines(_at_most(largest, _pieces(source), url))
            return
        self._often(url, lambda: self._download(url, into, largest))

    def close(self) -> None:
        if "_http" in vars(self):
            self._http.close()

    def _get(self, url: str, unless: Mapping[str, str], largest: int) -> RemoteFile:
        address, auth = self._address(url)
        with closing(self._send(address, auth, unless)) as response:
            self._check(url, response.status_code, also=304 if unless else 200)
            changed = response.status_code != 304
            return RemoteFile(
                url=url,
                content=b"".join(_body(response, url, largest)) if changed else None,
                validators=_validators(response.headers) if changed else unless,
            )

    def _download(self, url: str, into: BinaryIO, largest: int) -> None:
        into.seek(0)
        into.truncate()
        with closing(self._send(*self._address(url), {})) as response:
            self._check(url, response.status_code)
            into.writelines(_body(response, url, largest))

    def _send(
        self, address: str, auth: "httpx.Auth | None", headers: Mapping[str, str]
    ) -> "httpx.Response":
        http = self._client()
        return http.send(
            http.build_request("GET", address, headers=dict(headers)), auth=auth, stream=True
        )

    def _check(self, url: str, status: int, *, also: int = 200) -> None:
        if status in (200, also):
            return
        if status in (404, 410):
            raise NoSuchRemoteFile(url)
        if status in _PASSING:
            raise _Passing(url, status)
        raise from_status(url, status)

    def _often(self, url: str, ask: Callable[[], _T]) -> _T:
        import httpx

        tries = self._condarc.remote_max_retries + 1
        for again in range(tries):
            last = again == tries - 1
            try:
                return ask()
            except _Passing as busy:
                if last:
                    raise from_status(url, busy.status) from busy
            except httpx.HTTPError as error:
                if last or isinstance(error, httpx.ProxyError | httpx.UnsupportedProtocol):
                    raise _say(url, error) from error
            time.sleep(_PAUSE * 2**again)
        raise AssertionError("the last try returns or raises")

    def _address(self, url: str) -> "tuple[str, httpx.Auth | None]":
        """The URL with its token in the path, and the user who asks."""
        import httpx

        base, credentials = self._credentials(url)
        address = ChannelUrl(base, credentials).with_token() + url.removeprefix(base)
        if credentials is None or credentials.username is None:
            return address, None
        password = credentials.password.reveal() if credentials.password else ""
        return address, httpx.BasicAuth(credentials.username.reveal(), password)

    def _credentials(self, url: str) -> tuple[str, Credentials | None]:
        fitting = [each for each in self._known if f"{url}/".startswith(f"{each.url}/")]
        if fitting:
            longest = max(fitting, key=lambda each: len(each.url))
            if longest.credentials:
                return longest.url, longest.credentials
        parts = urlsplit(url)
        stored = stored_credentials(parts.hostname or "", self._environ, self._home)
        return f"{parts.scheme}://{parts.netloc}", stored

    def _client(self) -> "httpx.Client":
        with self._making:
            return self._http

    @cached_property
    def _http(self) -> "httpx.Client":
        from condarium.engine.network.http import make_http

        return make_http(self._condarc, self._environ)


class _Passing(Exception):  # it never leaves this module
    """A server is busy: it may answer the next time."""

    def __init__(self, url: str, status: int) -> None:
        self.url, self.status = url, status
        super().__init__(url)


def _say(url: str, error: "httpx.HTTPError") -> ChannelUnreachable:
    from condarium.engine.network.channel_state import words_for

    said = say_unreachable(url, words_for(error))
    import httpx

    if isinstance(error, httpx.TimeoutException):
        return RemoteTimedOut(url, said.reason, hint=said.hint)
    return said


def _body(response: "httpx.Response", url: str, largest: int) -> Iterator[bytes]:
    """The pieces of a body; of those encodings only that turn no single piece into gigabytes."""
    encoding = response.headers.get("Content-Encoding", "")
    if encoding.lower() not in _ENCODINGS:
        hint = "The server was asked to send its files as they are."
        raise ChannelUnreachable(url, f"its bytes are encoded as {encoding}", hint=hint)
    return _at_most(largest, response.iter_bytes(_PIECE), url)


def _pieces(source: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: source.read(_PIECE), b"")


def _at_most(largest: int, pieces: Iterable[bytes], url: str) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > largest:
            raise RemoteTooLarge(url, largest)
        yield piece


def _validators(headers: Mapping[str, str]) -> dict[str, str]:
    if etag := headers.get("ETag"):
        return {"If-None-Match": etag}
    modified = headers.get("Last-Modified")
    return {"If-Modified-Since": modified} if modified else {}


def _local(url: str) -> Path | None:
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        hint = f"Name one with {', '.join(f'{each}://' for each in _SCHEMES)}."
        raise ChannelUnreachable(url, f"files of {parts.scheme}:// cannot be read here", hint=hint)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _read(path: Path, url: str, unless: Mapping[str, str], largest: int) -> RemoteFile:
    with _open(path, url) as source:
        found = os.fstat(source.fileno())
        validators = {"identity": f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"}
        changed = validators != unless
        content = b"".join(_at_most(largest, _pieces(source), url)) if changed else None
    return RemoteFile(url=url, content=content, validators=validators)


def _open(path: Path, url: str) -> BinaryIO:
    """Open a regular file: a pipe or a device may have no end, or keep whoever opens it waiting."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise NoSuchRemoteFile(url)
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise NoSuchRemoteFile(url) from error
    except OSError as error:
        hint = "Check the permissions of the channel's folder."
        raise ChannelUnreachable(url, f"{path}: {error.strerror}", hint=hint) from error
