"""What operations on the server answer."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(kw_only=True)
class ServerStarted:
    """Where a server answers.

    `first_sign_in` is a link by which the first administrator signs in, once, within 24 hours; None
    where there is one already, or where an operator's token was given.
    """

    url: str
    store: Path
    first_sign_in: str | None = None
