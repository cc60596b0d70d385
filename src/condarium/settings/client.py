"""Which server a client works with, where it works with one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from condarium.model.secret import Secret
from condarium.settings import reading


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """Which server a client works with, and where its saved logins are.

    `token` is for `server`; where no server is set, for whichever is named. Without `encrypted`, a
    token may go over plain HTTP to another machine.
    """

    server: str | None = None
    token: Secret | None = None
    encrypted: bool = True
    logins: Path

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Take CONDARIUM_SERVER, CONDARIUM_TOKEN, _TOKEN_FILE and CONDARIUM_PLAIN_HTTP.

        Raises BadSetting.
        """
        home = Path(environ.get("HOME") or Path.home())
        folder = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
        return cls(
            server=reading.url("CONDARIUM_SERVER", environ),
            token=reading.secret("CONDARIUM_TOKEN", environ),
            encrypted=environ.get("CONDARIUM_PLAIN_HTTP") != "1",
            logins=folder / "condarium" / "servers.json",
        )
