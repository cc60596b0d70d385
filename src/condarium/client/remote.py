"""Operations, carried out by a server: the same arguments, results and errors as in process."""

import json
from collections.abc import Mapping
from typing import Any, get_origin

from condarium import __version__
from condarium.app import local_actor
from condarium.client.following import error_of_job, follow, follow_log
from condarium.client.requests import question_of
from condarium.client.saved_logins import Login
from condarium.client.server_errors import NoServerHere, OtherVersion, error_of
from condarium.engine.network.api import Answer, Api
from condarium.errors import BadInput
from condarium.model.from_plain import Misfit, from_plain
from condarium.model.jobs import Job, JobLog, JobStatus, Placing
from condarium.model.paging import Page
from condarium.model.progress import Progress, Quiet
from condarium.operation import Operation

_ACCEPTED = 202
_PAGE = 500
"""How many items of a list are asked for at once, where its caller wants all."""


class WorksHere(BadInput):
    """The operation works on a store on this machine, and not through a server."""

    def __init__(self, operation: str, url: str) -> None:
        self.operation, self.url = operation, url
        super().__init__(
            f"`condarium {operation}` works on a store on this machine, not through the server "
            f"at {url}",
            hint=_INSTEAD.get(operation, "Name the store: `--store DIR`."),
        )


_INSTEAD = {
    "env run": "On a machine that has the server's store, name it: `--store DIR`. Else "
    "`condarium env show NS/NAME --lock` gives the lock, to be built in a store of your own.",
    "channel export": "On the server's machine, name its store: `--store DIR`. Else mirror the "
    "channel's URL into a store of your own with `condarium channel mirror`.",
}


class Remote:
    """A server, and somebody who is known there."""

    def __init__(
        self,
        login: Login,
        *,
        progress: Progress | None = None,
        encrypted: bool = True,
        detach: bool = False,
        placing: Placing | None = None,
    ) -> None:
        """Nothing is asked yet. With `detach`, a job is not waited for. Raises NotEncrypted."""
        self._placing = placing
        self.url, self.progress, self._detach = login.url, progress or Quiet(), detach
        agent = f"condarium/{__version__}"
        self._api = Api(login.url, token=login.token, agent=agent, encrypted=encrypted)

    def call(self, operation: Operation, arguments: Mapping[str, Any]) -> Any:
        """Have an operation carried out.

        Raises WorksHere, ServerUnreachable, OtherVersion, and what the operation raises.
        """
        try:
            if operation.local:
                return self._run_here(operation, arguments)
            if operation.name == "job logs" and arguments.get("follow"):
                return self._follow_log(operation, arguments)
            if get_origin(operation.result) is Page and arguments.get("limit") is None:
                return self._whole_list(operation, arguments)
            return self._ask(operation, arguments)
        finally:
            self.progress.finish()

    def close(self) -> None:
        self._api.close()

    def _run_here(self, operation: Operation, arguments: Mapping[str, Any]) -> Any:
        if "store" in operation.injected:
            raise WorksHere(operation.name, self.url)
        handed = {"actor": local_actor(), "progress": self.progress}
        given = {name: handed[name] for name in operation.injected}
        return operation.function(**given, **arguments)

    def _follow_log(self, operation: Operation, arguments: Mapping[str, Any]) -> JobLog:
        phase, grep = arguments.get("phase"), arguments.get("grep")
        job, heard = follow_log(self._api, arguments["job"], self.progress, phase=phase, grep=grep)
        if phase is not None and not heard:  # the server says which there are
            self._ask(operation, {**arguments, "follow": False})
        return JobLog(job=job, events=(), last=heard)

    def _whole_list(self, operation: Operation, arguments: Mapping[str, Any]) -> Page[Any]:
        """All pages as one. Raises OtherVersion where they do not lead to an end."""
        items: list[Any] = []
        seen = set()
        page = self._ask(operation, {**arguments, "limit": _PAGE})
        while page.next is not None:
            items += page.items
            if page.next in seen:
                raise self._not_understood(operation, None, "its pages go round in a circle")
            seen.add(page.next)
            page = self._ask(operation, {**arguments, "limit": _PAGE, "cursor": page.next})
        return Page(items=(*items, *page.items))

    def _ask(self, operation: Operation, arguments: Mapping[str, Any]) -> Any:
        placing = self._placing if operation.job else None
        answer = self._api.ask(question_of(operation, arguments, placing))
        if answer.status >= 400:
            raise error_of(answer, self.url, operation.name)
        try:
            plain = json.loads(answer.content)
        except ValueError:
            raise NoServerHere(self.url, answer.media_type or "nothing") from None
        try:
            if answer.status == _ACCEPTED:
                job = from_plain(Job, plain, where="the job")
                return job if self._detach else self._result(operation, job)
            return from_plain(operation.result, plain)
        except Misfit as misfit:
            raise self._not_understood(operation, answer, misfit.message) from misfit

    def _result(self, operation: Operation, job: Job) -> Any:
        ended = follow(self._api, job, self.progress)
        if ended.status is not JobStatus.SUCCEEDED:
            self.progress.say(
                f"job {job.id} {ended.status}: `condarium job logs {job.id}` shows what it did"
            )
            raise error_of_job(ended)
        return from_plain(operation.result, ended.result)

    def _not_understood(
        self, operation: Operation, answer: Answer | None, why: str
    ) -> OtherVersion:
        version = answer.version if answer else None
        return OtherVersion(
            self.url, version, f"what `{operation.name}` answered is not understood ({why})"
        )
