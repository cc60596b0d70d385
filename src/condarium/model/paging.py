"""Lists in pieces: a page, and the cursor that the next one begins at.

A cursor is the sort key of the last item, so that a page costs the same wherever it begins, and
what is added or removed meanwhile neither repeats nor hides an item.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

from condarium.errors import BadInput

T = TypeVar("T")
_LARGEST = 1 << 63


class BadCursor(BadInput):
    """The cursor is not one that a list gave."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"cursor: found {found[:60]!r}; expected the `next` of an earlier page of this list",
            hint="Leave it out to begin with the first page.",
        )


class BadLimit(BadInput):
    """The limit is no number of items."""

    def __init__(self, found: int) -> None:
        self.found = found
        super().__init__(f"limit: found {found}; expected 1 or more, or 0 for all")


@dataclass(frozen=True, kw_only=True)
class Page(Sequence[T], Generic[T]):
    """Some items of a list; `next` is the cursor of those after, None where there are none."""

    items: tuple[T, ...]
    next: str | None = None

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)


def encode_cursor(*key: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode_cursor(text: str, *kinds: type) -> tuple[str | int, ...]:
    """The sort key that a cursor holds, of these types. Raises BadCursor."""
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise BadCursor(text) from None
    if not isinstance(found, list) or [type(part) for part in found] != list(kinds):
        raise BadCursor(text)
    if any("\0" in part if isinstance(part, str) else abs(part) >= _LARGEST for part in found):
        raise BadCursor(text)  # no database takes it
    return tuple(found)


def read_limit(limit: int | None) -> int | None:
    """How many items a page may have; None for all. Raises BadLimit."""
    if limit is not None and limit < 0:
        raise BadLimit(limit)
    return limit or None


def page_of(
    items: Sequence[T], limit: int | None, keys: Sequence[tuple[str | int, ...]]
) -> Page[T]:
    """The page of the first `limit` items, of which one more was read where there is one."""
    if limit is None or len(items) <= limit:
        return Page(items=tuple(items))
    return Page(items=tuple(items[:limit]), next=encode_cursor(*keys[limit - 1]))
