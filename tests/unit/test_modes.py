"""Permissions of databases, which are in use while they change."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from condarium.storage.modes import close_to_others

_ELSEWHERE = """
import sqlite3, sys

database = sqlite3.connect(sys.argv[1])
database.execute('SELECT * FROM t')
database.close()
"""


def test_a_database_in_use_keeps_its_log_when_it_is_closed_to_others(tmp_path: Path) -> None:
    """Whoever closes a database last removes its log: nobody else may take themselves for that."""
    file = tmp_path / "facts.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE t (n)")
        close_to_others(file)
        subprocess.run([sys.executable, "-c", _ELSEWHERE, str(file)], check=True)
        assert file.with_name("facts.db-wal").exists()
        database.execute("INSERT INTO t VALUES (1)")
        database.commit()
    assert file.stat().st_mode & 0o007 == 0
