"""Jobs as they go on, for everybody who follows them: each is read once, however many do."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from condarium.errors import DatabaseFailed
from condarium.jobs.asking import watching
from condarium.model.jobs import Job, JobEvent
from condarium.storage.failures import StoreBusy
from condarium.storage.store import Store

_OFTEN = 0.1
_OFTEN_ELSEWHERE = 0.25
"""How often a job is looked at, in seconds: a database elsewhere must be asked each time."""
_LATELY = 1000
"""How many events are at hand; whoever wants earlier ones reads them by themselves."""
_AT_ONCE = 500
_THREADS = 4
_PASSING = (StoreBusy, DatabaseFailed)
"""What may be over in a moment: whoever follows a job goes on."""

_R = TypeVar("_R")


class Following:
    """Follows jobs; it lives on one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._followed: dict[int, _Followed] = {}
        self._pool = ThreadPoolExecutor(_THREADS, "following")

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def ended(self, job: int, seconds: float) -> Job | None:
        """The job when it has ended; None where it has not after so many seconds."""
        followed = self._follow(job)
        try:
            async with asyncio.timeout(seconds):
                while not followed.ended:
                    await followed.change()
            return followed.ended
        except TimeoutError:
            return None
        finally:
            self._leave(job)

    async def events(
        self, job: int, after: int, *, every: float, gone: "asyncio.Future[None]"
    ) -> AsyncGenerator[JobEvent | Job | None]:
        """What happens in a job after an event; the job as it ended is the last.

        None comes where nothing happened for `every` seconds. It ends when `gone` does. Raises
        NoSuchJob.
        """
        followed = self._follow(job)
        try:
            while not gone.done():
                ended = followed.ended
                try:
                    found = await self._after(followed, after)
                except _PASSING:
                    await asyncio.sleep(_OFTEN_ELSEWHERE)
                    continue
                if found:
                    for event in found:
                        yield event
                    after = found[-1].number
                elif ended:
                    yield ended
                    return
                elif not await followed.change(every, gone):
                    yield None
        finally:
            self._leave(job)

    def _follow(self, job: int) -> "_Followed":
        followed = self._followed.get(job)
        if followed is None:
            followed = self._followed[job] = _Followed(self._store, job, self._pool)
        followed.followers += 1
        return followed

    def _leave(self, job: int) -> None:
        followed = self._followed[job]
        followed.followers -= 1
        if not followed.followers:
            followed.stop()
            del self._followed[job]

    async def _after(self, followed: "_Followed", after: int) -> list[JobEvent]:
        lately = followed.lately
        if after >= followed.last:
            return []
        if lately and lately[0].number <= after + 1:
            return [event for event in lately if event.number > after]
        read = partial(watching.events_after, self._store, followed.job, after, limit=_AT_ONCE)
        return await _in(self._pool, read)


class _Followed:
    """A job that somebody follows, and what happened in it lately."""

    def __init__(self, store: Store, job: int, pool: ThreadPoolExecutor) -> None:
        self.job, self.followers = job, 0
        self.ended: Job | None = None
        self.last = 0
        self.lately: deque[JobEvent] = deque(maxlen=_LATELY)
        self._store, self._pool, self._changed = store, pool, asyncio.Event()
        self._reading = asyncio.ensure_future(self._read())

    def stop(self) -> None:
        self._reading.cancel()

    async def change(self, seconds: float | None = None, *others: "asyncio.Future[None]") -> bool:
        """Wait until something happens, here or to others; whether it did. Raises NoSuchJob."""
        if self._reading.done():
            self._reading.result()
            return True
        waiting = asyncio.ensure_future(self._changed.wait())
        any_of: set[asyncio.Future[Any]] = {waiting, self._reading, *others}
        done, _ = await asyncio.wait(any_of, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return bool(done)

    async def _read(self) -> None:
        seen: object = object()
        while self.ended is None:
            version = self._store.database.version()
            if version is None or version != seen:
                with suppress(*_PASSING):
                    self._tell(*await _in(self._pool, self._ask))
                    seen = version
            if self.ended is None:
                await asyncio.sleep(_OFTEN_ELSEWHERE if version is None else _OFTEN)

    def _ask(self) -> tuple[Job, list[JobEvent]]:
        """The job before its events: of one that has ended there are no more then."""
        job = watching.job(self._store, self.job)
        if not self.last:
            return job, watching.latest_events(self._store, self.job, _LATELY)
        return job, watching.events_after(self._store, self.job, self.last)

    def _tell(self, job: Job, events: list[JobEvent]) -> None:
        if events:
            self.lately.extend(events)
            self.last = events[-1].number
        if job.status.ended:
            self.ended = job
        if events or self.ended:
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()


async def _in(pool: ThreadPoolExecutor, work: Callable[[], _R]) -> _R:
    return await asyncio.get_running_loop().run_in_executor(pool, work)
