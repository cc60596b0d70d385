"""Comparing every file of a prefix with what brought it."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from condarium.engine.hashing import file_sha256
from condarium.engine.prefixes.bytecode import Source, is_sound, source_of, sources_by_module
from condarium.engine.prefixes.conda_meta import InstalledFile, installed_files
from condarium.engine.prefixes.other_files import RECORDED, recorded_others
from condarium.engine.pypi.files import PypiFile
from condarium.environments.disk import walk
from condarium.environments.making import Making
from condarium.model.progress import Progress
from condarium.model.report import FileProblem

T = TypeVar("T")
R = TypeVar("R")

File = InstalledFile | PypiFile
_META = "conda-meta/"
_OWN = ("conda-meta/condarium", str(RECORDED), "conda-meta/history", "CACHEDIR.TAG")


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """`files` are those that should be there; `unknown` counts others outside of lib and bin."""

    files: Sequence[File]
    problems: tuple[FileProblem, ...]
    unknown: int
    bytecode: tuple[tuple[str, Source], ...] = ()
    """The paths of altered .pyc files that were made here, each with its source."""

    @property
    def of_packages(self) -> Sequence[File]:
        """Those files that packages brought, without conda's records of them."""
        return [f for f in self.files if f.package and not f.path.startswith(_META)]


def inspect(prefix: Path, making: Making, progress: Progress) -> Inspection:
    """Hash every file. Where conda's records are not what they were, only those are looked at."""
    others = recorded_others(prefix)
    if others is None:
        what = FileProblem(path=str(RECORDED), package=None, what="unreadable")
        return Inspection(files=(), problems=(what,), unknown=0)
    records = [file for file in others if file.path.startswith(_META)]
    wrong = [found for file in records if (found := problem(prefix, file))]
    wrong += _strange_records(prefix, records)
    if wrong:
        return Inspection(files=records, problems=tuple(wrong), unknown=0)
    return _inspect_all(prefix, [*installed_files(prefix), *others], making, progress)


def _inspect_all(prefix: Path, files: list[File], making: Making, progress: Progress) -> Inspection:
    known = {file.path for file in files}
    found = (entry.path[len(str(prefix)) + 1 :] for entry in walk(prefix))
    strange = [path for path in found if path not in known and path not in _OWN]
    sources = sources_by_module(files) if making.compile else {}
    bytecode = [(path, source) for path in strange if (source := source_of(path, sources))]
    progress.phase("verify", len(files) + len(bytecode), "files")
    problems = _each(files, lambda file: problem(prefix, file), progress)
    altered = _each(
        bytecode, lambda each: each if _is_altered(prefix / each[0]) else None, progress
    )
    unknown = [path for path in strange if not _made_by_python(path)]
    reachable = [path for path in unknown if path.startswith(("lib/", "bin/"))]
    packages = {file.path: file.package for file in files}
    problems += [
        FileProblem(path=path, package=packages[source.path], what="changed")
        for path, source in altered
    ]
    problems += [FileProblem(path=path, package=None, what="unknown") for path in reachable]
    return Inspection(
        files=files,
        problems=tuple(problems),
        unknown=len(unknown) - len(reachable),
        bytecode=tuple(altered),
    )


def _each(items: Sequence[T], check: Callable[[T], R | None], progress: Progress) -> list[R]:
    def checked(item: T) -> R | None:
        found = check(item)
        progress.advance()
        return found

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return [found for found in threads.map(checked, items, chunksize=64) if found]


def problem(prefix: Path, file: File) -> FileProblem | None:
    """What is wrong with one file, if anything."""
    path = prefix / file.path
    package = file.package or None
    try:
        if not os.path.lexists(path):
            return FileProblem(path=file.path, package=package, what="missing")
        if file.sha256 and file_sha256(path) != file.sha256:
            return FileProblem(path=file.path, package=package, what="changed")
    except OSError:
        return FileProblem(path=file.path, package=package, what="unreadable")
    return None


def _is_altered(bytecode: Path) -> bool:
    try:
        return not is_sound(bytecode)
    except OSError:
        return True


def _made_by_python(path: str) -> bool:
    return "/__pycache__/" in path and path.endswith(".pyc")


def _strange_records(prefix: Path, records: Iterable[File]) -> list[FileProblem]:
    """Records of packages that something else than condarium put into the prefix."""
    known = {file.path for file in records}
    found = (f"{_META}{path.name}" for path in sorted((prefix / _META).glob("*.json")))
    return [
        FileProblem(path=path, package=None, what="unknown") for path in found if path not in known
    ]
