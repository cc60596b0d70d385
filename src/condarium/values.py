"""What callers write, as the values that operations take.

A caller may write the plain form of a value (`"lab/fit"`, `"90d"`, a list) or the value itself.
Whatever is neither raises BadArgument, which names the argument, what was found and what was
expected. Where a path stands for a file, its reader is given: whoever calls from another machine
must not name files of this one.
"""

import difflib
import operator
import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from condarium.errors import BadInput
from condarium.model.document import Document
from condarium.model.governance.resources import ResourceName
from condarium.model.names import EnvironmentName
from condarium.model.upload import Upload
from condarium.model.view import ChannelName, View
from condarium.operation import Parameter

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"\s*(?:\d+(?:\.\d+)?\s*[smhdw]\s*)+")
_LONGEST = timedelta(days=365_000)
_LARGEST = 1 << 63
"""No database takes whole numbers from there on."""
_SHOWN = 200
"""How much of a wrong value is said, in characters."""

Readers = Mapping[Any, Callable[[str], object]]
"""By Document and Upload, what reads a file of this machine by its path."""


class BadArgument(BadInput):
    """An argument is unknown, missing, or of another kind than it must be."""


def accept(
    parameter: Parameter, value: object, *, label: str, readers: Readers | None = None
) -> Any:
    """Give what the operation takes, which can be stored; errors call the argument `label`.

    Raises BadArgument, BadName for a name, and what the readers raise.
    """
    if value is None and parameter.optional:
        return None
    if not parameter.many:
        return _accept_one(parameter, value, label, readers)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | os.PathLike):
        return tuple(_accept_one(parameter, item, label, readers) for item in value)
    return (_accept_one(parameter, value, label, readers),)


def parse_duration(text: str, *, label: str = "duration") -> timedelta:
    """Read `90d`, `12h`, `2w`, `30m`, `45s` or several together, such as `1d 12h`."""
    if not _DURATION.fullmatch(text):
        raise _bad(label, text, "a duration such as 90d, 12h, 2w, 30m or 1d12h")
    try:
        parts = re.findall(r"([\d.]+)\s*([smhdw])", text)
        duration = sum((timedelta(**{_UNITS[u]: float(n)}) for n, u in parts), timedelta())
    except OverflowError:
        duration = timedelta.max
    return _check_duration(duration, text, label)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most similar, None where none is similar enough."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A question that names the most similar known word, or None."""
    close = closest(word, known)
    return f"Did you mean {close}?" if close else None


def _accept_one(parameter: Parameter, value: object, label: str, readers: Readers | None) -> Any:
    if parameter.type in (Document, Upload):
        return _file(parameter.type, value, label, readers)
    if isinstance(value, str) and ("\0" in value or not _is_unicode(value)):
        raise BadArgument(f"{label}: found a character that no text has; expected a text in UTF-8")
    if parameter.choices:
        return _choice(value, label, parameter.choices)
    return _ACCEPT[parameter.type](value, label)


def _is_unicode(text: str) -> bool:
    """Whether it has no half of a surrogate pair, and so can be stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _choice(value: object, label: str, choices: tuple[str, ...]) -> str:
    if value in choices:
        return str(value)
    raise _bad(label, value, f"one of {', '.join(choices)}", did_you_mean(str(value), choices))


def _text(value: object, label: str) -> str:
    if isinstance(value, str):
        return value
    raise _bad(label, value, "a text")


def _integer(value: object, label: str) -> int:
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]  # that is what it finds out
    except TypeError:
        number = None
    if number is None:
        raise _bad(label, value, "a whole number")
    if abs(number) >= _LARGEST:
        bits = number.bit_length()
        raise BadArgument(f"{label}: found a number of {bits} bits; expected 63 at most")
    return number


def _boolean(value: object, label: str) -> bool:
    if isinstance(value, bool):
        return value
    raise _bad(label, value, "true or false")


def _duration(value: object, label: str) -> timedelta:
    if isinstance(value, timedelta):
        return _check_duration(value, value, label)
    if isinstance(value, str):
        return parse_duration(value, label=label)
    raise _bad(label, value, "a timedelta, or a duration such as '90d'")


def _check_duration(duration: timedelta, found: object, label: str) -> timedelta:
    if timedelta() <= duration <= _LONGEST:
        return duration
    raise _bad(label, found, "a duration from 0 to 1000 years")


def _file(kind: type, value: object, label: str, readers: Readers | None) -> object:
    if isinstance(value, kind):
        return value
    if readers is None:
        raise _bad(label, value, "a file")
    if isinstance(value, str | os.PathLike):
        return readers[kind](os.fspath(value))
    raise _bad(label, value, "the path of a file")


def _parsed(kind: type, expected: str) -> Callable[[object, str], Any]:
    """What accepts a value of a type that reads texts, or a text of it."""

    def accept(value: object, label: str) -> Any:
        if isinstance(value, kind):
            return value
        if isinstance(value, str):
            return kind.parse(value)  # type: ignore[attr-defined]  # each type that is given has it
        raise _bad(label, value, expected)

    return accept


def _view(value: object, label: str) -> View:
    if isinstance(value, View):
        return value
    if isinstance(value, ChannelName):
        return View(channel=value)
    if isinstance(value, str):
        return View.parse(value)
    raise _bad(label, value, "a channel or a view of one, such as 'lab/as-of/r12'")


_ACCEPT: Mapping[Any, Callable[[object, str], Any]] = {
    str: _text,
    int: _integer,
    bool: _boolean,
    timedelta: _duration,
    EnvironmentName: _parsed(EnvironmentName, "the name of an environment, such as 'lab/fit'"),
    ChannelName: _parsed(ChannelName, "the name of a channel, such as 'lab'"),
    View: _view,
    ResourceName: _parsed(ResourceName, "the name of a resource, such as 'gpu-a100'"),
}


def _bad(label: str, found: object, expected: str, hint: str | None = None) -> BadArgument:
    shown = repr(found)
    if len(shown) > _SHOWN:
        shown = f"{shown[:_SHOWN]}…"
    return BadArgument(f"{label}: found {shown}; expected {expected}", hint=hint)
