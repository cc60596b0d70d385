"""All rows of all tables as one file, the same for SQLite and PostgreSQL.

Lines of JSON in a zstd frame with a checksum, described in docs/reference/formats.md: a header,
then for each table a line that names its columns and their kinds and a line for each row, at last
how many rows there were. What a table is called and what it holds is as the schema's revision says,
so a dump is read back into the schema of its revision, which is migrated then.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec
import zstandard
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    cast,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.types import UserDefinedType

from condarium.errors import Failed
from condarium.storage import tables
from condarium.storage.bulk import in_parts
from condarium.storage.schema import revision_of

FORMAT = 1
LEFT_OUT = frozenset({"encodings"})
"""Tables whose rows are not taken along: views, which are made again and large."""


class DumpDamaged(Failed):
    """A dump of a database is not whole."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"the dump of the database is damaged: {found}",
            hint="`condarium backup verify` says which backups are whole.",
        )


class Dump:
    """A database's rows, as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, file: Path) -> Mapping[str, int]:
        """Write a dump, and give the number of rows by table."""
        compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
        with file.open("wb") as raw, compressor.stream_writer(raw, closefd=False) as stream:
            return self._write(stream)

    def _write(self, stream: IO[bytes]) -> Mapping[str, int]:
        encode = msgspec.json.Encoder().encode
        counts: dict[str, int] = {}
        header = {"format": FORMAT, "revision": revision_of(self._connection)}
        stream.write(encode({**header, "sequences": _sequences(self._connection)}) + b"\n")
        for table in reflected(self._connection, _every_table()):
            kinds = {str(each.name): kind_of(each) for each in table.columns}
            stream.write(encode({"table": str(table.name), "columns": kinds}) + b"\n")
            counts[str(table.name)] = 0
            for rows in self._rows(table):
                stream.write(b"".join(encode(row) + b"\n" for row in rows))
                counts[str(table.name)] += len(rows)
        stream.write(encode({"rows": counts}) + b"\n")
        return counts

    def _rows(self, table: Table) -> Iterator[Sequence[list[Any]]]:
        if table.name in LEFT_OUT:
            return
        # JSON as its text: null within it is something else than no value
        chosen = [
            cast(each, Text).label(each.name) if kind_of(each) == "json" else each
            for each in table.columns
        ]
        query = select(*chosen).order_by(*table.primary_key.columns)
        found = self._connection.execute(query.execution_options(yield_per=1000))
        for part in found.partitions():
            yield [list(row) for row in part]


def read_dump(file: Path, *, expected: int = FORMAT) -> Iterator[tuple[str, Any]]:
    """Give what a dump says: ("header", …), then ("table", …) with ("rows", …), then ("end", …).

    Raises DumpDamaged.
    """
    try:
        with file.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            lines = iter(_lines(stream))
            header = next(lines, None)
            if not isinstance(header, dict) or header.get("format") != expected:
                raise DumpDamaged(f"its header is {str(header)[:80]}")
            yield "header", header
            yield from _contents(lines)
    except (zstandard.ZstdError, msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise DumpDamaged(str(error)) from error


def _contents(lines: Iterator[Any]) -> Iterator[tuple[str, Any]]:
    decode: list[Callable[[Any], Any] | None] = []
    ended = False
    for line in lines:
        if isinstance(line, dict):
            ended = "rows" in line
            if ended:
                yield "end", line["rows"]
            else:
                decode = [_DECODE.get(kind) for kind in line["columns"].values()]
                yield "table", line
        else:
            yield (
                "row",
                [
                    value if turn is None or value is None else turn(value)
                    for value, turn in zip(line, decode, strict=True)
                ],
            )
    if not ended:
        raise DumpDamaged("it ends too early")


def load(connection: Connection, file: Path) -> Mapping[str, int]:
    """Put all rows of a dump into empty tables of its revision; give their number by table.

    Raises DumpDamaged.
    """
    counts: dict[str, int] = {}
    header: Mapping[str, Any] = {}
    inserting: _Inserting | None = None
    for kind, value in _in_runs(read_dump(file)):
        if kind == "header":
            header = value
        elif kind == "table":
            inserting = _Inserting(connection, value)
            counts[value["table"]] = 0
        elif kind == "rows" and inserting:
            inserting.add(value)
            counts[inserting.name] += len(value)
        elif kind == "end" and value != counts:
            raise DumpDamaged("it has other rows than it says")
    _set_sequences(connection, header["sequences"])
    return counts


def _in_runs(items: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Rows by the thousand."""
    rows: list[Any] = []
    for kind, value in items:
        if kind == "row":
            rows.append(value)
            if len(rows) < 1000:
                continue
        if rows:
            yield "rows", rows
            rows = []
        if kind != "row":
            yield kind, value


class _Inserting:
    """One table, as rows are put into it."""

    def __init__(self, connection: Connection, line: Mapping[str, Any]) -> None:
        self._connection, self.name = connection, line["table"]
        self._columns = list(line["columns"])
        (table,) = reflected(connection, [self.name])
        for name, kind in line["columns"].items():
            if kind == "json":
                table.columns[name].type = _JsonText()
        self._insert = table.insert().inline()

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        for part in in_parts(dict(zip(self._columns, row, strict=True)) for row in rows):
            self._connection.execute(self._insert, part)


class _JsonText(UserDefinedType[str]):
    """JSON that is text already."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "JSON"


def reflected(connection: Connection, names: Sequence[str]) -> list[Table]:
    """Tables as the database has them, those that others refer to first."""
    metadata = MetaData()
    there = set(inspect(connection).get_table_names())
    metadata.reflect(connection, only=[name for name in names if name in there])
    return [table for table in metadata.sorted_tables if table.name in names]


def kind_of(column: Column[Any]) -> str:
    """What the column holds, in the words of a dump."""
    for kind, types in _KINDS.items():
        if isinstance(column.type, types):
            return kind
    return "text"


def _every_table() -> list[str]:
    return list(tables.metadata.tables)


_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "json": JSON,
    "boolean": Boolean,
    "instant": DateTime,
    "integer": Integer,
    "bytes": LargeBinary,
}
_DECODE: Mapping[str, Callable[[Any], Any]] = {
    "instant": datetime.fromisoformat,
    "bytes": base64.b64decode,
}


def _lines(stream: IO[bytes]) -> Iterator[Any]:
    decode = msgspec.json.Decoder().decode
    rest = b""
    while piece := stream.read(1 << 20):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield decode(line)
    if rest:
        raise DumpDamaged("its last line is not whole")


def _sequences(connection: Connection) -> dict[str, int]:
    """The last number that was given of each table that never gives one twice."""
    there = {*inspect(connection).get_table_names()}
    found = {name: 0 for name, each in tables.metadata.tables.items() if _is_numbered(each)}
    for name in found.keys() & there:
        if connection.dialect.name == "postgresql":
            query = text("SELECT last_value FROM pg_sequences WHERE sequencename = :name")
            value = connection.scalar(query, {"name": f"{name}_id_seq"})
        else:
            query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
            value = connection.scalar(query, {"name": name})
        most = connection.scalar(select(func.max(tables.metadata.tables[name].c.id)))
        found[name] = max(value or 0, most or 0)
    return found


def _set_sequences(connection: Connection, last: Mapping[str, int]) -> None:
    if connection.dialect.name != "postgresql":
        for name, value in last.items():
            update = text("UPDATE sqlite_sequence SET seq = :value WHERE name = :name")
            if value and not connection.execute(update, {"value": value, "name": name}).rowcount:
                insert = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :value)")
                connection.execute(insert, {"value": value, "name": name})
        return
    for table in reflected(connection, _every_table()):
        key = list(table.primary_key.columns)
        if len(key) != 1 or not isinstance(key[0].type, Integer):
            continue
        sequence = connection.scalar(select(func.pg_get_serial_sequence(table.name, key[0].name)))
        most = max(connection.scalar(select(func.max(key[0]))) or 0, last.get(table.name, 0))
        if sequence and most:
            connection.execute(select(func.setval(sequence, most)))


def _is_numbered(table: Table) -> bool:
    return bool(table.dialect_options["sqlite"].get("autoincrement"))
