"""The database: does it answer, is its schema ours, is it whole?"""

from collections.abc import Iterator

from condarium.operating.checks.registry import Examination, Found, check, ok, problem, warning
from condarium.storage.answers import HEAD


@check("database")
def database(examined: Examination) -> Iterator[Found]:
    with examined.store.database.read() as facts:
        health = facts.health
        yield ok(f"{health.engine} answers; schema revision {HEAD}")
        if missing := health.missing_tables():
            hint = "Somebody changed the database. Restore a backup into an empty one."
            yield problem(f"it lacks the tables {', '.join(missing)}", hint)
        examined.progress.phase("database")
        if wrong := health.damage():
            hint = "Stop all that uses it, and restore a backup into an empty store."
            yield problem(f"it is damaged: {wrong}", hint)
        if health.engine == "SQLite" and (mode := health.journal()) != "wal":
            hint = "It is switched when nobody else uses it; a network file system has none."
            yield warning(f"its journal is {mode}, not WAL: readers wait for writers", hint)
