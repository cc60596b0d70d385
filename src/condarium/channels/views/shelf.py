"""Views that were opened lately."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from condarium.channels.views.listing import Listing
from condarium.model.hosting.hosted import HostedChannel
from condarium.model.view import View

_VIEWS = 64
_NAMES = 400_000
"""How many package names all of them may have together: a few hundred bytes each."""


class Shelf:
    """Keeps listings by all that decides what they show; may be used by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[int, str, str], Listing] = OrderedDict()

    def take(
        self, channel: HostedChannel, view: View, state: str, make: Callable[[], Listing]
    ) -> Listing:
        """A listing, made where it is not there, with what the channel itself is now."""
        key = (channel.id, str(view), state)
        with self._lock:
            listing = self._kept.get(key)
        if listing is None:
            listing = make()
        if listing.channel != channel:
            listing = replace(listing, channel=channel)
        self._keep(key, listing)
        return listing

    def _keep(self, key: tuple[int, str, str], listing: Listing) -> None:
        with self._lock:
            self._kept[key] = listing
            self._kept.move_to_end(key)
            names = sum(map(_names, self._kept.values()))
            while len(self._kept) > _VIEWS or (names > _NAMES and len(self._kept) > 1):
                _, dropped = self._kept.popitem(last=False)
                names -= _names(dropped)


def _names(listing: Listing) -> int:
    return sum(map(len, listing.maps.values()))
