"""JSON that every reader understands alike: no name twice, no NaN, text that can be stored."""

import json
import math
from typing import Any

from condarium.channels.validation.refusal import Fault

_DEEPEST = 64
_LARGEST = 2**63 - 1


class _Twice(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return found


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text}")
    return number


def _constant(text: str) -> float:
    raise ValueError(f"the number {text}")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_constant=_constant
)


def parse(content: bytes, member: str, *, kind: type | tuple[type, ...] = dict) -> Any:
    """Parse a document that has to be of `kind`. Raises Fault."""
    try:
        document = _DECODER.decode(content.decode("utf-8"))
    except _Twice as error:
        raise Fault(
            "json-twice", member, found=f"the key {str(error)!r} twice", expected="each key once"
        ) from error
    except UnicodeDecodeError as error:
        raise _unreadable(member, "text that is not UTF-8") from error
    except RecursionError as error:
        raise _too_deep(member) from error
    except ValueError as error:
        raise _unreadable(member, f"no JSON ({error})") from error
    if not isinstance(document, kind):
        found = type(document).__name__
        raise Fault("json-type", member, found=f"a JSON {found} as a whole", expected="an object")
    return document


def check_values(value: Any, member: str, depth: int = 0) -> None:
    """Refuse what cannot be kept or handed on: NUL, halves of characters, numbers past 64 bits."""
    if depth > _DEEPEST:
        raise _too_deep(member)
    if isinstance(value, str):
        check_text(value, member)
    elif isinstance(value, dict):
        for key, inner in value.items():
            check_text(key, member)
            check_values(inner, member, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            check_values(inner, member, depth + 1)
    elif isinstance(value, int) and abs(value) > _LARGEST:
        raise _unreadable(member, f"a number of {value.bit_length()} bits")


def check_text(text: str, member: str) -> None:
    if text.isascii():
        bad = "\0" in text
    else:
        bad = "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)
    if bad:
        raise Fault(
            "json-text",
            member,
            found=f"{ascii(text)[:80]}, which has NUL or half a character",
            expected="text that can be stored as UTF-8",
        )


def _unreadable(member: str, found: str) -> Fault:
    return Fault("json-readable", member, found=found, expected="JSON in UTF-8")


def _too_deep(member: str) -> Fault:
    return Fault(
        "json-depth", member, found="values within values", expected=f"at most {_DEEPEST} levels"
    )
