"""SQLite as a store needs it: WAL, waiting for writers, and reading where one may not write."""

import os
import sqlite3
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event

_PATIENCE = timedelta(minutes=1)
"""How long a writer waits for another one."""
_CACHE_KIB = 256 << 10
"""How much of a large transaction stays in memory; none of it is taken before it is needed."""
_UNLIMITED = -1
"""A thread that reads must not wait for a connection that one has who waits to write."""


def sqlite_url(file: Path) -> URL:
    return URL.create("sqlite", database=str(file))


def sqlite_engine(url: URL) -> Engine:
    """WAL, waiting for writers, and transactions that we begin ourselves.

    The driver's own handling begins too late for a transaction that reads before it writes, which
    then fails with "database is locked" instead of waiting.
    """
    file = Path(url.database) if url.database else None
    pooled: Any = {} if file is None else {"max_overflow": _UNLIMITED}
    if file is not None and _is_of_somebody_else(file):
        engine = create_engine(url, creator=lambda: _connect_to_read(file), **pooled)
    else:
        if file is not None:
            _make_as_the_umask_says(file)
        engine = create_engine(url, **pooled)
        event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _make_as_the_umask_says(file: Path) -> None:
    """SQLite itself would not let a group write, whatever the umask allows."""
    with suppress(OSError):  # it is there already, or SQLite will say what is wrong
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))


def _is_of_somebody_else(file: Path) -> bool:
    return file.exists() and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))


def _connect_to_read(file: Path) -> sqlite3.Connection:
    """Read a database that may not be written to.

    WAL needs two files beside the database. They are there while a writer is, and are read then;
    else nobody writes, and the database is taken for immutable.
    """
    path = quote(str(file.absolute()))
    for how in ("mode=ro", "immutable=1"):
        connection = sqlite3.connect(
            f"file:{path}?{how}", uri=True, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            if how == "immutable=1":
                raise
        else:
            return connection
    raise AssertionError


def _prepare(connection: Any, record: Any) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_PATIENCE // timedelta(milliseconds=1)}")
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")


def _use_wal(connection: Any) -> None:
    """Switch to WAL, which the file remembers.

    While somebody else uses a database that is not in WAL yet, the switch is refused at once. It
    is left to a later connection then: until that, readers wait for writers, and no more.
    """
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=WAL")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("condarium_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Watch:
    """Tells whether anybody has changed a database since it was last asked; takes microseconds.

    SQLite counts the commits of other connections, of this process and all others, for each
    connection: so this one does nothing but ask.
    """

    def __init__(self, file: Path) -> None:
        url = f"file:{quote(str(file.absolute()))}?mode=ro"
        self._connection = sqlite3.connect(
            url, uri=True, isolation_level=None, check_same_thread=False
        )
        self._lock = Lock()

    def version(self) -> int:
        """Another number than before, if there was a change."""
        with self._lock:
            row = self._connection.execute("PRAGMA data_version").fetchone()
        return int(row[0])

    def close(self) -> None:
        self._connection.close()
