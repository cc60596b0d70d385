"""What signing in at a server, and out of it, answers."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class LoggedIn:
    """A login that was saved in the file at `path`; commands without a place use `server` now."""

    server: str
    name: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class LoggedOut:
    """A login that was forgotten; `revoked` is whether the server has taken its token back."""

    server: str
    revoked: bool
    reason: str = ""
