"""GitHub's REST API: who has a name, what a run is of, and what somebody is in a repository.

What GitHub says is believed about ids. Names are only what to ask by, so that each answer is held
against the id that is known of who was meant.
"""

import re
from collections.abc import Mapping
from threading import Lock
from time import monotonic
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx

from condarium.engine.network.guard import guard_for
from condarium.engine.network.http import system_tls
from condarium.errors import Failed, NotFound
from condarium.model.secret import Secret
from condarium.settings.reach import guarded, serves_others

_LARGEST = 1 << 20
_PATIENCE = httpx.Timeout(5.0, connect=3.0)
"""Seconds: GitHub gives a webhook up that is not answered within ten."""
_ROLE_LASTS = 300.0
"""For how many seconds it is remembered what somebody is in a repository."""
_MOST_ROLES = 10_000
# an account that an enterprise manages is called ada_corp
_REPOSITORY = re.compile(r"[A-Za-z0-9_-]{1,39}/[A-Za-z0-9._-]{1,100}", re.ASCII)
_LOGIN = re.compile(r"[A-Za-z0-9_-]{1,39}(\[bot\])?", re.ASCII)


class GithubFailed(Failed):
    """GitHub did not answer as it should."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"GitHub {reason}",
            hint="Try again; whoever keeps the server checks github_api and github_token.",
        )


class NotAtGithub(NotFound):
    """GitHub knows nobody and nothing of this name, or does not show it to us."""

    def __init__(self, what: str, name: str) -> None:
        self.what, self.name = what, name
        super().__init__(
            f"GitHub shows no {what} {name[:80]!r}",
            hint="Check how it is spelled; of a private one the server's token must be allowed.",
        )


class GitHub:
    """Asks the API at one place; may be used by several threads."""

    def __init__(self, api: str, token: Secret, environ: Mapping[str, str]) -> None:
        self._api = api
        headers = {
            "Authorization": f"Bearer {token.reveal()}",
            "Accept": "application/vnd.github+json",
            "User-Agent": "condarium",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        # whoever keeps the server has named the API: it may be asked wherever it is, and no more
        ours = guarded(environ, [api]) if serves_others(environ) else environ
        self._http = httpx.Client(
            verify=system_tls() if api.startswith("https:") else False,
            proxy=guard_for(ours),
            headers=headers,
            timeout=_PATIENCE,
            follow_redirects=False,
        )
        self._roles: dict[tuple[str, str], tuple[float, str | None]] = {}
        self._lock = Lock()

    def close(self) -> None:
        self._http.close()

    def repository(self, name: str) -> tuple[str, str]:
        """The id and the name that `owner/name` has now. Raises NotAtGithub, GithubFailed."""
        if not _REPOSITORY.fullmatch(name):
            raise NotAtGithub("repository", name)
        found = self._found("repository", name, f"/repos/{name}")
        return str(_number(found, "id")), _text(found, "full_name")

    def account(self, login: str) -> tuple[str, str]:
        """The id and the login of a person, or of a bot. Raises NotAtGithub, GithubFailed."""
        if not _LOGIN.fullmatch(login):
            raise NotAtGithub("account", login)
        found = self._found("account", login, f"/users/{quote(login, safe='')}")
        if found.get("type") == "Organization":
            raise NotAtGithub("person", login)
        return str(_number(found, "id")), _text(found, "login")

    def run(self, repository: str, run: str, attempt: int) -> Mapping[str, Any] | None:
        """What the API says of an attempt of a run; None where it knows none.

        Raises GithubFailed.
        """
        return self._get(f"/repos/{repository}/actions/runs/{run}/attempts/{attempt}")

    def role(self, repository: str, repository_id: str, login: str, person: str) -> str | None:
        """What the person of an id is in a repository, such as `admin` or `write`.

        None where they are nothing, or where the login is somebody else's by now. Raises
        GithubFailed.
        """
        key = repository_id, person
        with self._lock:
            at, role = self._roles.get(key, (-_ROLE_LASTS, None))
        if monotonic() - at < _ROLE_LASTS:
            return role
        role = self._role(repository, login, person)
        with self._lock:
            if len(self._roles) >= _MOST_ROLES:
                self._roles.clear()
            self._roles[key] = monotonic(), role
        return role

    def _role(self, repository: str, login: str, person: str) -> str | None:
        place = f"/repos/{repository}/collaborators/{quote(login, safe='')}/permission"
        found = self._get(place)
        user = found.get("user") if found else None
        if not found or not isinstance(user, dict) or str(user.get("id")) != person:
            return None
        role = found.get("role_name") or found.get("permission")
        return role if isinstance(role, str) and role != "none" else None

    def _found(self, what: str, name: str, path: str) -> Mapping[str, Any]:
        found = self._get(path)
        if found is None:
            raise NotAtGithub(what, name)
        return found

    def _get(self, path: str) -> Mapping[str, Any] | None:
        """An object, or None where there is nothing; once elsewhere, where it has been renamed."""
        status, said = self._ask(self._api + path)
        if status in (301, 302, 307, 308) and self._is_own(said):
            status, said = self._ask(said)
        if status in (404, 410, 451):
            return None
        if status != 200:
            raise GithubFailed(f"answers with status {status}")
        try:
            found = httpx.Response(200, content=said).json()
        except ValueError as error:
            raise GithubFailed("does not answer with JSON") from error
        if not isinstance(found, dict):
            raise GithubFailed("does not answer with a JSON object")
        return found

    def _ask(self, url: str) -> tuple[int, Any]:
        """The status, and the content, or of a redirect where it leads."""
        try:
            with self._http.stream("GET", url) as answer:
                if answer.has_redirect_location:
                    return answer.status_code, urljoin(url, answer.headers["location"])
                content = b""
                for piece in answer.iter_bytes():
                    content += piece
                    if len(content) > _LARGEST:
                        raise GithubFailed("says too much")
                return answer.status_code, content
        except httpx.HTTPError as error:
            raise GithubFailed("does not answer") from error

    def _is_own(self, url: str) -> bool:
        """Whether a URL is the API's: the token goes nowhere else."""
        return urlsplit(url)[:2] == urlsplit(self._api)[:2]


def _number(found: Mapping[str, Any], name: str) -> int:
    value = found.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise GithubFailed(f"says no {name}")
    return value


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise GithubFailed(f"says no {name}")
    return value
