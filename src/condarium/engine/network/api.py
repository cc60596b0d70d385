"""Requests to a condarium server: repeated until they are answered, and events as they come.

A request may be sent again because the server knows it again: one that changes something carries a
key, under which the server keeps what it answered. So a connection that breaks, or a server that
starts again, is waited for here, and nothing is done twice.
"""

import ipaddress
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from condarium.errors import Failed, Refused
from condarium.model.secret import Secret, redact_url

if TYPE_CHECKING:
    import httpx

_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
"""Seconds before the second try, doubled before each further one."""
_SHORT_PATIENCE, _PATIENCE = 3.0, 60.0
"""Seconds for which a server is asked again that has not heard a request, or may have."""
_CONNECT, _WRITE, _READ = 10.0, 60.0, 600.0
"""Seconds: an answer may take long, because what it is about is carried out first."""
_SILENCE = 45.0
"""Seconds without an event, or a sign of life, after which a stream of events is given up."""
_BUSY = (502, 503, 504)
_PROBLEM = "application/problem+json"
_BEING_ANSWERED = b'"idempotency-key-in-use"'
"""The code of the answer to a request that the server is still busy with."""


class ServerUnreachable(Failed):
    """A condarium server does not answer."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(
            f"the server at {url} does not answer: {reason}",
            hint="Check its address and that it is up; `--store DIR` works without a server.",
        )


class ServerMoved(Failed):
    """The server sends its clients elsewhere; no token goes along."""

    def __init__(self, url: str, to: str) -> None:
        self.url, self.to = url, redact_url(to)
        super().__init__(
            f"the server at {url} sends its clients to {self.to}",
            hint="Name that server, if it is the one you mean: tokens do not follow by themselves.",
        )


class NotEncrypted(Refused):
    """A token would go over the network for everybody to read."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(
            f"a token is not sent to {url}: anybody on the way could read it",
            hint="Use https://. CONDARIUM_PLAIN_HTTP=1 sends it, where the network is your own.",
        )


@dataclass(frozen=True, kw_only=True)
class SentFile:
    """A file of a form: its bytes, or where they are read from as they are sent."""

    field: str
    name: str
    content: bytes | Path


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request. It has a `body` of JSON, or else `fields` and `files` of a form, or neither."""

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    body: Mapping[str, Any] | None = None
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Sequence[SentFile] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server answered; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def version(self) -> str | None:
        """Which condarium answered; None where something else did."""
        return self.headers.get("x-condarium-version")

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip()


@dataclass(frozen=True, kw_only=True)
class Event:
    """A server-sent event; `data` is JSON. Without a kind, it is only a sign of life."""

    id: str = ""
    kind: str = ""
    data: str = ""


class Api:
    """A server, spoken to over HTTP; may be used by several threads at once."""

    def __init__(
        self,
        url: str,
        *,
        token: Secret | None = None,
        agent: str = "condarium",
        encrypted: bool = True,
    ) -> None:
        """Nothing is asked yet. Raises NotEncrypted."""
        self.url, self._token, self._agent = url.rstrip("/"), token, agent
        if token and encrypted and url.startswith("http://") and not self._is_here:
            raise NotEncrypted(self.url)
        self._making = Lock()

    def ask(self, question: Question) -> Answer:
        """Send a request until it is answered. Raises ServerUnreachable and ServerMoved.

        A server that is not there at all is soon given up; one that may have heard the request is
        waited for, because nobody else knows what came of it.
        """
        import httpx

        began, patience, pause = time.monotonic(), _SHORT_PATIENCE, _PAUSE
        while True:
            wanted = 0.0
            try:
                answer = self._ask(question)
            except httpx.TransportError as error:
                if not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                    patience = _PATIENCE
                late = isinstance(error, httpx.ReadTimeout)
                if late or _is_about_tls(error) or time.monotonic() - began > patience:
                    raise self._unreachable(error) from None
            else:
                if time.monotonic() - began >= _patience_with(answer):
                    return answer
                wanted = _wanted_pause(answer)
            time.sleep(max(pause, wanted))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def events(self, path: str, *, after: str | None = None) -> Iterator[Event]:
        """Give events until the stream ends. Raises ServerUnreachable as soon as it breaks.

        A status that is not 200 raises Unanswered, which has the answer.
        """
        import httpx

        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
        timeout = httpx.Timeout(_SILENCE, connect=_CONNECT)
        request = self._http.build_request("GET", self.url + path, headers=headers, timeout=timeout)
        try:
            with closing(self._http.send(request, stream=True)) as response:
                if response.status_code != 200:
                    response.read()
                    raise Unanswered(_answer(response))
                yield from _events(response.iter_raw())
        except httpx.TransportError as error:
            raise self._unreachable(error) from None

    def close(self) -> None:
        if "_http" in vars(self):
            self._http.close()

    def _ask(self, question: Question) -> Answer:
        with _form(question) as form:
            response = self._client().request(
                question.method,
                self.url + question.path,
                params=list(question.query) or None,
                headers=dict(question.headers),
                **form,
            )
        if response.has_redirect_location:
            raise ServerMoved(self.url, response.headers["location"])
        return _answer(response)

    def _unreachable(self, error: "httpx.TransportError") -> ServerUnreachable:
        from condarium.engine.network.channel_state import words_for
        from condarium.engine.network.errors import known_reason, last_cause

        words = words_for(error)
        reason = (known_reason(words) or (last_cause(words), ""))[0]
        return ServerUnreachable(self.url, reason or type(error).__name__)

    @property
    def _is_here(self) -> bool:
        """Whether the server is on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def _client(self) -> "httpx.Client":
        with self._making:
            return self._http

    @cached_property
    def _http(self) -> "httpx.Client":
        import httpx

        from condarium.engine.network.http import system_tls

        headers = {"User-Agent": self._agent, "Accept-Encoding": "identity"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return httpx.Client(
            verify=system_tls() if self.url.startswith("https:") else False,
            trust_env=not self._is_here,  # no proxy leads to this machine
            follow_redirects=False,
            headers=headers,
            timeout=httpx.Timeout(_READ, connect=_CONNECT, write=_WRITE),
        )


class Unanswered(Exception):
    """Instead of events there came another answer."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(answer.status)


def _is_about_tls(error: BaseException | None) -> bool:
    """Whether a certificate or the like is at fault, which waiting does not mend."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _patience_with(answer: Answer) -> float:
    """For how long to ask again; what condarium itself says is final, unless it says when to."""
    if answer.status in _BUSY and "retry-after" in answer.headers:
        return _PATIENCE
    if answer.status in _BUSY and answer.media_type != _PROBLEM:
        return _SHORT_PATIENCE
    if answer.status == 409 and _BEING_ANSWERED in answer.content:
        return _READ
    return 0


def _wanted_pause(answer: Answer) -> float:
    wanted = answer.headers.get("retry-after", "")
    return min(float(wanted), _PATIENCE) if wanted.isdecimal() else 0


def _answer(response: "httpx.Response") -> Answer:
    return Answer(
        status=response.status_code, headers=dict(response.headers), content=response.content
    )


@contextmanager
def _form(question: Question) -> Iterator[dict[str, Any]]:
    """What httpx sends as the body; files are opened, and read piece by piece."""
    with ExitStack() as opened:
        files = [
            (file.field, (file.name, _opened(file.content, opened), "application/octet-stream"))
            for file in question.files
        ]
        if files:
            yield {"data": dict(question.fields), "files": files}
        else:
            yield {"json": question.body} if question.body is not None else {}


def _opened(content: bytes | Path, opened: ExitStack) -> Any:
    return content if isinstance(content, bytes) else opened.enter_context(content.open("rb"))


def _events(pieces: Iterator[bytes]) -> Iterator[Event]:
    """Server-sent events out of a stream, in which comments are signs of life."""
    fields: dict[str, str] = {}
    for line in _lines(pieces):
        if line.startswith(":"):
            yield Event()
        elif line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            yield Event(id=fields.get("id", ""), kind=fields.get("event", ""), data=fields["data"])
            fields = {}


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    """Whole lines; a text's other line ends, such as U+2028, may stand within one."""
    held = b""
    for piece in pieces:
        *lines, held = (held + piece).split(b"\n")
        yield from (line.decode().removesuffix("\r") for line in lines)
