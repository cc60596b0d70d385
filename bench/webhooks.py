"""A webhook of GitHub over HTTP until its job is admitted.

At 16 connections and at one that ask again as soon as they are answered (a closed loop: the server
is never idle), and at 16 on which webhooks come steadily, whether those before are answered or not.
"""

from contextlib import closing
from itertools import islice
from pathlib import Path

from tests.support.github import GitHub, Plain

from bench.line import Line, Result
from bench.nginx import Load, missing, wrk
from bench.processes import MeasureFailed
from bench.served import served
from bench.setting import Setting
from bench.steadily import steadily
from condarium.governance.grants.granting import grant_in
from condarium.model.actor import Actor
from condarium.model.governance.admission import AdmissionState
from condarium.model.governance.amounts import CREDIT, Period
from condarium.model.governance.grants import Lending
from condarium.model.governance.projects import Project, ProjectKind
from condarium.model.governance.resources import Budget, ResourceKind
from condarium.model.governance.resources import Settings as Lent
from condarium.model.governance.workflow_job import WorkflowRun, read
from condarium.settings import Settings
from condarium.storage.facts import Facts
from condarium.storage.store import Store

_TITLE = "A webhook that admits a job"
_RESOURCES, _REPOSITORIES, _JOBS = 10, 200, 4
"""Each repository may use each resource; a run has four jobs."""
_CONNECTIONS = 16
_STEADY = 100
"""Webhooks a second."""
_ACTOR = Actor(name="bench")
_LUA = """
local requests, at = {}, 0
local file = io.open("FILE", "rb")
while true do
  local size = file:read("*n")
  if not size then break end
  file:read(1)
  requests[#requests + 1] = file:read(size)
end
request = function()
  at = at + 1
  if at > #requests then os.exit(1) end
  return requests[at]
end
"""
"""Each request has a body of its own; there are more than can be answered."""


def run(setting: Setting) -> Result:
    if absent := missing("wrk"):
        return Result(name="webhooks", title=_TITLE, skipped=f"there is no {absent} here")
    with closing(_Place(setting)) as place:
        alone = place.measure(connections=1)
        busy = place.measure(connections=_CONNECTIONS)
        calm = place.measure_steadily()
        place.check()
    return Result(
        name="webhooks",
        title=_TITLE,
        facts=[
            f"`workflow_job` queued, {place.size / 1000:.0f} kB each and all different, over HTTP "
            f"to `condarium serve` with SQLite; {_RESOURCES} resources, "
            f"{_RESOURCES * _REPOSITORIES:,} grants",
            "signed and checked, decided, paid for from a budget, audited, and on disk before it "
            "is answered (`synchronous=FULL`)",
            "saturated: wrk on the same cores as the server, over loopback; each connection asks "
            "again as soon as it is answered, so that what is measured is mostly how many wait",
            f"steady: {_STEADY} webhooks a second over {_CONNECTIONS} connections, from a process "
            "of its own; each is timed from when it was due, so that none is late unseen",
        ],
        lines=[
            Line(name="steady, 99 of 100 within", ours=[each.p99 for each in calm],
                 kind="value", limit=0.01, note=_rate(calm)),
            Line(name="steady, half of them within", ours=[each.median for each in calm],
                 kind="value"),
            Line(name="16 connections, saturated, 99 of 100 within",
                 ours=[each.p99 for each in busy], kind="value", limit=0.01, note=_rate(busy)),
            Line(name="16 connections, saturated, a job", ours=[1 / each.requests for each in busy],
                 kind="value", note=_rate(busy)),
            Line(name="one connection, saturated, 99 of 100 within",
                 ours=[each.p99 for each in alone], kind="value", note=_rate(alone)),
        ],
    )  # fmt: skip


def _rate(loads: list[Load]) -> str:
    return f"{sum(each.requests for each in loads) / len(loads):.0f} jobs a second"


class _Place:
    """A store that lends, and webhooks that ask of it."""

    def __init__(self, setting: Setting) -> None:
        self._setting, self._folder = setting, setting.store()
        self._github = GitHub()
        self._store = Store(Settings.read({}, store=self._folder))
        self._asked = 0.0
        self.size = 0
        self._repositories = [
            self._github.repository(f"lab/project{number}") for number in range(_REPOSITORIES)
        ]
        with self._store.database.note() as facts:
            for number in range(_RESOURCES):
                self._lend(facts, f"pool{number}")

    def close(self) -> None:
        self._store.close()

    def measure(self, *, connections: int) -> list[Load]:
        """Ask with so many connections, as often as is set."""
        found, seconds = [], 1 if self._setting.quick else 5
        environ = {"CONDARIUM_SERVE_WORKER": "0", **self._github.settings}
        with served(self._setting, self._folder, **environ) as server:
            for _ in range(self._setting.runs):
                script = self._script(server.url, 2000 * seconds)
                load = wrk(server.url, seconds=seconds, connections=connections, script=script)
                self._asked += load.requests * seconds
                found.append(load)
        return found

    def measure_steadily(self) -> list[Load]:
        """Have webhooks come so many a second, whatever becomes of those before."""
        found, seconds = [], 1 if self._setting.quick else 5
        environ = {"CONDARIUM_SERVE_WORKER": "0", **self._github.settings}
        with served(self._setting, self._folder, **environ) as server:
            for _ in range(self._setting.runs):
                requests = self._requests(server.url, _STEADY * seconds)
                load = steadily(server.url, requests, rate=_STEADY, connections=_CONNECTIONS)
                self._asked += load.requests * seconds
                found.append(load)
        return found

    def check(self) -> None:
        """Raise MeasureFailed where less was admitted than was answered."""
        with self._store.database.read() as facts:
            admitted = len(facts.admissions.all(states=[AdmissionState.WAITING]))
        if admitted < 0.99 * self._asked:
            raise MeasureFailed(f"{admitted} of some {self._asked:.0f} jobs were admitted")

    def _lend(self, facts: Facts, name: str) -> None:
        at = self._store.now()
        facts.resources.add(name, Lent(kind=ResourceKind.RUNNER), at=at, by="bench")
        budget = Budget(
            id=0, donor="bench", amount=CREDIT * 10**7, period=Period.ONCE, starts_at=at
        )
        facts.resources.add_budget(facts.resources.get(name), budget, at=at, by="bench")
        for repository in self._repositories:
            project = Project(
                kind=ProjectKind.GITHUB, name=repository["full_name"], id=str(repository["id"])
            )
            grant_in(facts, name, project, Lending(), actor=_ACTOR, reason="bench", at=at)

    def _script(self, url: str, many: int) -> Path:
        script = self._setting.folder("wrk.lua")
        script.write_text(_LUA.replace("FILE", str(self._requests(url, many))))
        return script

    def _requests(self, url: str, many: int) -> Path:
        """Requests that are signed and written down before the clock starts."""
        file = self._setting.folder("requests")
        with file.open("wb") as written:
            for job in islice(self._jobs(many // _JOBS), many):
                webhook = self._github.queued(job)
                head = "".join(f"{name}: {value}\r\n" for name, value in webhook.headers.items())
                first = f"POST /api/v1/webhooks/github HTTP/1.1\r\nHost: {url[7:]}\r\n"
                size = f"Content-Length: {len(webhook.body)}\r\n\r\n"
                whole = f"{first}{head}{size}".encode() + webhook.body
                written.write(b"%d\n%s" % (len(whole), whole))
                self.size = len(webhook.body)
        return file

    def _jobs(self, runs: int) -> list[Plain]:
        """The jobs of new runs, which are known to the store."""
        github, found = self._github, []
        with self._store.database.note() as facts:
            for number in range(runs):
                repository = self._repositories[number % _REPOSITORIES]
                made = github.run(repository, by=github.account(f"person{number % 100}"))
                said = read("workflow_run", github.requested(made).body)
                assert isinstance(said, WorkflowRun)
                facts.runs.add(said, at=self._store.now())
                label = f"pool{number % _RESOURCES}"
                found += [github.job(made, ["self-hosted", label]) for _ in range(_JOBS)]
        return found
