"""How `condarium serve` answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from condarium.model.secret import Secret
from condarium.settings import reading


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """How `condarium serve` answers.

    `max_age` is for how many seconds a client may take a head's index for fresh without asking;
    `upload_limit` how many bytes an upload may have; `public_url`, without a slash at its end, is
    where people reach the server, and None where that is the host that they ask for. One that is
    told to end says so at /readyz for `drain` seconds before it takes no more requests. An
    operator's token is `admin_token`, or in the file `admin_token_file`, or, where both are
    None, in a file in the store.
    """

    max_age: int = 0
    upload_limit: int = 20 * 10**9
    public_url: str | None = None
    drain: int = 0
    answer_timeout: int = 300
    admin_token: Secret | None = None
    admin_token_file: Path | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Take CONDARIUM_MAX_AGE, _UPLOAD_LIMIT, _PUBLIC_URL, _ADMIN_TOKEN and _ADMIN_TOKEN_FILE.

        Raises BadSetting.
        """
        token = environ.get("CONDARIUM_ADMIN_TOKEN")
        file = environ.get("CONDARIUM_ADMIN_TOKEN_FILE")
        return cls(
            max_age=reading.seconds("CONDARIUM_MAX_AGE", environ, cls.max_age),
            upload_limit=reading.size("CONDARIUM_UPLOAD_LIMIT", environ, cls.upload_limit),
            answer_timeout=reading.seconds("CONDARIUM_ANSWER_TIMEOUT", environ, cls.answer_timeout),
            drain=reading.seconds("CONDARIUM_DRAIN", environ, cls.drain),
            public_url=reading.url("CONDARIUM_PUBLIC_URL", environ),
            admin_token=Secret(token) if token else None,
            admin_token_file=Path(file).expanduser().absolute() if file else None,
        )
