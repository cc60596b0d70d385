"""The settings, read once at the entry point and passed on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from condarium.errors import BadInput
from condarium.model.secret import Secret, redact_url

_URL = re.compile(
    r"https?://([0-9A-Za-z.\-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[0-9A-Za-z._~\-]+)*/?"
)
_SIZES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class BadSetting(BadInput):
    """A setting does not say what it may say."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        self.name, self.found, self.expected = name, found, expected
        super().__init__(f"{name}: found {found!r}; expected {expected}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where things are.

    `store` is a folder; `database` a SQLAlchemy URL and `blobs` an object store's URL
    (`s3://bucket/prefix`), both None for SQLite and files inside the store.
    """

    store: Path
    named: bool = True
    """Whether somebody named the store; else it is at the default place."""
    database: str | None = None
    blobs: str | None = None
    home: Path
    environ: Mapping[str, str]

    @classmethod
    def read(cls, environ: Mapping[str, str], *, store: Path | str | None = None) -> Self:
        """Take CONDARIUM_STORE, CONDARIUM_DATABASE and CONDARIUM_BLOBS; `store` goes first."""
        home = Path(environ.get("HOME") or Path.home())
        data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
        named = store or environ.get("CONDARIUM_STORE")
        chosen = named or data / "condarium"
        return cls(
            store=Path(chosen).expanduser().absolute(),
            named=bool(named),
            database=environ.get("CONDARIUM_DATABASE") or None,
            blobs=environ.get("CONDARIUM_BLOBS") or None,
            home=home,
            environ=dict(environ),
        )


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """How `condarium serve` answers.

    `max_age` is for how many seconds a client may take a head's index for fresh without asking;
    `upload_limit` how many bytes an upload may have; `public_url`, without a slash at its end, is
    where people reach the server, and None where that is the host that they ask for. The
    administrator's token is `admin_token`, or in the file `admin_token_file`, or, where both are
    None, in a file in the store.
    """

    max_age: int = 0
    upload_limit: int = 20 * 10**9
    public_url: str | None = None
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
            max_age=_seconds("CONDARIUM_MAX_AGE", environ, cls.max_age),
            upload_limit=_bytes("CONDARIUM_UPLOAD_LIMIT", environ, cls.upload_limit),
            public_url=_url("CONDARIUM_PUBLIC_URL", environ),
            admin_token=Secret(token) if token else None,
            admin_token_file=Path(file).expanduser().absolute() if file else None,
        )


def _seconds(name: str, environ: Mapping[str, str], default: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not re.fullmatch(r"\d{1,8}", text, re.ASCII):
        raise BadSetting(name, text, "a whole number of seconds")
    return int(text)


def _bytes(name: str, environ: Mapping[str, str], default: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    found = re.fullmatch(r"([1-9]\d{0,14})\s*([kMGT]?)B?", text, re.ASCII)
    if not found:
        raise BadSetting(name, text, "a number of bytes such as 500M or 20G")
    return int(found[1]) * _SIZES[found[2]]


def _url(name: str, environ: Mapping[str, str]) -> str | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not _URL.fullmatch(text):
        raise BadSetting(name, redact_url(text), "a URL such as https://conda.example.org/channels")
    return text.rstrip("/")
