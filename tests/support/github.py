"""A stand-in for GitHub: what it knows, its API, and its webhooks, in the shapes that it sends.

    github = GitHub()
    repository = github.repository("lab/fit")
    run = github.run(repository, by=github.account("ada"))
    job = github.job(run, ["self-hosted", "gpu"])
    send(server.url, github.queued(job))

    with github.api() as api:               # GET /repos/…, /users/…, …/runs/…, …/permission
        serve(store, **github.settings, **github.api_settings(api))

Ids count up and are never given twice; a name can be changed, and given to another.
"""

import hmac
import json
import re
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

import httpx

from tests.support.answering import AnsweringServer, Ask, Reply

SECRET = "the-secret-of-the-webhook"
TOKEN = "the-token-for-the-api"
Plain = dict[str, Any]

_SITE, _API = "https://github.com", "https://api.github.com"
_OF_REPOSITORY = (
    *("archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits"),
    *("compare", "contents", "contributors", "deployments", "downloads", "events", "forks"),
    *("git_commits", "git_refs", "git_tags", "hooks", "issue_comment", "issue_events", "issues"),
    *("keys", "labels", "languages", "merges", "milestones", "notifications", "pulls"),
    *("releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams"),
    "trees",
)
_OF_ACCOUNT = (
    *("events", "followers", "following", "gists", "organizations", "received_events", "repos"),
    *("starred", "subscriptions"),
)


@dataclass(frozen=True)
class Webhook:
    """A webhook as GitHub sends it; `secret` signs it."""

    event: str
    body: bytes
    secret: str = SECRET
    delivery: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/044aadd",
            "X-GitHub-Delivery": self.delivery,
            "X-GitHub-Event": self.event,
            "X-GitHub-Hook-ID": "292430182",
            "X-Hub-Signature-256": signature(self.secret, self.body),
        }

    def again(self) -> "Webhook":
        """The same body as another delivery."""
        return replace(self, delivery=str(uuid.uuid4()))


def signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()


def send(url: str, webhook: Webhook, **headers: str | bytes) -> httpx.Response:
    """Have a server take it."""
    place = f"{url}/api/v1/webhooks/github"
    return httpx.post(
        place, content=webhook.body, headers={**webhook.headers, **headers}, timeout=30
    )


class GitHub:
    def __init__(self, *, secret: str = SECRET, first: int = 1000) -> None:
        self._secret, self._ids = secret, count(first)
        self.repositories: dict[str, Plain] = {}
        self.accounts: dict[str, Plain] = {}
        self.runs: dict[tuple[int, int, int], Plain] = {}
        self.roles: dict[tuple[int, int], str] = {}
        """By repository's and person's id."""
        self.moved: dict[str, int] = {}
        """Names that were given up, and are nobody else's."""
        self.down = False

    @property
    def settings(self) -> dict[str, str]:
        """What a server needs to know to take its webhooks."""
        return {"CONDARIUM_GITHUB_WEBHOOK_SECRET": self._secret}

    def api(self) -> AnsweringServer:
        return AnsweringServer(self._answer)

    def api_settings(self, api: AnsweringServer) -> dict[str, str]:
        """What a server needs to know to ask the API."""
        return {"CONDARIUM_GITHUB_API": api.url, "CONDARIUM_GITHUB_TOKEN": TOKEN}

    # what there is

    def account(self, login: str, kind: str = "User") -> Plain:
        """That of this login, which may be made now."""
        if login not in self.accounts:
            api = f"{_API}/users/{login}"
            self.accounts[login] = {
                "login": login,
                "id": next(self._ids),
                "node_id": "MDQ6VXNlcjIxMDMxMDY3",
                "avatar_url": f"https://avatars.githubusercontent.com/{login}?v=4",
                "gravatar_id": "",
                "url": api,
                "html_url": f"{_SITE}/{login}",
                **{f"{each}_url": f"{api}/{each}" for each in _OF_ACCOUNT},
                "type": kind,
                "site_admin": False,
            }
        return self.accounts[login]

    def repository(self, name: str, *, fork: bool = False) -> Plain:
        """That of this name, which may be made now."""
        if name not in self.repositories:
            owner, _, short = name.partition("/")
            api = f"{_API}/repos/{name}"
            now = _said(datetime.now(UTC))
            self.repositories[name] = {
                "id": next(self._ids),
                "node_id": "R_kgDOI0B2TQ",
                "name": short,
                "full_name": name,
                "private": False,
                "owner": self.account(owner, "Organization"),
                "html_url": f"{_SITE}/{name}",
                "description": None,
                "fork": fork,
                "url": api,
                **{f"{each}_url": f"{api}/{each}{{/x}}" for each in _OF_REPOSITORY},
                **{"created_at": now, "updated_at": now, "pushed_at": now},
                "clone_url": f"{_SITE}/{name}.git",
                "size": 0,
                "default_branch": "main",
                "topics": [],
                "visibility": "public",
                "custom_properties": {},
            }
        return self.repositories[name]

    def rename(self, name: str, to: str) -> Webhook:
        """A repository gets another name; the old one is free."""
        repository = self.repositories.pop(name)
        self.moved[name] = repository["id"]
        short = to.partition("/")[2]
        self.repositories[to] = repository | {"name": short, "full_name": to}
        changes = {"repository": {"name": {"from": name.partition("/")[2]}}}
        return self._webhook(
            "repository",
            {"action": "renamed", "changes": changes, "repository": self.repositories[to]},
        )

    def rename_account(self, login: str, to: str) -> None:
        account = self.accounts.pop(login)
        self.accounts[to] = account | {"login": to}

    def run(
        self,
        repository: Plain,
        *,
        by: Plain,
        event: str = "push",
        head: Plain | None = None,
        branch: str = "main",
        commit: str | None = None,
        attempt: int = 1,
        actor: Plain | None = None,
    ) -> Plain:
        """A run, of a commit of `head` where that is not the repository itself."""
        number, now = next(self._ids), _said(datetime.now(UTC))
        run = {
            "id": number,
            "name": "build",
            "node_id": "WFR_kwLOI0B2Tc8AAAABGv9mqA",
            "head_branch": branch,
            "head_sha": commit or sha256(str(number).encode()).hexdigest()[:40],
            "path": ".github/workflows/build.yml",
            "display_title": "build",
            "run_number": 1,
            "event": event,
            "status": "queued",
            "conclusion": None,
            "workflow_id": 55041811,
            "url": f"{repository['url']}/actions/runs/{number}",
            "html_url": f"{repository['html_url']}/actions/runs/{number}",
            "pull_requests": [],
            **{"created_at": now, "updated_at": now, "run_started_at": now},
            "actor": actor or by,
            "run_attempt": attempt,
            "triggering_actor": by,
            "jobs_url": f"{repository['url']}/actions/runs/{number}/jobs",
            "head_commit": {"id": commit, "message": "a commit", "timestamp": now},
            "repository": repository,
            "head_repository": head or repository,
        }
        self.runs[repository["id"], number, attempt] = run
        return run

    def job(self, run: Plain, labels: list[str], **said: Any) -> Plain:
        """A job of a run, waiting for a runner."""
        number, now = next(self._ids), _said(datetime.now(UTC))
        api = run["repository"]["url"]
        return {
            "id": number,
            "run_id": run["id"],
            "workflow_name": "build",
            "head_branch": run["head_branch"],
            "run_url": f"{api}/actions/runs/{run['id']}",
            "run_attempt": run["run_attempt"],
            "node_id": "CR_kwDOI0B2Tc8AAAAC_5Dqgw",
            "head_sha": run["head_sha"],
            "url": f"{api}/actions/jobs/{number}",
            "html_url": f"{_SITE}/{run['repository']['full_name']}/actions/jobs/{number}",
            "status": "queued",
            "conclusion": None,
            "created_at": now,
            "started_at": now,
            "completed_at": None,
            "name": "build",
            "steps": [],
            "check_run_url": f"{api}/check-runs/{number}",
            "labels": labels,
            **dict.fromkeys(("runner_id", "runner_name", "runner_group_id", "runner_group_name")),
            **said,
            "_run": run,
        }

    # webhooks

    def requested(self, run: Plain, action: str = "requested") -> Webhook:
        workflow = {"id": run["workflow_id"], "name": run["name"], "path": run["path"]}
        return self._webhook(
            "workflow_run",
            {
                "action": action,
                "workflow_run": run,
                "workflow": workflow,
                "repository": run["repository"],
                "organization": {"login": run["repository"]["owner"]["login"]},
                "sender": run["triggering_actor"],
            },
        )

    def queued(self, job: Plain, action: str = "queued") -> Webhook:
        run = job["_run"]
        said = {name: value for name, value in job.items() if name != "_run"}
        return self._webhook(
            "workflow_job",
            {
                "action": action,
                "workflow_job": said,
                "repository": run["repository"],
                "organization": {"login": run["repository"]["owner"]["login"]},
                "sender": run["triggering_actor"],
            },
        )

    def in_progress(self, job: Plain, runner: str) -> Webhook:
        said = {"status": "in_progress", "runner_name": runner, "runner_id": 7}
        return self.queued({**job, **said, "started_at": _said(datetime.now(UTC))}, "in_progress")

    def completed(
        self, job: Plain, runner: str | None = None, *, took: timedelta = timedelta(0)
    ) -> Webhook:
        now = datetime.now(UTC)
        said = {"status": "completed", "conclusion": "success", "runner_name": runner}
        times = {"started_at": _said(now - took), "completed_at": _said(now)}
        return self.queued({**job, **said, **times}, "completed")

    def ping(self) -> Webhook:
        hook = {"type": "Organization", "id": 292430182, "events": ["workflow_job"]}
        return self._webhook("ping", {"zen": "Keep it logically awesome.", "hook": hook})

    def _webhook(self, event: str, said: Plain) -> Webhook:
        return Webhook(event, json.dumps(said).encode(), secret=self._secret)

    # the API

    def _answer(self, ask: Ask) -> Reply:
        if self.down:
            return Reply(503)
        if ask.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(401)
        if (moved := self.moved.get(ask.path.removeprefix("/repos/"))) and not self._found(
            ask.path
        ):
            return Reply(301, headers={"Location": f"/repositories/{moved}"})
        found = self._found(ask.path)
        return Reply(404) if found is None else Reply(200, json.dumps(found).encode())

    def _found(self, path: str) -> Plain | None:
        if match := re.fullmatch(r"/users/([^/]+)", path):
            return self.accounts.get(match[1])
        if match := re.fullmatch(r"/repositories/(\d+)", path):
            return next(each for each in self.repositories.values() if str(each["id"]) == match[1])
        match = re.fullmatch(r"/repos/([^/]+/[^/]+)(/.*)?", path)
        named = {name.lower(): each for name, each in self.repositories.items()}
        repository = named.get(match[1].lower()) if match else None
        if match is None or repository is None or not match[2]:
            return repository
        if run := re.fullmatch(r"/actions/runs/(\d+)/attempts/(\d+)", match[2]):
            return self.runs.get((repository["id"], int(run[1]), int(run[2])))
        if asked := re.fullmatch(r"/collaborators/([^/]+)/permission", match[2]):
            user = self.accounts.get(asked[1])
            role = self.roles.get((repository["id"], user["id"]), "none") if user else None
            return {"permission": role, "role_name": role, "user": user} if role else None
        return None


def _said(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
