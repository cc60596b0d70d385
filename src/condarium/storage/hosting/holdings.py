"""What holds in a channel: its facts by revision, and the files and patches that they speak of."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, func, or_, select

from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.hosted import HostedChannel, HostedFile, HostedPatch
from condarium.storage.bulk import in_parts, insert_rows
from condarium.storage.tables import facts, files, patches

_AT_ONCE = 400
"""How many values one statement asks for; SQLite allows a limited number of variables."""

Names = Iterable[tuple[str, str]]
"""Pairs of a subdir and a package name."""


class Holdings:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, channel: HostedChannel, opened: Iterable[Fact], *, since: int) -> None:
        given = {"channel_id": channel.id, "since": since}
        insert_rows(self._connection, facts, ({**given, **_values(fact)} for fact in opened))

    def close(self, channel: HostedChannel, closed: Iterable[Fact], *, until: int) -> None:
        """End facts that hold."""
        same = [facts.c[key] == bindparam(f"of_{key}") for key in Fact.__dataclass_fields__]
        ending = facts.update().where(
            facts.c.channel_id == channel.id, facts.c.until.is_(None), *same
        )
        for some in in_parts(closed):
            rows = [{f"of_{key}": value for key, value in _values(fact).items()} for fact in some]
            self._connection.execute(ending.values(until=until), rows)

    def holding(
        self,
        channel: HostedChannel,
        *,
        at: int,
        kind: FactKind | None = None,
        value: str | None = None,
    ) -> Iterator[Fact]:
        """What holds at a revision, in no order."""
        chosen = _facts(channel).where(_holds(at))
        if kind is not None:
            chosen = chosen.where(facts.c.kind == kind)
        if kind is FactKind.PATCH:  # found by index: no other kind is about no package
            chosen = chosen.where(facts.c.subdir == "", facts.c.name == "")
        if value is not None:
            chosen = chosen.where(facts.c.value == value)
        return map(_fact, self._connection.execute(chosen))

    def present(
        self, channel: HostedChannel, kind: FactKind, subdirs: Iterable[str]
    ) -> Iterator[Fact]:
        """What holds now in subdirs; what no longer does is not looked at."""
        chosen = _facts(channel).where(
            facts.c.until.is_(None), facts.c.kind == kind, facts.c.subdir.in_(sorted(subdirs))
        )
        return map(_fact, self._connection.execute(chosen))

    def about(self, channel: HostedChannel, names: Names, *, at: int) -> Iterator[Fact]:
        """What holds at a revision of packages by their names."""
        for subdir, part in _by_subdir(names):
            chosen = _facts(channel).where(
                facts.c.subdir == subdir, facts.c.name.in_(part), _holds(at)
            )
            yield from map(_fact, self._connection.execute(chosen))

    def opened_at(self, channel: HostedChannel, number: int) -> list[Fact]:
        chosen = _facts(channel).where(facts.c.since == number)
        return sorted(map(_fact, self._connection.execute(chosen)))

    def closed_at(self, channel: HostedChannel, number: int) -> list[Fact]:
        chosen = _facts(channel).where(facts.c.until == number)
        return sorted(map(_fact, self._connection.execute(chosen)))

    def spans(self, channel: HostedChannel, names: Names) -> Iterator[tuple[Fact, int, int | None]]:
        """Each time that a fact about packages held: from which revision, until which."""
        for subdir, part in _by_subdir(names):
            chosen = (
                _facts(channel)
                .add_columns(facts.c.since, facts.c.until)
                .where(facts.c.subdir == subdir, facts.c.name.in_(part))
            )
            for row in self._connection.execute(chosen):
                yield _fact(row), row.since, row.until

    def subdirs(self, channel: HostedChannel) -> set[str]:
        """Those that any package of the channel was ever in."""
        found: set[str] = set()
        last = ""
        while True:  # from one to the next by the index: a scan would look at every fact
            chosen = select(func.min(facts.c.subdir)).where(
                facts.c.channel_id == channel.id, facts.c.subdir > last
            )
            following = self._connection.scalar(chosen)
            if following is None:
                return found
            last = following
            found.add(last)

    def names(self, channel: HostedChannel, subdir: str) -> set[str]:
        """All package names of a subdir of which the channel has or had anything."""
        chosen = select(facts.c.name).where(
            facts.c.channel_id == channel.id, facts.c.subdir == subdir
        )
        return set(self._connection.execute(chosen.distinct()).scalars())

    def add_files(self, channel: HostedChannel, added: Iterable[HostedFile]) -> None:
        given = {"channel_id": channel.id}
        insert_rows(self._connection, files, ({**given, **vars(file)} for file in added))

    def file(self, channel: HostedChannel, subdir: str, file_name: str) -> HostedFile | None:
        """A file that the channel has or had."""
        chosen = _files(channel).where(files.c.subdir == subdir, files.c.file_name == file_name)
        row = self._connection.execute(chosen).first()
        return _file(row) if row else None

    def digests(self, channel: HostedChannel, names: Names) -> dict[tuple[str, str], str]:
        """By subdir and file name, the SHA-256 of all files that the channel has or had."""
        found: dict[tuple[str, str], str] = {}
        for subdir, part in _by_subdir(names):
            chosen = select(files.c.file_name, files.c.sha256).where(
                files.c.channel_id == channel.id, files.c.subdir == subdir, files.c.name.in_(part)
            )
            rows = self._connection.execute(chosen)
            found.update({(subdir, file_name): sha256 for file_name, sha256 in rows})
        return found

    def files_of(self, channel: HostedChannel, names: Names) -> Iterator[HostedFile]:
        """All files, with their records, that the channel has or had of packages by their names."""
        for subdir, part in _by_subdir(names):
            chosen = _files(channel).where(files.c.subdir == subdir, files.c.name.in_(part))
            yield from map(_file, self._connection.execute(chosen))

    def records_of(
        self, channel: HostedChannel, names: Names
    ) -> Iterator[tuple[str, str, str, bytes]]:
        """Subdir, name, file name and record of all files of packages, for who reads very many."""
        columns = [files.c.subdir, files.c.name, files.c.file_name, files.c.record]
        for subdir, part in _by_subdir(names):
            chosen = select(*columns).where(
                files.c.channel_id == channel.id, files.c.subdir == subdir, files.c.name.in_(part)
            )
            yield from (tuple(row) for row in self._connection.execute(chosen))

    def oldest_since(self, channel: HostedChannel, indexed_at: int) -> dict[tuple[str, str], int]:
        """By subdir and name, when its first file came of those later than this, in ms."""
        chosen = (
            select(files.c.subdir, files.c.name, func.min(files.c.indexed_at))
            .where(files.c.channel_id == channel.id, files.c.indexed_at > indexed_at)
            .group_by(files.c.subdir, files.c.name)
        )
        rows = self._connection.execute(chosen)
        return {(subdir, name): oldest for subdir, name, oldest in rows}

    def next_after(self, channel: HostedChannel, indexed_at: int) -> int | None:
        """When the first file came that came later than this, in ms."""
        found = self._connection.scalar(
            select(func.min(files.c.indexed_at)).where(
                files.c.channel_id == channel.id, files.c.indexed_at > indexed_at
            )
        )
        return None if found is None else int(found)

    def add_patch(self, channel: HostedChannel, patch: HostedPatch) -> None:
        values = {"channel_id": channel.id, **vars(patch)}
        if patch.candidates is not None:
            values["candidates"] = {
                subdir: None if names is None else sorted(names)
                for subdir, names in patch.candidates.items()
            }
        self._connection.execute(patches.insert().values(values))

    def patches(
        self, channel: HostedChannel, positions: Iterable[int] | None = None
    ) -> dict[int, HostedPatch]:
        """Patches by position: those that are named, or every one that the channel has or had."""
        chosen = select(patches).where(patches.c.channel_id == channel.id)
        chosen = chosen.order_by(patches.c.position)
        if positions is None:
            rows = iter(self._connection.execute(chosen))
        else:
            parts = in_parts(positions)
            rows = (
                row
                for part in parts
                for row in self._connection.execute(chosen.where(patches.c.position.in_(part)))
            )
        return {row.position: _patch(row) for row in rows}

    def blobs(self) -> set[str]:
        """The digests of all bytes that facts of any channel speak of."""
        named = self._connection.execute(select(files.c.sha256).distinct()).scalars()
        return set(named) | set(self._connection.execute(select(patches.c.document)).scalars())


def _facts(channel: HostedChannel) -> Select[Any]:
    columns = [facts.c[name] for name in Fact.__dataclass_fields__]
    return select(*columns).where(facts.c.channel_id == channel.id)


def _holds(at: int) -> Any:
    return and_(facts.c.since <= at, or_(facts.c.until.is_(None), facts.c.until > at))


def _files(channel: HostedChannel) -> Select[Any]:
    return select(files).where(files.c.channel_id == channel.id)


def _by_subdir(names: Names) -> Iterator[tuple[str, Sequence[str]]]:
    grouped: dict[str, set[str]] = {}
    for subdir, name in names:
        grouped.setdefault(subdir, set()).add(name)
    for subdir, several in sorted(grouped.items()):
        rest = iter(sorted(several))
        while part := list(islice(rest, _AT_ONCE)):
            yield subdir, part


def _values(fact: Fact) -> dict[str, Any]:
    """As `vars`, which would have each fact keep a dict of its own: a large revision has many."""
    return {key: getattr(fact, key) for key in Fact.__dataclass_fields__}


def _fact(row: Row[Any]) -> Fact:
    return Fact(
        kind=FactKind(row.kind),
        subdir=row.subdir,
        name=row.name,
        file_name=row.file_name,
        value=row.value,
        position=row.position,
    )


def _file(row: Row[Any]) -> HostedFile:
    values = row._asdict()
    del values["channel_id"]
    return HostedFile(**values)


def _patch(row: Row[Any]) -> HostedPatch:
    values = row._asdict()
    del values["channel_id"]
    if values["candidates"] is not None:
        values["candidates"] = {
            subdir: None if names is None else frozenset(names)
            for subdir, names in values["candidates"].items()
        }
    return HostedPatch(**values)
