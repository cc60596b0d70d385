"""A channel as a list of what happened to it, folded from the beginning for every question.

It is slow and obvious, and shares no code with the product: tables and caches are compared with it.

    naive = NaiveChannel("lab")
    naive.append(at, "ada", "publish", "", opened={("file", "noarch", "a", "a-1-0.conda", sha, 0)})
    naive.show("main", 1)["noarch"]["a"]        # Shown: records by file name, and what is hidden
"""

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import zstandard

Held = tuple[str, str, str, str, str, int]
"""A fact: kind, subdir, name, file name, value, position."""
Rule = Callable[[str, str, dict[str, Any]], dict[str, Any] | None]
"""A patch: from subdir, file name and record to the record as it should be, None to remove it."""


@dataclass(frozen=True)
class Shown:
    """What a view shows of a package name."""

    records: Mapping[str, Any]
    removed: Sequence[str]


Shows = dict[str, dict[str, Shown]]
"""By subdir and package name."""


@dataclass(frozen=True)
class Entry:
    number: int
    at: datetime
    actor: str
    action: str
    reason: str
    opened: frozenset[Held]
    closed: frozenset[Held]
    digest: str


@dataclass
class NaiveChannel:
    name: str
    log: list[Entry] = field(default_factory=list)
    records: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """As they were published first."""
    rules: dict[int, Rule] = field(default_factory=dict)
    """By the position of their patch."""

    @property
    def head(self) -> int:
        return len(self.log)

    def append(
        self,
        at: datetime,
        actor: str,
        action: str,
        reason: str,
        *,
        opened: Iterable[Held] = (),
        closed: Iterable[Held] = (),
    ) -> None:
        """Note what began to hold and what ceased to; nothing, where nothing did."""
        held = self.holding(self.head)
        opening, closing = frozenset(opened) - held, frozenset(closed) & held
        if not opening and not closing:
            return
        if self.log:
            at = max(at, self.log[-1].at + timedelta(microseconds=1))
        lines = sorted(
            [f"+{_line(fact)}" for fact in opening] + [f"-{_line(fact)}" for fact in closing]
        )
        changes = hashlib.sha256("".join(lines).encode()).hexdigest()
        previous = self.log[-1].digest if self.log else "0" * 64
        number = self.head + 1
        said = [self.name, number, at.isoformat(), actor, action, reason, changes, previous]
        text = json.dumps(said, separators=(",", ":"), ensure_ascii=False)
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.log.append(Entry(number, at, actor, action, reason, opening, closing, digest))

    def holding(self, number: int) -> frozenset[Held]:
        held: frozenset[Held] = frozenset()
        for entry in self.log[:number]:
            held = held - entry.closed | entry.opened
        return held

    def number_at(self, instant: datetime) -> int:
        return sum(1 for entry in self.log if entry.at <= instant)

    def labels(self) -> set[str]:
        """All that any file ever had."""
        return {fact[4] for entry in self.log for fact in entry.opened if fact[0] == "label"}

    def show(self, label: str, number: int, *, not_after: int | None = None) -> Shows:
        """What a label shows at a revision, of files that came until an instant (in ms)."""
        held = self.holding(number)
        rules = [self.rules[fact[5]] for fact in sorted(held, key=lambda fact: fact[5]) if fact[5]]
        files: dict[tuple[str, str], list[str]] = {}
        for kind, subdir, name, file_name, value, _ in held:
            if kind == "label" and value == label:
                files.setdefault((subdir, name), []).append(file_name)
        shows: Shows = {}
        for (subdir, name), names in files.items():
            records, removed, young = {}, [], False
            for file_name in sorted(names):
                record: dict[str, Any] | None = None
                if ("yank", subdir, name, file_name, "", 0) not in held:
                    record = self._patched(subdir, file_name, rules)
                if record is None:
                    removed.append(file_name)
                elif not_after is not None and record["indexed_timestamp"] > not_after:
                    young = True
                else:
                    records[file_name] = record
            if records or removed or not young:
                shows.setdefault(subdir, {})[name] = Shown(records, removed)
        return shows

    def _patched(self, subdir: str, file_name: str, rules: Iterable[Rule]) -> dict[str, Any] | None:
        record: dict[str, Any] | None = self.records[subdir, file_name]
        for rule in rules:
            if record is not None:
                record = rule(subdir, file_name, json.loads(json.dumps(record)))
        return record


def first_wins(shows: Sequence[Shows]) -> Shows:
    """Several channels as one: each name from the first that has it, in all its subdirs."""
    joined: Shows = {}
    taken: set[str] = set()
    for each in shows:
        for subdir, names in each.items():
            for name, shown in names.items():
                if name not in taken:
                    joined.setdefault(subdir, {})[name] = shown
        taken |= {name for names in each.values() for name in names}
    return joined


def merged(shows: Sequence[Shows]) -> Shows:
    """Several channels as one: each file as the first says that has it, shown or hidden."""
    joined: Shows = {}
    for each in shows:
        for subdir, names in each.items():
            for name, shown in names.items():
                before = joined.setdefault(subdir, {}).get(name, Shown({}, []))
                known = {*before.records, *before.removed}
                records = {file: r for file, r in shown.records.items() if file not in known}
                removed = [file for file in shown.removed if file not in known]
                joined[subdir][name] = Shown(
                    {**before.records, **records}, sorted([*before.removed, *removed])
                )
    return joined


def read_record(path: Path, *, indexed_at: int) -> dict[str, Any]:
    """What an index has to say of a .conda file: its index.json, hashes, size, and when it came."""
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        packed = archive.read(f"info-{path.name.removesuffix('.conda')}.tar.zst")
    unpacked = zstandard.ZstdDecompressor().stream_reader(packed).read()
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as tar:
        member = tar.extractfile("info/index.json")
        assert member is not None
        index = json.load(member)
    return {
        **index,
        "md5": hashlib.md5(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "indexed_timestamp": indexed_at,
    }


def _line(fact: Held) -> str:
    return "\t".join(map(str, fact)) + "\n"
