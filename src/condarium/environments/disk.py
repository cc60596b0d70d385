"""What environments occupy on disk, when most of their files are the same files."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from condarium.model.environment import Generation, Prefix
from condarium.model.names import EnvironmentName, check_namespace
from condarium.model.progress import Progress
from condarium.model.report import DiskReport, DiskUse
from condarium.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class TreeBytes:
    """`logical` counts every file; `own` those whose every link lies inside the tree."""

    logical: int = 0
    own: int = 0


def tree_bytes(folder: Path) -> TreeBytes:
    """Walk a folder. Nothing is counted where it does not exist."""
    links: dict[int, int] = defaultdict(int)
    found = {}
    logical = 0
    for entry in walk(folder):
        status = entry.stat(follow_symlinks=False)
        logical += status.st_size
        links[status.st_ino] += 1
        found[status.st_ino] = (status.st_size, status.st_nlink)
    own = sum(size for inode, (size, count) in found.items() if links[inode] == count)
    return TreeBytes(logical=logical, own=own)


def unique_bytes(*folders: Path) -> int:
    """The bytes of all files below the folders, each inode once, in blocks as the disk counts."""
    seen = {}
    for folder in folders:
        for entry in walk(folder):
            status = entry.stat(follow_symlinks=False)
            seen[status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


def walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Every file and link below a folder; what vanishes meanwhile is passed over."""
    pending = [str(folder)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        yield entry
        except FileNotFoundError:
            continue


def report(
    store: Store, name: EnvironmentName | None, namespace: str | None, *, progress: Progress
) -> DiskReport:
    """A row for every environment and every namespace.

    An environment occupies the prefixes of all its generations that are on disk.
    """
    if namespace is not None:
        check_namespace(namespace)
    with store.database.read() as facts:
        if name is not None:
            facts.environments.get(name)
        generations = facts.environments.all_generations()
        known = facts.prefixes.all()
    progress.phase("measure", len(known), "prefixes")
    measured = _measure(
        store, sorted({each.prefix for each in generations if each.prefix}), progress
    )
    rows = _rows("environment", generations, measured, known, lambda each: str(each.environment))
    rows += _rows(
        "namespace", generations, measured, known, lambda each: each.environment.namespace
    )
    shown = str(name) if name else namespace
    layout = store.layout
    return DiskReport(
        rows=tuple(row for row in rows if shown is None or _covers(shown, row)),
        disk=unique_bytes(layout.packages, layout.prefixes, layout.bytecode, layout.records),
    )


def _measure(store: Store, prefixes: list[str], progress: Progress) -> dict[str, TreeBytes]:
    measured = {}
    for prefix in prefixes:
        measured[prefix] = tree_bytes(store.layout.prefix(prefix))
        progress.advance()
    return measured


def _rows(
    kind: Literal["environment", "namespace"],
    generations: list[Generation],
    measured: Mapping[str, TreeBytes],
    known: Mapping[str, Prefix],
    group: Callable[[Generation], str],
) -> list[DiskUse]:
    """A row for each group; what two groups use counts as own for neither."""
    prefixes: dict[str, set[str]] = defaultdict(set)
    users: dict[str, set[str]] = defaultdict(set)
    for each in generations:
        prefixes[group(each)]
        if each.prefix:
            prefixes[group(each)].add(each.prefix)
            users[each.prefix].add(group(each))
    rows = []
    for name, ids in sorted(prefixes.items()):
        logical = sum(measured[each].logical for each in ids)
        own = sum(measured[each].own for each in ids if len(users[each]) == 1)
        links = sorted({known[each].link for each in ids if each in known})
        rows.append(
            DiskUse(
                name=name,
                kind=kind,
                link=", ".join(links) or "-",
                logical=logical,
                shared=logical - own,
                own=own,
            )
        )
    return rows


def _covers(shown: str, row: DiskUse) -> bool:
    """An environment's name shows its row; a namespace's name shows its own and its members'."""
    return row.name == shown or ("/" not in shown and row.name.startswith(f"{shown}/"))
