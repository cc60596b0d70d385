"""Errors as responses: the one table of statuses, and what a client is told (RFC 9457)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from condarium.errors import BadInput, CondariumError
from condarium.model.jobs import JobError
from condarium.model.plain import error_data
from condarium.model.secret import redact_url
from condarium.operating.error_classes import classes_of
from condarium.server.content.workers import RETRY_AFTER, Busy
from condarium.server.responses import Response
from condarium.storage.failures import StoreBusy

STATUSES: Mapping[str, int] = {
    "bad-input": 400,
    "not-signed-in": 401,
    "wrong-password": 401,
    "bad-signature": 401,
    "refused": 403,
    "not-found": 404,
    "no-such-method": 405,
    "too-slow": 408,
    "conflict": 409,
    "too-large": 413,
    "unsolvable": 422,
    "pip-resolution-failed": 422,
    "idempotency-key-reused": 422,
    "too-many-attempts": 429,
    "too-many-jobs": 429,
    "no-such-blob": 500,
    "channel-unreachable": 502,
    "channel-unauthorized": 502,
    "bad-repodata": 502,
    "package-unfetchable": 502,
    "package-corrupt": 502,
    "wheel-not-fetched": 502,
    "remote-too-large": 502,
    "upstream-failed": 502,
    "provider-failed": 502,
    "github-failed": 502,
    "busy": 503,
    "store-busy": 503,
    "took-too-long": 504,
    "store-full": 507,
}
"""By the code of an error's class, or else of the nearest around it; by default it is 500.

What is not here went wrong on our side.
"""
_CHALLENGES = (
    (b"www-authenticate", b'Basic realm="condarium", charset="UTF-8"'),
    (b"www-authenticate", b"Bearer"),
)
_MASKED = {
    500: "the server failed; its log says how",
    502: "a channel elsewhere did not give what this one needs; the server's log says how",
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
    return _status(type(error))


def _status(kind: type[CondariumError]) -> int:
    codes = (each.code for each in kind.__mro__ if issubclass(each, CondariumError))
    return next((STATUSES[code] for code in codes if code in STATUSES), 500)


def problem(error: CondariumError, *, frank: bool = False) -> Response:
    """Say what went wrong; of what the client can do nothing about, only that it did.

    It is `frank` to somebody who may do what failed, and would be told all on a command line.
    """
    status = status_of(error)
    response = _problem(
        status, error.code, error.message, error.hint, data=error_data(error), frank=frank
    )
    if status == 401:
        return response.plus(*_CHALLENGES)
    if isinstance(error, NoSuchMethod):
        return response.plus((b"allow", ", ".join(error.expected).encode()))
    wait = RETRY_AFTER if isinstance(error, Busy | StoreBusy) else None
    wait = getattr(error, "retry_after", wait)
    return response if wait is None else response.plus((b"retry-after", b"%d" % wait))


def job_problem(error: JobError) -> Response:
    """Say why a job did not succeed, to whoever asked for it."""
    status = STATUSES.get(error.code)
    if status is None:  # as a rule it was not in this process that the class was imported
        status = next(map(_status, classes_of(error.code)), 500)
    return _problem(status, error.code, error.message, error.hint, data=error.data, frank=True)


def unexpected() -> Response:
    """What a client is told of a defect."""
    return _problem(500, "unexpected", "something unexpected happened", None, data={}, frank=True)


def _problem(
    status: int,
    code: str,
    message: str,
    hint: str | None,
    *,
    data: Mapping[str, Any],
    frank: bool,
) -> Response:
    said: dict[str, Any] = {"status": status, "title": code.replace("-", " "), "code": code}
    if not frank and status in _MASKED:
        said |= {"detail": _MASKED[status]}
    else:
        said |= {"detail": redact_url(message), "hint": hint, "data": _redacted(data)}
    return Response.of(
        msgspec.json.encode({word: value for word, value in said.items() if value}),
        media_type="application/problem+json",
        status=status,
        cache_control="no-cache",
    )


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return redact_url(value)
        case Mapping():
            return {word: _redacted(each) for word, each in value.items()}
        case list():
            return [_redacted(each) for each in value]
    return value
