"""How much somebody may have on its way to this process at once, before it is seen what it is."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from condarium.errors import CondariumError
from condarium.model.access.principals import PrincipalKind
from condarium.model.actor import Actor
from condarium.server.content.workers import Busy

STRANGERS = 1 << 20
"""How many bytes a request has at most whose sender has no role on anything."""


class TooMuchAtOnce(Busy):
    """One account sends more at once than this server keeps for it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        CondariumError.__init__(
            self,
            f"more than {limit} bytes of this account are on their way at once",
            hint="Send one upload after the other.",
        )


class Room:
    """Counts the bytes that each account has spooled here; `most` is how many at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    @contextmanager
    def of(self, actor: Actor) -> Iterator[Callable[[int], None]]:
        """Give what counts bytes, which are free again afterwards. It raises TooMuchAtOnce."""
        who, taken = actor.who.id or actor.name, 0

        def take(size: int) -> None:
            nonlocal taken
            taken += size
            with self._lock:
                self._taken[who] += size
                if self._taken[who] > self._most:
                    raise TooMuchAtOnce(self._most)

        try:
            yield take
        finally:
            with self._lock:
                self._taken[who] -= taken
                self._taken += Counter()  # forgets who has nothing here


def is_stranger(actor: Actor) -> bool:
    """Whether the actor has no role on anything."""
    return not (actor.bindings or actor.who.kind is PrincipalKind.STORE_OWNER)
