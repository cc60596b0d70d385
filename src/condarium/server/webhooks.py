"""What GitHub tells us by itself: POST /api/v1/webhooks/github.

A body is believed because it is signed with a secret that GitHub and this server share. The
signature covers the body and nothing else of the request, neither its id nor the kind of event.
Whatever was decided is answered with 200: a refusal is no failure of the delivery.
"""

import asyncio
import hmac
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from hashlib import sha256
from threading import Event, Thread
from time import monotonic
from typing import TypeVar

from condarium.access.refusals import is_noted, note_refusal
from condarium.errors import CondariumError, NotFound, Refused
from condarium.governance.github.asking import AskingGitHub
from condarium.governance.github.deliveries import Answer, Delivery
from condarium.governance.github.jobs import forget, look_again, take, undecided
from condarium.model.access.decisions import PLATFORM
from condarium.model.actor import NOBODY_IN_PARTICULAR, Actor
from condarium.model.governance.workflow_job import Nothing, read
from condarium.model.plain import to_plain
from condarium.server.bodies import pieces_of
from condarium.server.doors.credentials import Caller
from condarium.server.problems import NoSuchMethod
from condarium.server.responses import Receive, Response, Scope
from condarium.server.rest.routes import PREFIX
from condarium.server.together import Together
from condarium.settings.github import GitHubSettings
from condarium.storage.store import Store

PATH = f"{PREFIX}/webhooks/github"
_LARGEST = 1 << 20
"""GitHub sends up to 25 MB; what is said of a job or a run has some 20 kB."""
_AT_ONCE = 8
"""How many webhooks wait for GitHub's API at once."""
_AGAIN = 30.0
"""Seconds after which jobs that were put off are looked at again."""
_TIDY = 3600.0
_MOST = 100
_SIGNATURE, _EVENT = b"x-hub-signature-256", b"x-github-event"

_R = TypeVar("_R")

_log = logging.getLogger(__name__)


class WebhooksOff(NotFound):
    """This server takes no webhooks."""

    def __init__(self) -> None:
        super().__init__(
            "this server takes no webhooks of GitHub",
            hint="CONDARIUM_GITHUB_WEBHOOK_SECRET sets their secret, where the server is started.",
        )


class BadSignature(Refused):
    """A webhook is not signed with the secret that GitHub and this server share."""

    def __init__(self, *, given: bool) -> None:
        self.given = given
        super().__init__(
            "the webhook's signature is not right" if given else "the webhook is not signed",
            hint="The webhook at GitHub and the server need the same secret; the header is "
            "X-Hub-Signature-256.",
        )


class Webhooks:
    def __init__(self, store: Store) -> None:
        """Raises BadSetting."""
        settings = GitHubSettings.read(store.settings.environ)
        self._store = store
        self._secrets = [each.reveal().encode() for each in settings.webhook_secrets]
        self._asking = AskingGitHub(store, settings)
        self._pool = ThreadPoolExecutor(_AT_ONCE, "github")
        self._taking: Together[Delivery, Answer] = Together(partial(take, store), "webhooks")
        self._stopping = Event()
        self._looking = Thread(target=self._keep_looking, name="jobs put off", daemon=True)

    def takes(self, path: str) -> bool:
        return path == PATH

    def start(self) -> None:
        """Look at jobs that were put off from now on: also at those of before a restart."""
        if self._secrets:
            self._looking.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._looking.is_alive():
            self._looking.join()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._taking.stop()
        self._asking.close()

    async def respond(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, caller: Caller
    ) -> Response:
        """Raises WebhooksOff, NoSuchMethod, BadSignature, TooLarge, BadWebhook, TooBusy."""
        if not self._secrets:
            raise WebhooksOff
        if scope["method"] != "POST":
            raise NoSuchMethod(scope["method"], "POST")
        async with aclosing(pieces_of(receive, _LARGEST)) as pieces:
            body = b"".join([piece async for piece in pieces])
        given = headers.get(_SIGNATURE, b"")
        if not self._is_signed(body, given):
            await self._note(replace(NOBODY_IN_PARTICULAR, address=caller.address))
            raise BadSignature(given=bool(given))
        said = read(headers.get(_EVENT, b"").decode("latin-1"), body)
        answer = await self._answer(Delivery(digest=sha256(body).hexdigest(), said=said))
        return Response.json(to_plain(answer), status=202 if answer.outcome == "undecided" else 200)

    def _is_signed(self, body: bytes, given: bytes) -> bool:
        right = [hmac.new(secret, body, sha256).hexdigest() for secret in self._secrets]
        return any(hmac.compare_digest(given, f"sha256={each}".encode()) for each in right)

    async def _answer(self, delivery: Delivery) -> Answer:
        if isinstance(delivery.said, Nothing):
            return Answer(outcome="nothing", reasons=(delivery.said.reason,))
        return await self._take(delivery)

    async def _take(self, delivery: Delivery) -> Answer:
        if self._asking.may_ask:
            delivery = await self._run(partial(self._asking.completed, delivery))
        return await self._taking.do(delivery)

    def _keep_looking(self) -> None:
        """Look again and again at jobs that were put off, and forget what is old."""
        tidied = -_TIDY
        while not self._stopping.is_set():
            try:
                for delivery in undecided(self._store, _MOST):
                    if self._stopping.is_set():
                        return
                    self._look_again(delivery)
                if monotonic() - tidied >= _TIDY:
                    forget(self._store)
                    tidied = monotonic()
            except CondariumError as error:
                _log.warning("jobs at GitHub wait longer", extra={"error": error.message})
            self._stopping.wait(_AGAIN)

    def _look_again(self, delivery: Delivery) -> None:
        if self._asking.may_ask:
            delivery = self._asking.completed(delivery)
        look_again(self._store, delivery)

    async def _note(self, actor: Actor) -> None:
        """Note it once a minute; what is noted already takes no thread from those that are true."""
        if not is_noted(self._store, actor, "webhook"):
            reasons = ["the webhook's signature is missing, or not right"]
            note = partial(note_refusal, self._store, actor, "webhook", PLATFORM, reasons)
            await self._run(note)

    async def _run(self, work: Callable[[], _R]) -> _R:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)
