"""What has to be so in every store, whatever happened to it.

check_store(folder)                     # at any time that nobody works on it
check_store(folder, settled=True)       # after a command has used each environment
check_store(folder, collected=True)     # after a gc: nothing is left over either
"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from condarium.engine.hashing import file_sha256
from condarium.engine.packages.cache import cached_packages, damaged
from condarium.engine.prefixes.conda_meta import installed_files
from condarium.environments.activation import points_to
from condarium.environments.prefixes import is_whole
from condarium.errors import CondariumError
from condarium.model.environment import BuildStatus
from condarium.settings import Settings
from condarium.storage.store import Store


def check_store(folder: Path, *, settled: bool = False, collected: bool = False) -> None:
    """Fail, and name everything that is not as it should be."""
    store = Store(Settings(store=folder, home=folder, environ={}))
    try:
        problems = [*_facts(store), *_database(store), *_prefixes(store), *_packages(store)]
        if settled or collected:
            problems += _links(store)
        if collected:
            problems += _leftovers(store)
    finally:
        store.close()
    assert problems == []


def altered_files(prefix: Path) -> list[str]:
    """Files that are missing, or are not what conda-meta says."""
    return [
        file.path
        for file in installed_files(prefix)
        if file.sha256
        and (not (prefix / file.path).is_file() or file_sha256(prefix / file.path) != file.sha256)
    ]


def listing(folder: Path) -> dict[str, int]:
    """What builds make in a store: packages, prefixes, bytecode and links, with their sizes."""
    others = ("locks", "repodata", "records", "blobs")
    passing = (*others, "condarium.db", "condarium.db-wal", "condarium.db-shm")
    return {
        str(path.relative_to(folder)): -1 if path.is_dir() else path.lstat().st_size
        for path in sorted(folder.rglob("*"))
        if path.relative_to(folder).parts[0] not in passing
    }


def _database(store: Store) -> Iterator[str]:
    connection = sqlite3.connect(store.layout.database)
    try:
        for line in connection.execute("PRAGMA integrity_check"):
            if line != ("ok",):
                yield f"database: {line[0]}"
    finally:
        connection.close()


def _facts(store: Store) -> Iterator[str]:
    """Generations are numbered without gaps, and what they name is there."""
    with store.database.read() as facts:
        environments = facts.environments.all()
        generations = {
            each.name: facts.environments.generations(each.name) for each in environments
        }
        named = facts.environments.blobs() | facts.builds.logs()
    for name, found in generations.items():
        if [each.number for each in found] != list(range(1, len(found) + 1)):
            yield f"{name}: generations {[each.number for each in found]}"
    for digest in named:
        try:
            store.blobs.get(digest)
        except CondariumError as error:
            yield str(error)


def _prefixes(store: Store) -> Iterator[str]:
    """A prefix that says it is whole is so, and the facts know it."""
    with store.database.read() as facts:
        known = facts.prefixes.all()
    for folder in _children(store.layout.prefixes):
        if is_whole(store.layout, folder.name) and not folder.name.startswith("."):
            if folder.name not in known:
                yield f"prefix {folder.name} is whole, and the database does not know it"
            for path in altered_files(folder):
                yield f"prefix {folder.name}: {path} is not as it should be"


def _packages(store: Store) -> Iterator[str]:
    """A package that passes for whole is so."""
    cache = store.layout.packages
    found = [
        each.stem
        for each in cached_packages(cache)
        if each.sha256 and (each.folder / "info" / "index.json").exists()
    ]
    for package in damaged(cache, found):
        yield f"package {package.stem} is damaged"


def _links(store: Store) -> Iterator[str]:
    """What is active is on disk, and its link leads there."""
    with store.database.read() as facts:
        environments = facts.environments.all()
    for each in environments:
        if each.prefix is None:
            continue
        if points_to(store.layout, each.name) != each.prefix:
            yield f"{each.name} points to {points_to(store.layout, each.name)}, not {each.prefix}"
        if not is_whole(store.layout, each.prefix):
            yield f"{each.name}: its prefix {each.prefix} is not on disk"


def _leftovers(store: Store) -> Iterator[str]:
    layout = store.layout
    with store.database.read() as facts:
        live = facts.environments.live_prefixes()
        running = list(facts.builds.running())
        names = {str(each.name) for each in facts.environments.all()}
    for build in running:
        assert build.status is BuildStatus.RUNNING
        yield f"build {build.id} is still noted as running"
    for folder in _children(layout.prefixes):
        if folder.name not in live or not is_whole(layout, folder.name):
            yield f"prefixes/{folder.name} is left"
    packages = {each.stem for each in cached_packages(layout.packages) if each.sha256}
    for path in _children(layout.packages):
        if path.name.removesuffix(".lock") not in packages:
            yield f"packages/{path.name} is left"
    for path in layout.environments.glob("*/*"):
        if str(path.relative_to(layout.environments)) not in names:
            yield f"envs/{path.relative_to(layout.environments)} is left"
    for path in [*layout.locks.rglob("*")]:
        if path.is_file() and path.name not in ("store", "store-gate", "migrate"):
            yield f"{path.relative_to(layout.root)} is left"
    for path in layout.blobs.rglob("*"):
        if path.is_file() and len(path.parent.name + path.name) != 64:
            yield f"{path.relative_to(layout.root)} is left"
    for path in layout.root.rglob(".tmp*"):
        yield f"{path.relative_to(layout.root)} is left"


def build_statuses(folder: Path) -> list[str]:
    """How each build ended, as the facts say it."""
    connection = sqlite3.connect(folder / "condarium.db")
    try:
        rows = connection.execute("SELECT status FROM builds ORDER BY id").fetchall()
    finally:
        connection.close()
    return [json.loads(f'"{row[0]}"') for row in rows]


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
