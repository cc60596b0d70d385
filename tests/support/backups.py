"""A store with something of everything, and what two stores must have alike after a restore."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from condarium.model.actor import Actor
from condarium.model.hosting.hosted import ChannelKind
from condarium.model.progress import Quiet
from condarium.operating import backing_up, bringing_back
from condarium.storage import tables
from condarium.storage.backing_up.dump import read_dump
from condarium.storage.store import Store
from tests.support.channel import Made
from tests.support.hosting import ADA, create, host

THEN = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
LARGE = b"a log\n" * 1_500_000
"""A blob that is not copied in one piece."""
_OF_A_JOB = {
    "status": "running",
    "error": {"code": "failed", "message": "no", "hint": None, "data": {"a": [1, None, "ü"]}},
}
_FOREIGN = ("principal_id", "group_id", "namespace_id", "channel_id", "environment_id")


def fill(store: Store, *, packages: int = 4, log: bytes = b"a log") -> None:
    """Publish packages, and give every other table a row of its own, with every kind of value."""
    host(store, "lab", [Made(f"tool{number}", "1.0") for number in range(packages)])
    host(store, "lab", [Made("tool0", "2.0")], labels=["dev"])
    create(store, "away", kind=ChannelKind.PROXY)
    lock, spec = store.blobs.put(b"a lock"), store.blobs.put("name: fit ü".encode())
    given = {"lock": lock, "spec": spec, "log": store.blobs.put(log), "documents": [spec]}
    given |= {"sha256": store.blobs.put(b"a source"), "document": store.blobs.put(b"a patch")}
    with store.database.note() as facts:
        connection = facts._connection
        for table in tables.metadata.sorted_tables:
            taken = {"audit", "audit_head", "facts", "files", "shards", "revisions", "channels"}
            if table.name not in taken | {"encodings"}:
                row = {each.name: _value(table.name, each, given) for each in table.columns}
                connection.execute(insert(table).values(row))


def _value(table: str, column: Any, given: dict[str, Any]) -> Any:
    if column.name in given:
        return given[column.name]
    if column.name in _FOREIGN and column.foreign_keys:
        return 1 if "INTEGER" in str(column.type).upper() else "one"
    if column.name == "environment_id":
        return 1
    if table == "jobs" and column.name in _OF_A_JOB:
        return _OF_A_JOB[column.name]
    kind = str(column.type).upper()
    if kind == "JSON":
        return {"a": [1, None, "ü"], "b": 1.5}
    values = {"BOOLEAN": True, "INTEGER": 1, "BIGINT": 1 << 40, "BLOB": b"\x00\xff" * 16}
    return THEN if "DATETIME" in kind else values.get(kind, "one")


def back_up(store: Store, place: Path | str) -> Any:
    return backing_up.back_up(store, str(place), actor=ADA, progress=Quiet())


def bring_back(store: Store, place: Path | str, name: str | None = None) -> Any:
    actor = Actor(name="ben")
    return bringing_back.bring_back(store, str(place), name, actor=actor, progress=Quiet())


def rows_of(store: Store, folder: Path) -> dict[str, list[list[Any]]]:
    """All rows by table, in an order that does not depend on the database."""
    file = folder / f"rows-{datetime.now(UTC).timestamp()}"
    with store.database.read() as facts:
        facts.dump.write(file)
    found: dict[str, list[Any]] = {}
    name = ""
    for kind, value in read_dump(file):
        if kind == "header":
            found["sequences"] = sorted(value["sequences"].items())
        elif kind == "table":
            name, columns = value["table"], list(value["columns"])
            found[name] = []
        elif kind == "row":
            found[name].append(sorted(zip(columns, value, strict=True)))
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def blobs_of(store: Store) -> dict[str, bytes]:
    return {each.digest: store.blobs.get(each.digest) for each in store.blobs}
