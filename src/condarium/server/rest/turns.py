"""Whose turn it is: operations run in threads, those that may take long apart from the quick ones.

Nobody waits for ever: after a while a request is answered that it takes too long. What only reads
is given up then, and also when whoever asked is gone; what changes things goes on.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from enum import Enum
from threading import Event, Semaphore
from typing import TypeVar

from condarium.errors import CondariumError, Failed
from condarium.model.access.permissions import Permission
from condarium.model.progress import Progress, Quiet
from condarium.operation import Operation
from condarium.server.content.workers import Busy
from condarium.server.responses import Receive

_R = TypeVar("_R")
_QUEUE = 256
"""How many requests of a kind may run or wait at once."""


class Turn(Enum):
    """A kind of operation, and how many of the kind run at once."""

    QUICK = 8
    PATIENT = 4
    """It may read much, or ask channels elsewhere."""
    CHANGING = 6
    """It may wait for other changes; so may asking for a job."""

    @classmethod
    def of(cls, operation: Operation) -> "Turn":
        if operation.changes or operation.job:
            return cls.CHANGING
        asks = operation.permission in (Permission.QUERY_ASK, Permission.LOCK_SOLVE)
        return cls.PATIENT if asks or Progress in operation.injected.values() else cls.QUICK


class TooBusy(Busy):
    """More is asked at once than this server answers."""

    def __init__(self) -> None:
        CondariumError.__init__(
            self, "too many requests are being answered just now", hint="Ask again in a while."
        )


class TookTooLong(Failed):
    """The answer took longer than a request may."""

    def __init__(self, operation: str, limit: float, *, changes: bool) -> None:
        self.operation, self.limit = operation, limit
        hint = "Ask for less at once, or again later: what it found until now may be kept."
        if changes:
            hint = (
                "It goes on. Send the request again with the same Idempotency-Key to have its "
                "answer, or look at what it changes."
            )
        super().__init__(
            f"{operation}: there is no answer after {limit:g} s; expected one by then", hint=hint
        )


class RequesterGone(Failed):
    """Whoever asked does not wait for the answer any more."""


class _UntilGivenUp(Quiet):
    """Progress that ends the work at its next step, once nobody waits for it."""

    def __init__(self) -> None:
        self.given_up = Event()

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None:
        self._check()

    def advance(self, amount: int = 1) -> None:
        self._check()

    def say(self, message: str) -> None:
        self._check()

    def _check(self) -> None:
        if self.given_up.is_set():
            raise RequesterGone


class Turns:
    """Threads for operations; `limit` is in seconds."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._pools = {turn: ThreadPoolExecutor(turn.value, turn.name.lower()) for turn in Turn}
        self._places = {turn: Semaphore(_QUEUE) for turn in Turn}

    def stop(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    async def run(
        self, operation: Operation, work: Callable[[Progress], _R], *, receive: Receive
    ) -> _R:
        """Have it done by a thread. Raises TooBusy, TookTooLong, RequesterGone, and what it does.

        `receive` gives what the client does when its request has been read: it can only leave.
        """
        turn = Turn.of(operation)
        if not self._places[turn].acquire(blocking=False):
            raise TooBusy
        progress = _UntilGivenUp()
        in_thread = self._pools[turn].submit(copy_context().run, work, progress)
        in_thread.add_done_callback(lambda _: self._places[turn].release())
        doing = asyncio.wrap_future(in_thread)
        doing.add_done_callback(_look)
        watched = watch(receive) if turn is Turn.PATIENT else None
        try:
            await asyncio.wait(
                {doing, *((watched,) if watched else ())},
                timeout=self._limit,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            if watched and not watched.done():
                watched.cancel()
            if not doing.done() and turn is not Turn.CHANGING:
                progress.given_up.set()
                doing.cancel()
        if doing.done() and not doing.cancelled():
            return doing.result()
        if watched and watched.done() and not watched.cancelled():
            raise RequesterGone
        raise TookTooLong(operation.name, self._limit, changes=turn is Turn.CHANGING)


def _look(done: "asyncio.Future[_R]") -> None:
    """See what it raised, if anything: whoever asked for it may be gone."""
    if not done.cancelled():
        done.exception()


def watch(receive: Receive) -> "asyncio.Task[None]":
    """Ends when the client leaves."""

    async def watch() -> None:
        with suppress(Exception):
            while (await receive())["type"] != "http.disconnect":
                pass

    return asyncio.ensure_future(watch())
