"""The public list of what is lent, in every form in which it is read."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from condarium.model.actor import Actor
from condarium.model.instants import BadInstant, read_instant
from condarium.server.content.addresses import NoSuchAddress
from condarium.server.content.pages import Asked, html
from condarium.server.content.strangers import OneAtATime
from condarium.server.content.workers import Workers
from condarium.server.doors.credentials import Caller
from condarium.server.responses import Response, Scope
from condarium.server.rest.answers import Answers
from condarium.settings import ServerSettings
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.web.lending import Wanted

_PAGE, _JSON, _FEED = "/lending", "/lending.json", "/lending.atom"
_ACCESS, _CIRUN = "/lending/access.yml", "/lending/cirun.global.yml"
_PATHS = frozenset({_PAGE, _JSON, _FEED, _ACCESS, _CIRUN})
_HINT = f"The list is at {_PAGE}; for programs there are {', '.join(sorted(_PATHS - {_PAGE}))}."


class Lending:
    """Answers who may use what. A token shows what it may see besides what everybody may."""

    def __init__(self, store: Store, settings: ServerSettings) -> None:
        self._store, self._settings = store, settings
        self._answers, self._workers = Answers(store), Workers()
        # what is asked often, apart from questions that can be made up without end
        self._strangers = {special: OneAtATime() for special in (False, True)}

    def stop(self) -> None:
        self._workers.stop()

    @staticmethod
    def takes(path: str) -> bool:
        return path in _PATHS or path.startswith(f"{_PAGE}/")

    async def respond(
        self, scope: Scope, path: str, caller: Caller, asked: Callable[[], Asked]
    ) -> Response:
        """Raises NoSuchAddress, NotSignedIn, BadInstant, BadProject, TooBusy."""
        if path not in _PATHS:
            raise NoSuchAddress(hint=_HINT)
        actor = await caller.found()
        # a feed names the host that it was asked for at: it is nobody else's answer
        kept = path != _FEED
        if kept and (ready := self._answers.find(scope, actor)):
            return ready
        if actor.who.is_somebody:
            return await self._answer(scope, path, actor, asked, kept=kept)
        async with self._strangers[bool(scope["query_string"])].turn():
            if kept and (ready := self._answers.find(scope, actor)):
                return ready
            return await self._answer(scope, path, actor, asked, kept=kept)

    async def _answer(
        self, scope: Scope, path: str, actor: Actor, asked: Callable[[], Asked], *, kept: bool
    ) -> Response:
        version = self._answers.version
        response = await self._workers.run(lambda: self._make(path, asked(), actor))
        if kept:
            self._answers.keep(scope, actor, version, response)
        return response

    def _make(self, path: str, asked: Asked, actor: Actor) -> Response:
        from condarium.web import lending

        wanted = lending.Wanted(
            query=asked.text, at=asked.at, number=asked.number, project=asked.project
        )
        if path == _PAGE:
            return self._page(wanted, actor)
        wanted = self._bounded(wanted, actor)
        if path == _JSON:
            content = lending.document(self._store, wanted, actor=actor)
            return _for_programs(content, "application/json")
        if path == _FEED:
            url = self._settings.public_url or asked.origin
            content = lending.feed(self._store, wanted, url=url.rstrip("/"), actor=actor)
            return _for_programs(content, "application/atom+xml")
        return _for_programs(self._file(path, actor), "text/yaml; charset=utf-8")

    def _page(self, wanted: "Wanted", actor: Actor) -> Response:
        """The page; as it is now, with what is wrong, where a day is none."""
        from condarium.web import lending

        try:
            content = lending.page(self._store, self._bounded(wanted, actor), actor=actor)
        except BadInstant as error:
            now = replace(wanted, at="")
            content = lending.page(self._store, now, actor=actor, problem=error)
            return html(content, status=400)
        return html(content, etag=sha256(content).hexdigest()[:32])

    def _bounded(self, wanted: "Wanted", actor: Actor) -> "Wanted":
        """What a stranger asks is of a whole day: of these there are so many. Raises BadInstant."""
        if not wanted.at or actor.who.is_somebody:
            return wanted
        return replace(wanted, at=f"{read_instant(wanted.at, self._store.now()):%Y-%m-%d}")

    def _file(self, path: str, actor: Actor) -> bytes:
        from condarium.governance.files import cirun
        from condarium.governance.grants.listing import public_resources, sayable

        resources = public_resources(self._store, actor=actor)
        if path == _CIRUN:
            return cirun.global_yml(resources).encode()
        grants, withheld = sayable(self._store, actor=actor)
        said = f"# {withheld} more name people, whom only lenders are shown\n" if withheld else ""
        return (said + cirun.access_yml(grants, resources).commented).encode()


def _for_programs(content: bytes, media_type: str) -> Response:
    etag = sha256(content).hexdigest()[:32]
    return Response.of(
        content, media_type=media_type, etag=etag, cache_control="private, no-cache"
    ).plus((b"x-content-type-options", b"nosniff"), (b"vary", b"Cookie, Authorization"))
