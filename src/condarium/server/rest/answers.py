"""Answers that are still right: what was asked just now by the same one, if nothing has changed.

Many who ask the same at once, when something has, share one answer that is made for all of them.

People refresh pages and programs poll. An answer to a quick question is given again, on the event
loop, while the database says that nobody has committed since; for a second or two, because an
answer may also tell of files and of the time. PostgreSQL does not say so: there nothing is kept.
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from condarium.model.actor import Actor
from condarium.server.content.cache import Cache
from condarium.server.responses import Response, Scope
from condarium.storage.store import Store

_LASTING = 1.0
"""In seconds."""
_ROOM = 16 << 20
_Key = tuple[Actor, str, bytes]
"""Whose rights, and which question."""
_Kept = tuple[int, float, Response]
"""The database's version, until when it is right, and the answer."""


class Answers:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: Cache[_Kept] = Cache(_ROOM)
        self._being_made: dict[_Key, tuple[int, asyncio.Task[Response]]] = {}

    @property
    def version(self) -> int | None:
        """To be asked for before an answer is made; None where nothing can be kept."""
        return self._store.database.version()

    def find(self, scope: Scope, actor: Actor) -> Response | None:
        """The answer that this one was given, if it is still right.

        When its time is over, one of those who ask makes it anew; the others do not wait for that.
        """
        kept, now = self._kept.get(_key(scope, actor)), time.monotonic()
        if kept is None or kept[0] != self.version or kept[1] + _LASTING < now:
            return None
        if kept[1] < now:
            self._keep(scope, actor, (kept[0], now + _LASTING, kept[2]))
            return None
        return kept[2]

    def keep(self, scope: Scope, actor: Actor, version: int | None, answer: Response) -> None:
        """Keep what was made when the database had this version."""
        if version is not None and answer.status == 200:
            self._keep(scope, actor, (version, time.monotonic() + _LASTING, answer))

    def being_made(self, scope: Scope, actor: Actor) -> "asyncio.Task[Response] | None":
        """The answer to the same question that is being made, if nothing has changed since."""
        version, task = self._being_made.get(_key(scope, actor), (None, None))
        return task if task is not None and version == self.version else None

    def make(
        self, scope: Scope, actor: Actor, work: Coroutine[Any, Any, Response]
    ) -> "asyncio.Task[Response]":
        """Make an answer, for all who ask while it is made; who asked first may leave."""
        version, key = self.version, _key(scope, actor)

        async def make() -> Response:
            answer = await work
            self.keep(scope, actor, version, answer)
            return answer

        def forget(task: "asyncio.Task[Response]") -> None:
            if self._being_made.get(key) == (version, task):
                del self._being_made[key]
            if not task.cancelled():
                task.exception()  # whoever asked may be gone

        task = asyncio.ensure_future(make())
        if version is not None:
            self._being_made[key] = version, task
        task.add_done_callback(forget)
        return task

    def _keep(self, scope: Scope, actor: Actor, kept: _Kept) -> None:
        self._kept.keep(_key(scope, actor), kept, size=1024 + kept[2].size)


def _key(scope: Scope, actor: Actor) -> _Key:
    return replace(actor, address=None), scope["path"], scope["query_string"]
