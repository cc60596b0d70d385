"""People at keyboards who share a server, each with a home and a token of their own.

with serve(store) as server:
    people = People(tmp_path, server)
    ada = people("ada")
    ada("env", "list")                       # ended well, or the test fails
    ada.fails("gc")                          # did not, and that is right
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.serving import Server
from tests.support.user import Said, User


@dataclass(frozen=True)
class Typist:
    """Somebody signed in."""

    user: User

    def __call__(self, *argv: str) -> str:
        """What a command prints that ends well."""
        said = self.user(*argv)
        assert said.code == 0, (argv, said.out, said.err)
        return said.out

    def json(self, *argv: str) -> Any:
        said = self.user(*argv, "--json")
        assert said.code == 0, (argv, said.out, said.err)
        return said.json

    def fails(self, *argv: str) -> str:
        """What a command complains of."""
        said: Said = self.user(*argv)
        assert said.code != 0, (argv, said.out)
        return said.err


@dataclass
class People:
    folder: Path
    server: Server
    _known: dict[str, Typist] = field(default_factory=dict)

    @property
    def admin(self) -> Typist:
        return self._at_keyboard("admin", self.server.token)

    def __call__(self, name: str) -> Typist:
        """A user of this name, who is made where there is none."""
        if name not in self._known:
            self.admin("user", "create", name, "--password-file", self._password())
            made = self.admin.json("token", "create", "--for", name, "--name", "keyboard")
            self._known[name] = self._at_keyboard(name, made["secret"])
        return self._known[name]

    def _at_keyboard(self, name: str, token: str) -> Typist:
        home = self.folder / name
        home.mkdir(exist_ok=True)
        return Typist(User(home, {"CONDARIUM_SERVER": self.server.url, "CONDARIUM_TOKEN": token}))

    def _password(self) -> str:
        path = self.folder / "password"
        path.write_text("a password that is long enough\n")
        return str(path)
