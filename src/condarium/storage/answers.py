"""The answers to questions that were solved before, found without opening the database as such.

SQLAlchemy takes longer to import than a known lock may take to find.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

HEAD = "0004"
"""The revision of the schema, which `tables` describes and `migrations` make."""

_FIND = """
SELECT lock, packages FROM solves
WHERE key = ? AND EXISTS (SELECT * FROM alembic_version WHERE version_num = ?)
"""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A lock by its digest, and how many packages it has for each platform."""

    lock: str
    packages: Mapping[str, int]


def glance(file: Path, key: str) -> Answer | None:
    """What answered a question, if this SQLite database has it and is of our revision.

    None also where the database is not there or cannot be read: whoever opens it says why.
    """
    url = f"file:{quote(str(file.absolute()))}?mode=rw"
    try:
        with closing(sqlite3.connect(url, uri=True)) as connection:
            row = connection.execute(_FIND, (key, HEAD)).fetchone()
    except sqlite3.Error:
        return None
    return Answer(lock=row[0], packages=json.loads(row[1])) if row else None
