"""A server that lends machines to repositories at the stand-in for GitHub, and what came of it.

with borrowing(folder) as place:
    repository = place.github.repository("lab/fit")
    gpu = place.lend("gpu", to=repository)
    answer = place.queue(repository, ["self-hosted", gpu])
    assert answer["outcome"] == "admitted"
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from condarium.governance.grants.granting import grant_in
from condarium.model.actor import Actor
from condarium.model.audit import AuditEntry, AuditFilter
from condarium.model.governance.admission import Admission
from condarium.model.governance.grants import Conditions, Grant, Lending
from condarium.model.governance.projects import Project, ProjectKind
from condarium.model.governance.resources import ResourceKind, Settings
from condarium.settings import Settings as StoreSettings
from condarium.storage.store import Store
from tests.support.github import GitHub, Plain, Webhook, send
from tests.support.serving import Server, serve

OWNER = Actor(name="owner")


def project_of(repository: Plain) -> Project:
    return Project(kind=ProjectKind.GITHUB, name=repository["full_name"], id=str(repository["id"]))


@dataclass
class Borrowing:
    server: Server
    store: Store
    github: GitHub

    def lend(
        self,
        name: str,
        *,
        to: Plain | None = None,
        kind: ResourceKind = ResourceKind.RUNNER,
        conditions: Conditions = Conditions(),  # noqa: B008 - it is frozen
        **settings: Any,
    ) -> str:
        """Make a resource, and grant it to a repository."""
        said = Settings(kind=kind, **settings)
        with self.store.database.note() as facts:
            facts.resources.add(name, said, at=self.store.now(), by="owner")
        if to is not None:
            self.grant(name, to, conditions)
        return name

    def grant(
        self,
        resource: str,
        repository: Plain,
        conditions: Conditions = Conditions(),  # noqa: B008 - it is frozen
    ) -> Grant:
        lending, at = Lending(conditions=conditions), self.store.now()
        with self.store.database.note() as facts:
            return grant_in(
                facts,
                resource,
                project_of(repository),
                lending,
                actor=OWNER,
                reason="tests",
                at=at,
            )

    def send(self, webhook: Webhook, **headers: str | bytes) -> httpx.Response:
        return send(self.server.url, webhook, **headers)

    def says(self, webhook: Webhook) -> Plain:
        """What the server answers to a webhook that it takes."""
        answer = self.send(webhook)
        assert answer.status_code in (200, 202), answer.text
        said: Plain = answer.json()
        return said

    def queue(self, repository: Plain, labels: list[str], **run: Any) -> Plain:
        """What it answers to a job of a run that was heard of before."""
        made = self.github.run(repository, **{"by": self.github.account("ada"), **run})
        self.says(self.github.requested(made))
        return self.says(self.github.queued(self.github.job(made, labels)))

    def admission(self, job: Plain) -> Admission | None:
        with self.store.database.read() as facts:
            return facts.admissions.by_external("github", str(job["id"]))

    def admissions(self) -> int:
        with self.store.database.read() as facts:
            return len(facts.admissions.all())

    def audited(self, action: str) -> list[AuditEntry]:
        with self.store.database.read() as facts:
            return list(facts.audit.all(AuditFilter(action=action)))


@contextmanager
def borrowing(folder: Path, github: GitHub | None = None, **environ: str) -> Iterator[Borrowing]:
    github = github or GitHub()
    settings = StoreSettings.read({"HOME": str(folder)}, store=folder / "store")
    with (
        serve(folder / "store", CONDARIUM_SERVE_WORKER="0", **github.settings, **environ) as server,
        closing(Store(settings)) as store,
    ):
        yield Borrowing(server, store, github)
