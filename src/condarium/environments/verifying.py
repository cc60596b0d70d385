"""Comparing every file of a prefix with what its packages say, and mending it."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from condarium.engine.conda_meta import InstalledFile, installed_files
from condarium.engine.hashing import file_sha256
from condarium.engine.package_cache import damaged
from condarium.engine.pypi_files import PypiFile, pypi_files
from condarium.environments.activation import require_on_disk
from condarium.environments.archiving import making_of
from condarium.environments.disk import walk
from condarium.environments.making import Making, remake_prefix
from condarium.environments.packages import drop
from condarium.environments.prefixes import recover_prefix, store_lock
from condarium.errors import StoreReadOnly
from condarium.model.actor import Actor
from condarium.model.environment import Generation
from condarium.model.names import EnvironmentName
from condarium.model.progress import Progress
from condarium.model.report import FileProblem, Verification
from condarium.storage.locks import locked
from condarium.storage.store import Store


def verify(
    store: Store,
    name: EnvironmentName,
    number: int | None,
    *,
    repair: bool,
    actor: Actor,
    progress: Progress,
) -> Verification:
    """Hash every file; with `repair`, make a prefix that has problems again from its lock."""
    with store.database.read() as facts:
        generation = facts.environments.generation(name, number)
        first = facts.prefixes.find(generation.prefix or "")
    if generation.prefix is not None:
        recover_prefix(store.layout, generation.prefix)
    prefix = require_on_disk(store.layout, generation)
    with ExitStack() as held:
        try:
            held.enter_context(locked(store_lock(store.layout), shared=True))
        except StoreReadOnly:
            if repair:
                raise
        making = making_of(store, generation, first)
        files = _expected(prefix, making)
        problems = _problems(prefix, files, progress)
        repaired = False
        if problems and repair:
            _repair(store, generation, making, problems, actor, progress)
            left = _problems(prefix, _expected(prefix, making), progress)
            repaired, problems = not left, left or problems
    return Verification(
        environment=name,
        generation=generation.number,
        files=len(files),
        bytes=sum(file.size or 0 for file in files),
        problems=tuple(problems),
        unknown=_unknown(prefix, files),
        repaired=repaired,
    )


File = InstalledFile | PypiFile


def _expected(prefix: Path, making: Making) -> list[File]:
    """What packages say that they brought."""
    pypi = making.document.pypi(making.spec.platform)
    return [*installed_files(prefix), *pypi_files(prefix, pypi)]


def _problems(prefix: Path, files: list[File], progress: Progress) -> list[FileProblem]:
    progress.phase("verify", len(files), "files")

    def check(file: File) -> FileProblem | None:
        found = _problem(prefix, file)
        progress.advance()
        return found

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return [found for found in threads.map(check, files, chunksize=64) if found]


def _problem(prefix: Path, file: File) -> FileProblem | None:
    path = prefix / file.path
    try:
        if not os.path.lexists(path):
            return FileProblem(path=file.path, package=file.package, what="missing")
        if file.sha256 and file_sha256(path) != file.sha256:
            return FileProblem(path=file.path, package=file.package, what="changed")
    except OSError:
        return FileProblem(path=file.path, package=file.package, what="unreadable")
    return None


def _repair(
    store: Store,
    generation: Generation,
    making: Making,
    problems: list[FileProblem],
    actor: Actor,
    progress: Progress,
) -> None:
    """Make the prefix again.

    Files are linked from the package store, so one that was changed in place is damaged there too:
    such packages go first, and are fetched anew.
    """
    names = {problem.package for problem in problems}
    prefix = store.layout.prefix(generation.prefix or "")
    stems = {
        path.stem
        for path in (prefix / "conda-meta").glob("*.json")
        if path.stem.rsplit("-", 2)[0] in names
    }
    drop(store, [package.stem for package in damaged(store.layout.packages, stems)])
    detail = {"generation": str(generation.number), "problems": str(len(problems))}
    target = str(generation.environment)
    remake_prefix(store, making, progress=progress)
    with store.database.change(actor, "env verify", target, detail):
        pass


def _unknown(prefix: Path, files: list[File]) -> int:
    """Files that no package brought, other than bytecode and conda's own records."""
    known = {file.path for file in files}
    return sum(
        1
        for entry in walk(prefix)
        if (path := os.path.relpath(entry.path, prefix)) not in known
        and not path.endswith(".pyc")
        and not path.startswith("conda-meta/")
        and path != "CACHEDIR.TAG"
    )
