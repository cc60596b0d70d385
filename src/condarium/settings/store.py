"""Where a store is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from condarium.settings import reading
from condarium.settings.configuration import find_file, read_file


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where things are.

    `store` is a folder; `database` a SQLAlchemy URL and `blobs` an object store's URL
    (`s3://bucket/prefix`), both None for SQLite and files inside the store. `environ` is the
    environment, and under it what the configuration `file` says.
    """

    store: Path
    named: bool = True
    """Whether somebody named the store; else it is at the default place."""
    database: str | None = None
    blobs: str | None = None
    auto_upgrade: bool | None = None
    """Whether an older database is migrated when it is opened; None: SQLite is."""
    home: Path
    environ: Mapping[str, str]
    file: Path | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str], *, store: Path | str | None = None) -> Self:
        """Take CONDARIUM_STORE, _DATABASE and _BLOBS; `store` goes before all, a file after all.

        Raises BadConfiguration for what is wrong in the file, BadSetting.
        """
        home = Path(environ.get("HOME") or Path.home())
        default = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "condarium"
        place = _absolute(store or environ.get("CONDARIUM_STORE") or default)
        file = find_file(environ, place)
        said = {**(read_file(file) if file else {}), **environ}
        named = store or said.get("CONDARIUM_STORE")
        database = reading.secret("CONDARIUM_DATABASE", said)
        return cls(
            store=_absolute(named or default),
            named=bool(named),
            database=database.reveal() if database else None,
            blobs=said.get("CONDARIUM_BLOBS") or None,
            auto_upgrade=reading.flag("CONDARIUM_AUTO_UPGRADE", said, default=None),
            home=home,
            environ=said,
            file=file,
        )


def _absolute(path: Path | str) -> Path:
    return Path(path).expanduser().absolute()
