"""Which function shows which type of result."""

from collections.abc import Callable
from typing import Any, TypeVar

from condarium.cli.page import Page

_R = TypeVar("_R", bound=Callable[[Any, Page], None])
_RENDERERS: dict[Any, Callable[[Any, Page], None]] = {}


def renders(result: Any) -> Callable[[_R], _R]:
    """Declare that the function shows results of this type, as an operation's hint spells it."""

    def declare(function: _R) -> _R:
        _RENDERERS[result] = function
        return function

    return declare


def renderer(result: Any) -> Callable[[Any, Page], None]:
    """Raises KeyError where none was declared; a test holds that every operation has one."""
    return _RENDERERS[result]
