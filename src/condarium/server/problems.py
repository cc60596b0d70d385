"""Errors as responses: the one table of statuses, and what a client is told (RFC 9457)."""

from collections.abc import Mapping

import msgspec

from condarium.errors import (
    BadInput,
    CondariumError,
    Conflict,
    NoSuchBlob,
    NotFound,
    PipResolutionFailed,
    Refused,
    StoreFull,
    Unsolvable,
)
from condarium.model.secret import redact_url
from condarium.server.credentials import NotSignedIn
from condarium.server.responses import Response
from condarium.server.workers import RETRY_AFTER, Busy
from condarium.storage.failures import StoreBusy

_STATUSES: Mapping[type[CondariumError], int] = {
    NotSignedIn: 401,
    NoSuchBlob: 500,
    BadInput: 400,
    NotFound: 404,
    StoreBusy: 503,
    Conflict: 409,
    Refused: 403,
    StoreFull: 507,
    Busy: 503,
    Unsolvable: 422,
    PipResolutionFailed: 422,
}
"""What is not here went wrong on our side, or upstream."""
_CHALLENGES = (
    (b"www-authenticate", b'Basic realm="condarium", charset="UTF-8"'),
    (b"www-authenticate", b"Bearer"),
)


_MASKED = {
    500: "the server failed; its log says how",
    502: "a channel elsewhere did not give what this one needs; the server's log says how",
    504: "a channel elsewhere did not answer in time",
}
"""What a stranger is told: our files and upstream's address are not for everybody."""


class TooLarge(BadInput):
    """The upload is larger than this server takes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"the upload is larger than the {limit} bytes that this server takes",
            hint="CONDARIUM_UPLOAD_LIMIT sets the limit, where the server is started.",
        )


class NoSuchMethod(BadInput):
    """There is something at this address, but it takes another method."""

    def __init__(self, found: str, *expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"found the method {found}; expected {' or '.join(expected)}")


def status_of(error: CondariumError) -> int:
    match error:
        case TooLarge():
            return 413
        case NoSuchMethod():
            return 405
    found = (status for branch, status in _STATUSES.items() if isinstance(error, branch))
    return next(found, None) or _status_of_failure(error)


def _status_of_failure(error: CondariumError) -> int:
    from condarium.channels.remote.upstream import UpstreamFailed
    from condarium.engine.network.errors import ChannelUnauthorized, ChannelUnreachable
    from condarium.engine.network.remote_files import RemoteTooLarge

    upstream = (UpstreamFailed, ChannelUnreachable, ChannelUnauthorized, RemoteTooLarge)
    return 502 if isinstance(error, upstream) else 500


def problem(error: CondariumError, *, frank: bool = False) -> Response:
    """Say what went wrong; of what the client can do nothing about, only that it did.

    It is `frank` to somebody who may do what failed, and would be told all on a command line.
    """
    status = status_of(error)
    masked = None if frank else _MASKED.get(status)
    detail = masked or redact_url(error.message)
    hint = None if masked else error.hint
    response = _problem(status, error.code, detail, hint)
    if status == 401:
        return response.plus(*_CHALLENGES)
    if isinstance(error, Busy | StoreBusy):
        return response.plus((b"retry-after", b"%d" % RETRY_AFTER))
    if isinstance(error, NoSuchMethod):
        return response.plus((b"allow", ", ".join(error.expected).encode()))
    return response


def unexpected() -> Response:
    """What a client is told of a defect."""
    return _problem(500, "unexpected", "something unexpected happened", None)


def _problem(status: int, code: str, detail: str, hint: str | None) -> Response:
    said = {"status": status, "title": code.replace("-", " "), "code": code, "detail": detail}
    if hint:
        said["hint"] = hint
    return Response.of(
        msgspec.json.encode(said),
        media_type="application/problem+json",
        status=status,
        cache_control="no-cache",
    )
