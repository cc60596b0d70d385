"""What GitHub's API is asked about a job before it is decided about, outside any unit of work."""

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from condarium.errors import Failed
from condarium.governance.github.deliveries import Delivery
from condarium.model.governance.workflow_job import (
    BadWebhook,
    WorkflowJob,
    WorkflowRun,
    read_run,
)
from condarium.settings.github import GitHubSettings
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.engine.network.github import GitHub


class AskingGitHub:
    """Completes webhooks; may be used by several threads at once.

    Without a token nothing is asked: then runs are known by their own webhooks alone, and what
    somebody is in a repository is not.
    """

    def __init__(self, store: Store, settings: GitHubSettings) -> None:
        self._store, self._settings = store, settings

    @property
    def may_ask(self) -> bool:
        return self._settings.token is not None

    def completed(self, delivery: Delivery) -> Delivery:
        """The delivery with what the API says; it says itself where that did not answer."""
        match delivery.said:
            case WorkflowJob(action="queued") as job:
                return self._of_job(delivery, job)
            case WorkflowRun() as run if self._is_waited_for(run):
                return self._with_role(delivery, run)
        return delivery

    def close(self) -> None:
        if github := vars(self).get("_github"):
            github.close()

    @cached_property
    def _github(self) -> "GitHub":
        from condarium.engine.network.github import GitHub

        settings = self._settings
        assert settings.token is not None
        return GitHub(settings.api, settings.token, self._store.settings.environ)

    def _of_job(self, delivery: Delivery, job: WorkflowJob) -> Delivery:
        with self._store.database.read() as facts:
            if not facts.admissions.asked_for(job.labels):
                return delivery
            run = facts.runs.get(job.project.id, job.run, job.attempt)
        try:
            run = run or self._run(job)
        except (Failed, BadWebhook) as error:
            return replace(delivery, unanswered=error.message)
        if run is None:
            return delivery
        return self._with_role(replace(delivery, run=run), run)

    def _run(self, job: WorkflowJob) -> WorkflowRun | None:
        """What the API says of its run. Raises GithubFailed, BadWebhook."""
        found = self._github.run(job.project.name, job.run, job.attempt)
        if found is None:
            return None
        run = read_run(found)
        right = (run.project.key, run.id, run.attempt) == (job.project.key, job.run, job.attempt)
        return run if right else None

    def _with_role(self, delivery: Delivery, run: WorkflowRun) -> Delivery:
        project, person = run.project, run.by
        if person is None or not run.human:
            return delivery
        try:
            role = self._github.role(
                project.name, project.id or "", login=person.name, person=person.id or ""
            )
        except Failed as error:
            return replace(delivery, unanswered=error.message)
        return replace(delivery, role=role)

    def _is_waited_for(self, run: WorkflowRun) -> bool:
        with self._store.database.read() as facts:
            return bool(facts.runs.undecided(run, limit=1))
