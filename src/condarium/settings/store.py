"""Where a store is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self


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
