"""A database at a URL, looked at and migrated without being opened as a store's."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, make_url

from condarium.storage.answers import HEAD
from condarium.storage.database import open_engine, translated
from condarium.storage.modes import open_or_make
from condarium.storage.schema import Migrated, bring_up, check_known, revision_of


def revision_at(url: str | URL) -> str | None:
    """The schema's revision; None for an empty database. Raises StoreTooNew, SchemaBroken."""
    with _engine(url) as engine, engine.connect() as connection:
        revision = revision_of(connection)
    check_known(revision)
    return revision


def migrate(url: str | URL) -> Migrated:
    """Bring the schema up to date. Raises StoreTooNew, SchemaBroken."""
    with _engine(url) as engine:
        return bring_up(engine)


def copy_sqlite(url: str | URL) -> Path | None:
    """Copy an SQLite database beside it, as of now; None for any other."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    file = Path(parsed.database)
    copy = file.with_name(f"{file.name}.before-{HEAD}")
    copy.unlink(missing_ok=True)
    os.close(open_or_make(copy, os.O_RDWR | os.O_CLOEXEC))
    copy.chmod(file.stat().st_mode & 0o777)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


@contextmanager
def _engine(url: str | URL) -> Iterator[Engine]:
    with translated():
        engine = open_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()
