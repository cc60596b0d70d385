"""Where in a JSON text a value is: JSON readers forget it, and people who correct it need it."""

import json
import re
from collections.abc import Sequence
from json.decoder import JSONDecoder

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


def duplicate_key(text: str) -> str | None:
    """Give a key that some mapping of a JSON text has twice; readers keep only its last value."""
    twice = list[str]()

    def look(pairs: list[tuple[str, object]]) -> None:
        seen = set[str]()
        twice.extend(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]

    json.loads(text, object_pairs_hook=look)
    return twice[0] if twice else None


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
