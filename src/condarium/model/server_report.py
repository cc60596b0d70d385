"""What operations on the server answer."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(kw_only=True)
class ServerStarted:
    """Where a server answers. `token_file` has the administrator's token, unless that was given."""

    url: str
    store: Path
    token_file: Path | None
