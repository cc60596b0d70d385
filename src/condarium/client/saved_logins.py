"""Logins that `condarium login` keeps: which servers, as whom, and with which tokens.

They are in one JSON file that only its owner may read:

    {"current": URL, "servers": {URL: {"name": NAME, "token": TOKEN}}}
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from condarium.client.files import UnwritableFile
from condarium.errors import BadInput, NotFound
from condarium.model.secret import Secret


class BadSavedLogins(BadInput):
    """The file of saved logins cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path}: {reason}", hint="Remove it, and sign in anew with `condarium login URL`."
        )


class NoSavedLogin(NotFound):
    """There is no saved login."""

    def __init__(self, url: str | None) -> None:
        self.url = url
        super().__init__(f"there is no saved login{f' at {url}' if url else ''}")


@dataclass(frozen=True, kw_only=True)
class Login:
    """A server, and what its client is known by there: nothing, where `token` is None."""

    url: str
    token: Secret | None = None
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class SavedLogins:
    """All of them; `current` is the URL of the one that is used where no place is named."""

    path: Path
    current: str | None
    servers: Mapping[str, Login]

    @classmethod
    def read(cls, path: Path) -> "SavedLogins":
        """Raises BadSavedLogins."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            servers = {
                url: Login(url=url, token=Secret(login["token"]), name=login["name"])
                for url, login in found["servers"].items()
            }
            return cls(path=path, current=found["current"], servers=servers)
        except (FileNotFoundError, NotADirectoryError):
            return cls(path=path, current=None, servers={})
        except OSError as error:
            raise BadSavedLogins(path, error.strerror or str(error)) from None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise BadSavedLogins(path, "these are no saved logins") from None

    def find(self, url: str | None = None) -> Login | None:
        """The login at a URL, or the current one."""
        return self.servers.get(url or self.current or "")

    def save(self, login: Login) -> None:
        """Keep a login, as the current one. Raises UnwritableFile."""
        self._write(login.url, {**self.servers, login.url: login})

    def forget(self, url: str) -> None:
        """Keep all others. Raises UnwritableFile."""
        others = {other: login for other, login in self.servers.items() if other != url}
        current = self.current if self.current in others else None
        self._write(current, others)

    def _write(self, current: str | None, servers: Mapping[str, Login]) -> None:
        plain = {
            "current": current,
            "servers": {
                url: {"name": login.name, "token": login.token.reveal() if login.token else ""}
                for url, login in servers.items()
            },
        }
        beside = self.path.with_name(f".{self.path.name}.{os.urandom(4).hex()}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as to:
                json.dump(plain, to, indent=2)
                to.flush()
                os.fsync(to.fileno())
            beside.replace(self.path)
        except OSError as error:
            raise UnwritableFile(self.path, error.strerror or str(error)) from error
        finally:
            beside.unlink(missing_ok=True)
