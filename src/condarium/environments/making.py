"""Making a prefix from a lock: fetch, link, PyPI packages, byte-compile."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time

from condarium.engine.lockfiles.document import LockDocument
from condarium.engine.packages.fetch_errors import PackagesAltered, say_unlinkable
from condarium.engine.prefixes.bytecode import compile_prefix
from condarium.engine.prefixes.conda_meta import installed_files, share_records, summary
from condarium.engine.prefixes.installer import link_records
from condarium.engine.prefixes.linking import link_method
from condarium.engine.prefixes.other_files import record_others, refuse_pip
from condarium.engine.pypi.files import pypi_files, record_files
from condarium.engine.solving.solver import Records
from condarium.environments.disk import walk
from condarium.environments.link_scripts import check_link_scripts
from condarium.environments.packages import drop, packages_ready
from condarium.environments.prefixes import (
    Phases,
    PrefixSpec,
    bring_back,
    is_whole,
    mark_whole,
    prefix_lock,
    stand_aside,
    take_away,
)
from condarium.model.channel_url import ChannelUrl
from condarium.model.environment import Prefix
from condarium.model.progress import Progress
from condarium.storage.locks import locked
from condarium.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Making:
    """How to make a prefix. `channels` may have credentials that no .condarc knows.

    `own`: packages that are blobs of the store need not be downloaded.
    """

    spec: PrefixSpec
    document: LockDocument
    channels: tuple[ChannelUrl, ...] = ()
    compile: bool = True
    own: bool = False


@contextmanager
def prefix_ready(
    store: Store, making: Making, *, progress: Progress, phases: Phases
) -> Iterator[tuple[Prefix, bool]]:
    """Have the prefix, and tell whether there was work to do; two who want it make it once.

    Nobody archives it before the caller has noted that a generation wants it.
    """
    layout = store.layout
    waiting = lambda: progress.say("another process builds the same prefix; waiting for it")  # noqa: E731
    with locked(prefix_lock(layout, making.spec.id), waiting=waiting):
        bring_back(layout, making.spec.id)
        known = None
        if is_whole(layout, making.spec.id):
            with store.database.read() as facts:
                known = facts.prefixes.find(making.spec.id)
        if known is not None:
            compiled = _compiled(store, making, known, progress, phases)
            yield compiled, compiled != known
        else:
            yield _make(store, making, progress, phases), True


def remake_prefix(store: Store, making: Making, *, progress: Progress) -> Prefix:
    """Make a prefix again that is on disk but not as it should be; the caller holds its lock.

    The old one stands aside meanwhile, and comes back if the new one cannot be made: at once, or
    when somebody next asks for it after a kill.
    """
    layout = store.layout
    stand_aside(layout, making.spec.id)
    try:
        return _make(store, making, progress, Phases())
    finally:
        bring_back(layout, making.spec.id)


def compile_again(store: Store, making: Making, progress: Progress) -> None:
    """Give files that were replaced their bytecode."""
    _compile(store, making, progress, Phases())


def _make(store: Store, making: Making, progress: Progress, phases: Phases) -> Prefix:
    folder = store.layout.prefix(making.spec.id)
    take_away(folder)
    try:
        prefix = _fill(store, making, progress, phases)
        with store.database.note() as facts:
            facts.prefixes.put(prefix)
        mark_whole(store.layout, prefix)
    except OSError as error:
        take_away(folder)
        raise say_unlinkable(folder, error) from error
    except BaseException:
        take_away(folder)
        raise
    return prefix


def _fill(store: Store, making: Making, progress: Progress, phases: Phases) -> Prefix:
    spec, layout = making.spec, store.layout
    folder = layout.prefix(spec.id)
    for each in (folder, layout.packages):
        each.mkdir(parents=True, exist_ok=True)
    records = making.document.records(spec.platform)
    if spec.link_scripts:
        check_link_scripts(store.settings.environ)
    try:
        _link(store, making, records, progress, phases)
    except PackagesAltered as error:
        progress.say(f"{error.message}; fetching them anew")
        take_away(folder)
        folder.mkdir()
        drop(store, error.stems)
        _link(store, making, records, progress, phases)
    _add_pypi(store, making, progress, phases)
    _write_state(folder, spec.variables)
    refuse_pip(folder)
    share_records(folder, layout.records)
    _record_others(folder, making)
    known = summary(folder, record_files(folder, making.document.pypi(spec.platform)))
    prefix = Prefix(
        id=spec.id,
        lock=spec.lock,
        platform=spec.platform,
        built_at=store.now(),
        files=known.files,
        link=link_method(layout.packages, layout.prefixes),
        manifest=known.manifest,
        link_scripts=spec.link_scripts,
        compiled=making.compile,
        bytes=known.bytes,
    )
    if making.compile:
        _compile(store, making, progress, phases)
    return prefix


def _link(
    store: Store, making: Making, records: Records, progress: Progress, phases: Phases
) -> None:
    spec = making.spec
    begun = time()
    ready = packages_ready(
        store,
        records,
        channels=making.channels,
        own=making.own,
        progress=progress,
        phases=phases,
    )
    with ready, phases.timed("link"):
        link_records(
            records,
            prefix=store.layout.prefix(spec.id),
            packages=store.layout.packages,
            platform=spec.platform,
            link_scripts=spec.link_scripts,
            progress=progress,
            begun=begun,
        )


def _add_pypi(store: Store, making: Making, progress: Progress, phases: Phases) -> None:
    packages = making.document.pypi(making.spec.platform)
    if not packages:
        return
    from condarium.engine.pypi.uv import install_pypi

    progress.phase("pip", len(packages), "packages")
    folder = store.layout.prefix(making.spec.id)
    with phases.timed("pip"):
        install_pypi(
            packages,
            python=folder / "bin" / "python",
            cache_dir=store.layout.pypi,
            environ=store.settings.environ,
            log=progress.log,
        )


def _compiled(
    store: Store, making: Making, known: Prefix, progress: Progress, phases: Phases
) -> Prefix:
    """Give bytecode to a prefix that was built without, if it is wanted now."""
    if known.compiled or not making.compile:
        return known
    _compile(store, making, progress, phases)
    compiled = Prefix(**{**vars(known), "compiled": True})
    with store.database.note() as facts:
        facts.prefixes.put(compiled)
    return compiled


def _compile(store: Store, making: Making, progress: Progress, phases: Phases) -> None:
    folder = store.layout.prefix(making.spec.id)
    pypi = making.document.pypi(making.spec.platform)
    progress.phase("compile")
    with phases.timed("compile"):
        compile_prefix(
            folder,
            [*installed_files(folder), *pypi_files(folder, pypi)],
            store=store.layout.bytecode,
            workers=os.cpu_count() or 1,
        )


def _record_others(folder: Path, making: Making) -> None:
    """Write down what no conda package brought; link scripts leave what they like."""
    more: list[str] = []
    if making.spec.link_scripts:
        known = {file.path for file in installed_files(folder)}
        found = (os.path.relpath(entry.path, folder) for entry in walk(folder))
        more = [path for path in found if path not in known and not path.startswith("conda-meta/")]
    record_others(folder, making.document.pypi(making.spec.platform), more)


def _write_state(folder: Path, variables: Sequence[tuple[str, str]]) -> None:
    """Write down the environment's variables where conda looks for them."""
    if variables:
        content = {"version": 1, "env_vars": dict(variables)}
        (folder / "conda-meta" / "state").write_text(json.dumps(content) + "\n")
