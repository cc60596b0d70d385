"""What was made lately, in bounded memory."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

_V = TypeVar("_V")


class Cache(Generic[_V]):
    """The values last used, whose sizes do not add up to more than `room`.

    May be used by several threads at once.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._held = 0
        self._values: OrderedDict[Hashable, tuple[_V, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> _V | None:
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def keep(self, key: Hashable, value: _V, *, size: int = 1) -> _V:
        """Keep a value in place of the one that has its key, and give it back."""
        with self._lock:
            self._held += size - self._values.pop(key, (None, 0))[1]
            self._values[key] = value, size
            while self._held > self._room:
                self._held -= self._values.popitem(last=False)[1][1]
        return value

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self._held = 0
