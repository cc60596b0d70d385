"""Work that comes at once is done at once: one commit is for all that waited for the one before."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from condarium.server.rest.turns import TooBusy

_MOST = 64
"""How many are done at once."""
_WAITING = 1024
"""How many may wait; more would be answered after their senders have left."""

_T = TypeVar("_T")
_R = TypeVar("_R")


class Together(Generic[_T, _R]):
    """One thread that does things in batches; of a batch that fails, each by itself."""

    def __init__(self, work: Callable[[Sequence[_T]], Sequence[_R]], name: str) -> None:
        self._work = work
        self._pool = ThreadPoolExecutor(1, name)
        self._waiting: list[tuple[_T, asyncio.Future[_R]]] = []
        self._doing: asyncio.Task[None] | None = None

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def do(self, thing: _T) -> _R:
        """Have it done, with what comes at once. Raises TooBusy, and what doing it does."""
        if len(self._waiting) >= _WAITING:
            raise TooBusy
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((thing, done))
        if self._doing is None or self._doing.done():
            self._doing = asyncio.create_task(self._go_on())
        # whoever leaves does not take along what others wait for
        result: _R = await asyncio.shield(done)
        return result

    async def _go_on(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            things = [thing for thing, _ in batch]
            found = await loop.run_in_executor(self._pool, self._done, things)
            for (_, done), result in zip(batch, found, strict=True):
                _tell(done, result)

    def _done(self, things: Sequence[_T]) -> Sequence[_R | BaseException]:
        try:
            return list(self._work(things))
        except Exception as error:  # noqa: BLE001 - told to whoever waits for it
            if len(things) == 1:
                return [error]
        return [result for thing in things for result in self._done([thing])]


def _tell(done: "asyncio.Future[_R]", result: _R | BaseException) -> None:
    if done.cancelled():
        return
    if isinstance(result, BaseException):
        done.set_exception(result)
    else:
        done.set_result(result)
