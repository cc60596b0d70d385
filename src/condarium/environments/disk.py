"""What environments occupy on disk, when most of their files are the same files."""

import os
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from condarium.errors import NoSuchNamespace
from condarium.model.access.decisions import Thing
from condarium.model.access.permissions import Permission, ThingKind
from condarium.model.actor import Actor
from condarium.model.environment import Generation, Prefix
from condarium.model.names import EnvironmentName, check_namespace
from condarium.model.progress import Progress
from condarium.model.report import DiskReport, DiskUse
from condarium.storage.layout import Layout
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
    store: Store,
    name: EnvironmentName | None,
    namespace: str | None,
    *,
    actor: Actor,
    progress: Progress,
) -> DiskReport:
    """A row for every environment and every namespace that an actor may read.

    An environment occupies the prefixes of all its generations that are on disk. What somebody may
    not read is not counted: not as sharing files, nor as what is on disk. Raises
    NoSuchEnvironment, NoSuchNamespace.
    """
    named = name.namespace if name else namespace
    if named is not None:
        space = Thing(kind=ThingKind.NAMESPACE, name=check_namespace(named))
        actor.require(Permission.ENVIRONMENT_READ, space)
    readable = actor.names_where(Permission.ENVIRONMENT_READ, ThingKind.NAMESPACE)
    with store.database.read() as facts:
        if name is not None:
            facts.environments.get(name)
        generations = [
            each
            for each in facts.environments.all_generations()
            if readable is None or each.environment.namespace in readable
        ]
        known = facts.prefixes.all()
    if namespace is not None and all(
        each.environment.namespace != namespace for each in generations
    ):
        raise NoSuchNamespace(namespace)
    prefixes = sorted({each.prefix for each in generations if each.prefix})
    progress.phase("measure", len(prefixes), "prefixes")
    files = _measure(store, prefixes, progress)
    rows = _rows("environment", generations, files, known, lambda each: str(each.environment))
    rows += _rows("namespace", generations, files, known, lambda each: each.environment.namespace)
    shown = str(name) if name else namespace
    return DiskReport(
        rows=tuple(row for row in rows if shown is None or _covers(shown, row)),
        disk=unique_bytes(*_folders(store.layout, None if readable is None else prefixes)),
    )


def _folders(layout: Layout, prefixes: list[str] | None) -> list[Path]:
    """All that the store has; or, for those who may not see it all, some prefixes."""
    if prefixes is not None:
        return [layout.prefix(each) for each in prefixes]
    caches = [layout.bytecode, layout.records, layout.pypi, layout.blobs, layout.repodata]
    return [layout.packages, layout.prefixes, *caches]


@dataclass(frozen=True)
class _Files:
    """The files of a prefix: for each its inode and its size, side by side."""

    inodes: "array[int]"
    sizes: "array[int]"


def _measure(store: Store, prefixes: list[str], progress: Progress) -> dict[str, _Files]:
    measured = {}
    for prefix in prefixes:
        files = measured[prefix] = _Files(array("Q"), array("Q"))
        for entry in walk(store.layout.prefix(prefix)):
            status = entry.stat(follow_symlinks=False)
            files.inodes.append(status.st_ino)
            files.sizes.append(status.st_size)
        progress.advance()
    return measured


def _rows(
    kind: Literal["environment", "namespace"],
    generations: list[Generation],
    files: Mapping[str, _Files],
    known: Mapping[str, Prefix],
    group: Callable[[Generation], str],
) -> list[DiskUse]:
    """A row for each group; what two groups use is own for neither."""
    prefixes: dict[str, set[str]] = defaultdict(set)
    for each in generations:
        prefixes[group(each)] |= {each.prefix} if each.prefix else set()
    users = _users(prefixes, files)
    rows = []
    for name, ids in sorted(prefixes.items()):
        logical = sum(sum(files[each].sizes) for each in ids)
        alone = {
            inode: size
            for each in ids
            for inode, size in zip(files[each].inodes, files[each].sizes, strict=True)
            if users[inode] == name
        }
        own = sum(alone.values())
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


def _users(prefixes: Mapping[str, set[str]], files: Mapping[str, _Files]) -> dict[int, str | None]:
    """Who uses each inode; None for several."""
    users: dict[int, str | None] = {}
    for name, ids in prefixes.items():
        for each in ids:
            for inode in files[each].inodes:
                if users.setdefault(inode, name) != name:
                    users[inode] = None
    return users


def _covers(shown: str, row: DiskUse) -> bool:
    """An environment's name shows its row; a namespace's name shows its own and its members'."""
    return row.name == shown or ("/" not in shown and row.name.startswith(f"{shown}/"))
