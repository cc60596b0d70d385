"""What a server says went wrong, as the same errors that are raised in process."""

import inspect
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from types import new_class
from typing import Any, get_type_hints

import condarium
from condarium import errors
from condarium.engine.network.api import Answer
from condarium.errors import BadInput, CondariumError, Conflict, Failed, NotFound, Refused
from condarium.model.from_plain import Misfit, from_plain
from condarium.operating.error_classes import classes_of

_BRANCHES: Mapping[int, type[CondariumError]] = {
    400: BadInput,
    401: Refused,
    403: Refused,
    404: NotFound,
    405: BadInput,
    409: Conflict,
    413: BadInput,
    415: BadInput,
    422: Failed,
}
"""What is not here failed."""
_NO_ADDRESS = ("no-such-address", "no-such-method")


class NoServerHere(Failed):
    """What answers at this address is no condarium."""

    def __init__(self, url: str, found: str) -> None:
        self.url, self.found = url, found
        super().__init__(
            f"{url} is no condarium server: found {found}",
            hint="Check the address; a proxy or a sign-in page may stand in front of the server.",
        )


class OtherVersion(Failed):
    """The server and this client do not understand each other."""

    def __init__(self, url: str, version: str | None, what: str) -> None:
        self.url, self.version, self.what = url, version, what
        super().__init__(
            f"{what}: the server at {url} is condarium {version or 'of an unknown version'}, "
            f"and this one {condarium.__version__}",
            hint="Use a client of the server's version.",
        )


def error_of(answer: Answer, url: str, operation: str) -> CondariumError:
    """The error that an answer tells of."""
    try:
        problem = json.loads(answer.content)
        code, detail, hint = problem["code"], problem["detail"], problem.get("hint")
    except (ValueError, TypeError, KeyError):
        kind = answer.media_type or "nothing"
        return NoServerHere(url, f"{kind} with HTTP status {answer.status}")
    if code in _NO_ADDRESS:
        return OtherVersion(url, answer.version, f"there is no `{operation}` there")
    if answer.status == 401 and operation != "login":  # which would be told to do it again
        hint = f"`condarium login {url}` signs in."
    branch = _BRANCHES.get(answer.status, Failed)
    return make_error(code, detail, hint, problem.get("data") or {}, branch=branch)


def make_error(
    code: str,
    message: str,
    hint: str | None,
    data: Mapping[str, Any],
    *,
    branch: type[CondariumError] = Failed,
) -> CondariumError:
    """An error of the class that the code names; of one of its own where there is none here."""
    kind = _class_of(code, data) or _stand_in(code, branch)
    error = kind.__new__(kind)
    CondariumError.__init__(error, message, hint=hint)
    for name, value in data.items():
        with suppress(AttributeError):  # it is computed from others
            setattr(error, name, _typed(kind, name, value))
    return error


def _class_of(code: str, data: Mapping[str, Any]) -> type[CondariumError] | None:
    """The class with this code; of several, the one that carries such data."""
    return max(classes_of(code), key=lambda kind: len(data.keys() & _arguments(kind)), default=None)


def _stand_in(code: str, branch: type[CondariumError]) -> type[CondariumError]:
    name = "".join(word.capitalize() for word in re.findall(r"\w+", code)) or branch.__name__
    kind: type[CondariumError] = new_class(
        name, (branch,), exec_body=lambda body: body.update(__module__=__name__)
    )
    kind.code, kind.__doc__ = code, branch.__doc__
    return kind


def _typed(kind: type[CondariumError], name: str, value: Any) -> Any:
    """The value as the class has it, as far as its arguments say what that is."""
    with suppress(Misfit, NameError, TypeError):
        hint = get_type_hints(kind.__init__, vars(errors)).get(name)
        if hint is not None:
            return from_plain(hint, value)
    return tuple(value) if isinstance(value, list) else value


def _arguments(kind: type[CondariumError]) -> set[str]:
    return set(inspect.signature(kind.__init__).parameters)
