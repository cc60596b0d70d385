"""Operations that a worker carries out: asked for here, and waited for as long as a client likes.

POST /api/v1/environments/build                    202, Location: /api/v1/jobs/7, the job
POST …                       Prefer: wait=30       200 and the result, if it ends by then
GET  /api/v1/jobs/7/events                         what happens in it (server-sent events)
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from functools import cached_property
from typing import Any

import msgspec

from condarium.access.identities import as_of_now
from condarium.app import App, operations
from condarium.errors import DatabaseFailed, NotFound, Refused
from condarium.jobs.asking import watching
from condarium.jobs.asking.submitting import require, submit
from condarium.model.actor import NOBODY_IN_PARTICULAR, Actor
from condarium.model.jobs import Job, JobError, JobEvent, JobStatus, Placing
from condarium.model.plain import to_plain
from condarium.operation import Operation
from condarium.server.problems import job_problem
from condarium.server.responses import Receive, Response, StreamBody
from condarium.server.rest.following import Following
from condarium.server.rest.idempotency import Once
from condarium.server.rest.routes import PREFIX
from condarium.server.rest.turns import watch
from condarium.storage.failures import StoreBusy
from condarium.storage.store import Store
from condarium.values import BadArgument

_EVENTS = re.compile(re.escape(PREFIX) + r"/jobs/([1-9][0-9]{0,17})/events")
_WAIT = re.compile(r"wait=([0-9]{1,6})")
_LONGEST = 300
"""For how many seconds a request may wait for its job."""
_OFTEN = 5.0
"""How often, in seconds, it is asked whether somebody may still follow."""
_HEARTBEAT = 15
"""How often, in seconds, somebody who follows a silent job is told that it is still followed."""


class Deferred:
    """Asks for jobs, and tells how they go on."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @cached_property
    def _following(self) -> Following:
        return Following(self._store)

    def stop(self) -> None:
        if following := vars(self).get("_following"):
            following.stop()

    def ask(
        self,
        operation: Operation,
        arguments: Mapping[str, Any],
        actor: Actor,
        once: Once | None,
        placing: Placing,
    ) -> tuple[Job, bool]:
        """Append a job, or find the one that the same request asked for before (True)."""
        if once is None:
            return submit(self._store, actor, operation, arguments, placing=placing), False
        if kept := once.begin(self._store):
            assert kept.job is not None
            require(self._store, actor, operation, arguments)
            return watching.job(self._store, kept.job), True
        try:
            job = submit(
                self._store, actor, operation, arguments, placing=placing, also=once.keep_job
            )
            return job, False
        except BaseException:
            once.forget(self._store)
            raise

    async def answer(self, job: Job, prefer: str) -> Response:
        """The job, or, if its end is waited for and comes, what it answered."""
        seconds = preferred_wait(prefer)
        ended = job if job.status.ended else None
        if seconds and not ended:
            ended = await self._following.ended(job.id, seconds)
        place = (b"location", f"{PREFIX}/jobs/{job.id}".encode())
        applied = (b"preference-applied", f"wait={seconds}".encode())
        if seconds and ended:
            return _outcome(ended).plus(place, applied)
        said = Response.json(to_plain(job), status=202).plus(place)
        return said.plus(applied if seconds else (b"preference-applied", b"respond-async"))

    def events(self, path: str, query: Mapping[str, str], last: str | None) -> "Events | None":
        """What a path asks to follow; None where it is another one. Raises BadArgument."""
        found = _EVENTS.fullmatch(path)
        if not found:
            return None
        if unknown := query.keys() - {"after"}:
            raise BadArgument(f"there is no argument {min(unknown)!r}", hint="It takes after.")
        after = query.get("after", last or "0")
        if not re.fullmatch(r"[0-9]{1,18}", after):
            raise BadArgument(f"after: found {after[:60]!r}; expected an event's number")
        return Events(int(found[1]), int(after), self._store, lambda: self._following)


class Events:
    """What happens in a job, as server-sent events."""

    def __init__(
        self, job: int, after: int, store: Store, following: Callable[[], Following]
    ) -> None:
        self._job, self._after, self._store, self._following = job, after, store, following
        self._actor, self._checked = NOBODY_IN_PARTICULAR, 0.0

    def check(self, actor: Actor) -> None:
        """Raise what hides the job from whoever may not see it."""
        shown = operations()["job show"]
        (word,) = (parameter.name for parameter in shown.parameters if parameter.required)
        App(self._store.settings, actor=actor, store=self._store).call(shown, {word: self._job})
        self._actor, self._checked = actor, time.monotonic()

    def response(self, receive: Receive) -> Response:
        headers = (
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
        )
        return Response(headers=headers, body=StreamBody(pieces=self._pieces(receive)))

    async def _pieces(self, receive: Receive) -> AsyncIterator[bytes]:
        following = self._following()
        gone = watch(receive)
        events = following.events(self._job, self._after, every=_HEARTBEAT, gone=gone)
        try:
            async with aclosing(events):
                yield b": the events of a job\n\n"
                async for event in events:
                    if not await self._may_still():
                        return
                    yield _said(event)
        finally:
            gone.cancel()

    async def _may_still(self) -> bool:
        """Whether who follows may by now still see the job; it is looked up now and then."""
        if time.monotonic() - self._checked < _OFTEN:
            return True
        try:
            await asyncio.to_thread(lambda: self.check(as_of_now(self._store, self._actor)))
        except (NotFound, Refused):
            return False
        except (StoreBusy, DatabaseFailed):
            return True  # asked again with the next event
        return True


def preferred_wait(prefer: str) -> int:
    """For how many seconds a client would wait, by its `Prefer` header (RFC 7240)."""
    wishes = [wish.strip().lower() for wish in prefer.split(",")]
    waits = [int(found[1]) for wish in wishes if (found := _WAIT.fullmatch(wish))]
    return min(waits[0], _LONGEST) if waits else 0


def _said(event: JobEvent | Job | None) -> bytes:
    if event is None:
        return b": still there\n\n"
    data = msgspec.json.encode(to_plain(event))
    if isinstance(event, Job):
        return b"event: end\ndata: %s\n\n" % data
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.number, event.kind.encode(), data)


def _outcome(job: Job) -> Response:
    """What a job answered, or why it did not."""
    if job.status is JobStatus.SUCCEEDED:
        return Response.json(job.result)
    return job_problem(job.error or JobError(code="job-cancelled", message="the job was cancelled"))
