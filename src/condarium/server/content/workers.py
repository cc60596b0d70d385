"""Who makes what is not at hand: threads, so many of each kind that none waits for another."""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from condarium.errors import Failed

_QUICK = 8
_PATIENT = 16
"""How many requests wait for channels elsewhere at once."""
_ENCODING = 2
"""How many sets of files are made at once, each perhaps by a process of its own."""
_QUEUE = 32
"""How many sets of files may be wanted at once."""
RETRY_AFTER = 10
"""In seconds."""

_R = TypeVar("_R")


class Busy(Failed):
    """More is wanted at once than this server makes."""

    def __init__(self) -> None:
        super().__init__(
            "too many views are being encoded just now",
            hint="Ask again later, or read the shards: they are there at once.",
        )


class Workers:
    """Threads for the store, for channels elsewhere, and for making encodings."""

    def __init__(self) -> None:
        self._quick = ThreadPoolExecutor(_QUICK, "content")
        self._patient = ThreadPoolExecutor(_PATIENT, "upstream")
        self._encoding = ThreadPoolExecutor(_ENCODING, "encoding")
        self._made: dict[Hashable, asyncio.Future[None]] = {}

    def stop(self) -> None:
        for pool in (self._quick, self._patient, self._encoding):
            pool.shutdown(wait=False, cancel_futures=True)

    async def run(self, work: Callable[[], _R], *, patient: bool = False) -> _R:
        """Have something done; it may wait for channels elsewhere only where it is patient."""
        pool = self._patient if patient else self._quick
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    async def encode(self, key: Hashable, work: Callable[[], None]) -> None:
        """Have encodings made, once for all who want the same. Raises Busy, and what it raises."""
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= _QUEUE:
                raise Busy
            made = asyncio.get_running_loop().run_in_executor(self._encoding, work)
            made.add_done_callback(lambda done: self._forget(key, done))
            self._made[key] = made
        await asyncio.shield(made)

    def _forget(self, key: Hashable, done: "asyncio.Future[None]") -> None:
        del self._made[key]
        if not done.cancelled():
            done.exception()  # whoever asked for it may be gone
