"""Turns for strangers: what anybody may ask, and costs much, is made for one of them at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from condarium.server.rest.turns import TooBusy

_WAITING = 32


class OneAtATime:
    """Turns that are taken one after the other, so that many cost no more than one does."""

    def __init__(self) -> None:
        self._lock, self._taken = asyncio.Lock(), 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn. Raises TooBusy where too many wait."""
        if self._taken > _WAITING:
            raise TooBusy
        self._taken += 1
        try:
            async with self._lock:
                yield
        finally:
            self._taken -= 1
