"""Mending a prefix while others use it: file by file where that can be, else as a whole."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from condarium.engine.packages.cache import damaged
from condarium.engine.packages.fetcher import stem_of
from condarium.engine.prefixes.bytecode import drop_damaged
from condarium.engine.prefixes.conda_meta import InstalledFile
from condarium.engine.prefixes.installer import link_records
from condarium.engine.prefixes.other_files import refuse_pip
from condarium.engine.solving.solver import Records
from condarium.environments.activation import require_on_disk
from condarium.environments.inspecting import Inspection, inspect, problem
from condarium.environments.making import Making, compile_again, remake_prefix
from condarium.environments.packages import packages_ready, refetch
from condarium.environments.prefixes import Phases, hidden_folder, prefix_lock, take_away
from condarium.model.environment import Generation
from condarium.model.progress import Progress
from condarium.model.report import FileProblem
from condarium.storage.locks import locked
from condarium.storage.store import Store


def repair(
    store: Store, generation: Generation, making: Making, progress: Progress
) -> tuple[FileProblem, ...]:
    """Mend a prefix; give the problems that are left.

    Somebody else may have mended or archived it while this waited, so it is looked at again. Raises
    GenerationArchived, and what fetching raises: then nothing was changed.
    """
    with locked(prefix_lock(store.layout, making.spec.id)):
        with store.database.read() as facts:
            now = facts.environments.generation(generation.environment, generation.number)
        prefix = require_on_disk(store.layout, now)
        found = inspect(prefix, making, progress)
        if not found.problems:
            return ()
        _refetch_damaged(store, making, found, progress)
        if _mend(store, prefix, making, found, progress):
            found = inspect(prefix, making, progress)
            if not found.problems:
                return ()
        remake_prefix(store, making, progress=progress)
        return inspect(prefix, making, progress).problems


def _refetch_damaged(store: Store, making: Making, found: Inspection, progress: Progress) -> None:
    """Files are links to those of packages: one that was written to is damaged there too."""
    records = _records(making, found)
    bad = {each.stem for each in damaged(store.layout.packages, map(stem_of, records))}
    wanted = [record for record in records if stem_of(record) in bad]
    refetch(store, wanted, channels=making.channels, progress=progress)
    drop_damaged(store.layout.bytecode, [source for _, source in found.bytecode])


def _records(making: Making, found: Inspection) -> Records:
    names = {each.package for each in found.problems}
    records = making.document.records(making.spec.platform)
    return [record for record in records if record.name.normalized in names]


def _mend(
    store: Store, prefix: Path, making: Making, found: Inspection, progress: Progress
) -> bool:
    """Put right files in the places of wrong ones, by rename; tell whether that could be done.

    It cannot be where pip packages or conda's records are at fault, or link scripts ran.
    """
    bytecode = {path for path, _ in found.bytecode}
    unknown = [each.path for each in found.problems if each.what == "unknown"]
    known = {file.path: file for file in found.files if isinstance(file, InstalledFile)}
    wanted = {each.path for each in found.problems} - bytecode - set(unknown)
    managed = {path for path in wanted if path.endswith("/EXTERNALLY-MANAGED")} - known.keys()
    wanted -= managed
    if making.spec.link_scripts or not wanted <= known.keys():
        return False
    if any(path.startswith("conda-meta/") for path in unknown):
        return False
    try:
        if wanted:
            _replace(store, prefix, making, found, [known[path] for path in wanted], progress)
        _remove(prefix, unknown)
        for path in bytecode | managed:
            (prefix / path).unlink(missing_ok=True)
    except (FileExistsError, NotADirectoryError, IsADirectoryError, _Differs):
        return False
    refuse_pip(prefix)
    if making.compile:
        compile_again(store, making, progress)
    return True


class _Differs(Exception):
    """A file that was linked anew is not what it should be."""


def _replace(
    store: Store,
    prefix: Path,
    making: Making,
    found: Inspection,
    files: Sequence[InstalledFile],
    progress: Progress,
) -> None:
    """Link the packages aside, as if that were the prefix, and move single files from there."""
    records = _with_python(making, _records(making, found))
    aside = hidden_folder(store.layout)
    ready = packages_ready(
        store, records, channels=making.channels, progress=progress, phases=Phases()
    )
    try:
        with ready:
            link_records(
                records,
                prefix=aside,
                seen_as=prefix,
                packages=store.layout.packages,
                platform=making.spec.platform,
                link_scripts=False,
                progress=progress,
            )
        if any(problem(aside, file) for file in files):
            raise _Differs
        for file in files:
            target = prefix / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            (aside / file.path).replace(target)
    finally:
        take_away(aside)


def _with_python(making: Making, records: Records) -> Records:
    """Where packages of pure Python go to is decided by the Python."""
    if any(record.name.normalized == "python" for record in records):
        return records
    everything = making.document.records(making.spec.platform)
    return [*records, *(each for each in everything if each.name.normalized == "python")]


def _remove(prefix: Path, paths: Iterable[str]) -> None:
    """Remove files that nobody locked, their bytecode, and the folders that this leaves empty."""
    for path in paths:
        file = prefix / path
        file.unlink(missing_ok=True)
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            if file.suffix == ".py":
                compiled.unlink(missing_ok=True)
    for folder in sorted({(prefix / path).parent for path in paths}, reverse=True):
        _remove_empty(folder, prefix)


def _remove_empty(folder: Path, prefix: Path) -> None:
    while folder != prefix and folder.is_dir():
        left = [each.name for each in folder.iterdir()]
        if left == ["__pycache__"] and not any((folder / "__pycache__").iterdir()):
            shutil.rmtree(folder / "__pycache__")
        elif left:
            return
        folder.rmdir()
        folder = folder.parent
