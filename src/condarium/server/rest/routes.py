"""Which operation an address of the REST face stands for."""

import re
from collections.abc import Callable
from functools import cache

from condarium.app import operations
from condarium.operation import Operation
from condarium.server.content.addresses import NoSuchAddress
from condarium.server.problems import NoSuchMethod

PREFIX = "/api/v1"
DESCRIPTION = f"{PREFIX}/openapi.json"

Named = dict[str, str]
"""What a path names, by the words in braces."""


def find_route(method: str, path: str) -> tuple[Operation, Named]:
    """The operation at an address, and what its path names. Raises NoSuchAddress, NoSuchMethod."""
    there = _there(path)
    for operation, named in there:
        if operation.route and operation.route[0] == method:
            return operation, named
    raise NoSuchMethod(method, *_methods(there))


def methods_at(path: str) -> list[str]:
    """The methods that an address takes. Raises NoSuchAddress."""
    return _methods(_there(path))


def _there(path: str) -> list[tuple[Operation, Named]]:
    """The operations at an address; where several places fit, the one with words of its own."""
    found = [
        (operation, match.groupdict()) for operation, fits in _routes() if (match := fits(path))
    ]
    if not found:
        raise NoSuchAddress(hint=f"{DESCRIPTION} has all operations.")
    place = _place(found[0][0])
    return [(operation, named) for operation, named in found if _place(operation) == place]


def _methods(there: list[tuple[Operation, Named]]) -> list[str]:
    methods = {operation.route[0] for operation, _ in there if operation.route}
    return sorted({*methods, "OPTIONS", *(("HEAD",) if "GET" in methods else ())})


def _place(operation: Operation) -> str:
    assert operation.route
    return operation.route[1]


@cache
def _routes() -> tuple[tuple[Operation, Callable[[str], re.Match[str] | None]], ...]:
    """Operations and what their paths are matched by: words of theirs before what may be any."""
    routed = [found for found in operations().values() if found.route]
    routed.sort(key=lambda each: [part.startswith("{") for part in _place(each).split("/")])
    return tuple((found, _pattern(_place(found)).fullmatch) for found in routed)


def _pattern(path: str) -> re.Pattern[str]:
    """A view may have slashes in it; nothing else has."""
    path = re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
    path = path.replace("{view}", "(?P<view>.+)")
    return re.compile(re.escape(PREFIX) + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
