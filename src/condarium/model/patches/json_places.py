"""Where in a JSON text a value is: JSON readers forget it, and people who correct it need it."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from json.decoder import JSONDecoder
from typing import Any

from condarium.model.yamlnodes import Place

_SPACE = re.compile(r"[ \t\r\n]*")


def place_of(text: str, path: Sequence[str | int]) -> Place:
    """Find the key, or the item of a list, that a path leads to in a valid JSON text."""
    index = found = _skip(text, 0)
    for step in path:
        seek = _key if isinstance(step, str) else _item
        found, index = seek(text, index, step)
    return place_at(text, found)


def place_at(text: str, index: int) -> Place:
    before = text[:index]
    return Place(before.count("\n"), index - before.rfind("\n") - 1)


def load_json(text: str) -> tuple[Any, list[str]]:
    """Parse a JSON text; also give the keys that some mapping has twice, of which one is lost.

    Raises JSONDecodeError also for NaN and Infinity, which Python reads and others do not.
    """
    twice = list[str]()

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(pairs)
        if len(mapping) < len(pairs):
            twice.extend(
                key for key, count in Counter(key for key, _ in pairs).items() if count > 1
            )
        return mapping

    def refuse(constant: str) -> None:
        raise json.JSONDecodeError(f"{constant} is no number", text, text.find(constant))

    return json.loads(text, object_pairs_hook=collect, parse_constant=refuse), twice


def _key(text: str, index: int, wanted: str | int) -> tuple[int, int]:
    """Where a key of the mapping at `index` begins, and its value."""
    result = (index, index)
    index = _skip(text, index + 1)
    while text[index] == '"':
        key, end = JSONDecoder().raw_decode(text, index)
        value = _skip(text, _skip(text, end) + 1)
        if key == wanted:
            result = (index, value)
        index = _after(text, value)
    return result


def _item(text: str, index: int, wanted: str | int) -> tuple[int, int]:
    index = _skip(text, index + 1)
    for _ in range(int(wanted)):
        index = _after(text, index)
    return index, index


def _after(text: str, index: int) -> int:
    """Where the next key or item begins, or the bracket that closes."""
    _, end = JSONDecoder().raw_decode(text, index)
    end = _skip(text, end)
    return _skip(text, end + 1) if text[end] == "," else end


def _skip(text: str, index: int) -> int:
    match = _SPACE.match(text, index)
    return match.end() if match else index
