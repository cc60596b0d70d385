"""Plain data as the results they were made of: the inverse of `to_plain`."""

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from condarium.errors import BadInput, CondariumError
from condarium.model.governance.resources import ResourceName
from condarium.model.names import EnvironmentName
from condarium.model.view import ChannelName, View

_SHOWN = 80


class Misfit(BadInput):
    """Plain data is not what the type that it should have looks like."""

    def __init__(self, where: str, found: object, expected: object) -> None:
        self.where, self.found, self.expected = where, repr(found)[:_SHOWN], _spelled(expected)
        super().__init__(f"{where}: found {self.found}; expected {self.expected}")


def from_plain(hint: Any, plain: object, *, where: str = "the answer") -> Any:
    """Give the value of a type that has this plain form; what the type does not know is left out.

    The type is that of an operation's result, or of a part of it. Raises Misfit.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any or hint is object:
        return plain
    if origin is Annotated:
        return from_plain(arguments[0], plain, where=where)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, plain, where)
    if origin is Literal:
        return _checked(plain, plain in arguments, where, hint)
    if dataclasses.is_dataclass(origin or hint) and (origin or hint) not in _TEXTS:
        return _dataclass(origin or hint, arguments, plain, where)
    if isinstance(origin, type):
        return _collection(origin, arguments, plain, where)
    return _scalar(hint, plain, where)


def _one_of(arms: tuple[Any, ...], plain: object, where: str) -> Any:
    """The value of the first type that fits; what is closest to being plain is tried last."""
    if plain is None and type(None) in arms:
        return None
    misfit: Misfit | None = None
    for arm in sorted(arms, key=lambda arm: arm in _AS_THEY_ARE):
        try:
            return from_plain(arm, plain, where=where)
        except Misfit as error:
            misfit = misfit or error
    raise misfit or Misfit(where, plain, arms)


def _dataclass(kind: type, arguments: tuple[Any, ...], plain: object, where: str) -> Any:
    found = _checked(plain, isinstance(plain, dict), where, kind)
    meant = dict(zip(getattr(kind, "__parameters__", ()), arguments, strict=False))
    hints, values = _hints(kind), {}
    for field in dataclasses.fields(kind):
        if field.name in found and field.init:
            inner = _meant(hints[field.name], meant)
            values[field.name] = from_plain(inner, found[field.name], where=f"{where}.{field.name}")
    try:
        return kind(**values)
    except TypeError:
        raise Misfit(where, plain, kind) from None


def _collection(origin: type, arguments: tuple[Any, ...], plain: object, where: str) -> Any:
    if issubclass(origin, Mapping):
        found = _checked(plain, isinstance(plain, dict), where, origin)
        key, inner = arguments or (str, Any)
        return {
            _key(key, name, where): from_plain(inner, value, where=f"{where}.{name}")
            for name, value in found.items()
        }
    found = _checked(plain, isinstance(plain, list), where, origin)
    if origin is tuple and arguments[-1:] != (...,):
        _checked(plain, len(found) == len(arguments), where, arguments)
        inner_types = arguments
    else:
        inner_types = arguments[:1] * len(found)
    items = (
        from_plain(inner, item, where=f"{where}[{index}]")
        for index, (inner, item) in enumerate(zip(inner_types, found, strict=True))
    )
    return origin(items) if origin in (frozenset, set, list) else tuple(items)


def _key(hint: Any, name: str, where: str) -> Any:
    """A key of a mapping, which was written as a text."""
    if hint is int and name.lstrip("-").isdecimal():
        return int(name)
    return from_plain(hint, name, where=f"{where}.{name}")


def _scalar(hint: Any, plain: object, where: str) -> Any:
    if hint is None or hint is type(None):
        return _checked(plain, plain is None, where, None)
    if hint in _AS_THEY_ARE:
        return _checked(plain, _is(hint, plain), where, hint)
    make = _make(hint)
    try:
        if make is not None and plain is not None:
            return make(plain)
    except (CondariumError, ValueError, TypeError, AttributeError, OverflowError):
        pass
    raise Misfit(where, plain, hint)


def _make(hint: Any) -> Callable[[Any], Any] | None:
    if hint in _TEXTS:
        return _TEXTS[hint]
    if isinstance(hint, type) and issubclass(hint, PurePath):
        return hint
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return None


_AS_THEY_ARE = (bool, int, float, str, dict, list)
_TEXTS: Mapping[Any, Callable[[Any], Any]] = {
    EnvironmentName: EnvironmentName.parse,
    ChannelName: ChannelName.parse,
    View: View.parse,
    ResourceName: ResourceName.parse,
    datetime: datetime.fromisoformat,
    timedelta: lambda seconds: timedelta(seconds=seconds),
    Path: Path,
}
"""What is written as a text or a number, and what reads it."""


def _is(hint: Any, plain: object) -> bool:
    if isinstance(plain, bool):
        return hint is bool
    if hint is float:
        return isinstance(plain, int | float)
    return isinstance(plain, hint)


def _checked(plain: Any, fits: bool, where: str, expected: object) -> Any:
    if not fits:
        raise Misfit(where, plain, expected)
    return plain


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _meant(hint: Any, meant: Mapping[Any, Any]) -> Any:
    """The hint with what its type variables stand for in it."""
    if isinstance(hint, TypeVar):
        return meant.get(hint, Any)
    variables = getattr(hint, "__parameters__", ())
    if meant and variables:
        return hint[tuple(meant.get(variable, Any) for variable in variables)]
    return hint


def _spelled(expected: object) -> str:
    if isinstance(expected, Sequence) and not isinstance(expected, str):
        return " or ".join(map(_spelled, expected))
    return getattr(expected, "__name__", None) or str(expected)
