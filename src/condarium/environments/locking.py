"""From an environment.yml to a lock: once for every question, and the same answer ever after.

What only a solve needs is imported by one: the answer to a known question takes less than that.
"""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from condarium.engine.network.channel_state import channel_state
from condarium.engine.network.condarc import read_condarc
from condarium.engine.solving.virtual_packages import (
    host_platform,
    solver_identity,
    virtual_packages,
)
from condarium.environments.prefixes import Phases
from condarium.errors import (
    BadCondarc,
    BlobDamaged,
    CondariumError,
    NoChannels,
    NoPythonForPip,
    NoSuchBlob,
    StoreReadOnly,
)
from condarium.model.channel_url import ChannelUrl
from condarium.model.channels import pinned_to_channels, resolve_channels
from condarium.model.condarc import Condarc
from condarium.model.document import Document
from condarium.model.progress import Progress, Quiet
from condarium.model.report import Locked
from condarium.model.spec import EnvironmentSpec, SpecReading, spec_digest_text
from condarium.model.specdepends import MatchSpecCheck
from condarium.model.specfile import decode, read_spec
from condarium.model.subdirs import parse_subdir
from condarium.storage.answers import Answer, glance
from condarium.storage.layout import Layout
from condarium.storage.store import Store

if TYPE_CHECKING:
    from condarium.engine.lockfiles.document import LockDocument
    from condarium.engine.solving.solver import Records, SolveRequest, VirtualPackages
    from condarium.model.lock import PypiPackage


@dataclass(frozen=True, kw_only=True)
class Solved:
    """A spec and the lock that answers it; `fresh` is False where the answer was known.

    `packages` counts them by platform.
    """

    spec: EnvironmentSpec = field(repr=False)  # its channels may have credentials in them
    channels: tuple[ChannelUrl, ...]
    content: bytes = field(repr=False)
    digest: str
    packages: Mapping[str, int]
    fresh: bool
    notes: tuple[str, ...]
    source: str

    @cached_property
    def document(self) -> "LockDocument":
        from condarium.engine.lockfiles.lockfile import read_lock

        return read_lock(self.content, source=self.source)


@dataclass(frozen=True, kw_only=True)
class Question:
    """Everything that a lock depends on: equal questions have byte-identical locks."""

    spec: EnvironmentSpec = field(repr=False)
    condarc: Condarc
    channels: tuple[ChannelUrl, ...]
    platforms: tuple[str, ...]
    dependencies: tuple[str, ...]
    system_requirements: tuple[tuple[str, str], ...]
    virtual: Mapping[str, "VirtualPackages"]

    def stated(self, platform: str) -> list[str]:
        """The virtual packages of a platform that somebody stated, and no machine was asked for.

        Only these belong into a lock: it is the same wherever it is made.
        """
        names = {f"__{name}" for name, _ in self.system_requirements}
        return [str(each) for each in self.virtual[platform] if each.name.normalized in names]

    def key(self, state: str | None) -> str | None:
        """The question's name in the store, if the state of its channels is known."""
        if state is None:
            return None
        content = {
            "spec": spec_digest_text(self.spec),
            "channels": [channel.url for channel in self.channels],
            "platforms": sorted(self.platforms),
            "virtual": {
                name: [str(each) for each in found] for name, found in self.virtual.items()
            },
            "strict": self.condarc.strict,
            "pins": sorted(self.condarc.pinned_packages),
            "state": state,
            "solver": solver_identity(),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def lock(
    store: Store,
    file: Document,
    *,
    platforms: Sequence[str],
    cuda: str | None,
    refresh: bool,
    progress: Progress,
) -> Locked:
    """Lock a file and build nothing."""
    solved = solve_file(
        store, file, platforms=platforms, cuda=cuda, refresh=refresh, progress=progress
    )
    return Locked(
        content=solved.content.decode(),
        digest=solved.digest,
        solved=solved.fresh,
        packages=solved.packages,
        notes=solved.notes,
    )


def solve_file(
    store: Store,
    file: Document,
    *,
    platforms: Sequence[str] = (),
    cuda: str | None = None,
    refresh: bool = False,
    progress: Progress | None = None,
    phases: Phases | None = None,
) -> Solved:
    """The lock for an environment.yml, from the store where its question was answered before.

    Raises BadSpec, BadCondarc, NoChannels, ChannelUnreachable, Unsolvable, PipResolutionFailed.
    """
    phases, progress = phases or Phases(), progress or Quiet()
    progress.phase("solve")
    with phases.timed("solve"), store.shared():
        try:
            reading = _read(file)
            asked = _question(store, reading.spec, file, platforms, cuda)
            state = _state(store, asked)
        except CondariumError:
            _check_matchspecs(file)  # what is wrong in the file is told before all else
            raise
        key = asked.key(state)
        found = _known_answer(store, key) if key and not refresh else None
        for channel in asked.channels:
            progress.log(f"channel {channel.url}")
        if found is not None:
            progress.log(f"known already: {_counted(found[1])}")
            return _as_solved(file, reading, asked, *found, fresh=False)
        _check_matchspecs(file)
        _check_pins(asked.condarc)
        begun = perf_counter()
        content, packages = _solve(store, asked, state, refresh=refresh, progress=progress)
        progress.log(f"solved in {perf_counter() - begun:.1f} s: {_counted(packages)}")
        _note(store, key, content, packages)
        return _as_solved(file, reading, asked, content, packages, fresh=True)


def _counted(packages: Mapping[str, int]) -> str:
    return ", ".join(f"{number} packages for {name}" for name, number in packages.items())


def _as_solved(
    file: Document,
    reading: SpecReading,
    asked: "Question",
    content: bytes,
    packages: Mapping[str, int],
    *,
    fresh: bool,
) -> Solved:
    return Solved(
        spec=reading.spec,
        channels=asked.channels,
        content=content,
        digest=hashlib.sha256(content).hexdigest(),
        packages=packages,
        fresh=fresh,
        notes=reading.warnings,
        source=f"the lock of {file.name}",
    )


def _read(file: Document, check: MatchSpecCheck = lambda _: None) -> SpecReading:
    """Read the file; to check its MatchSpecs is not needed where its question has an answer."""
    return read_spec(decode(file.content, file.name), check_matchspec=check, source=file.name)


def _check_matchspecs(file: Document) -> None:
    from condarium.engine.solving.matchspec import matchspec_problem

    _read(file, matchspec_problem)


def _question(
    store: Store, spec: EnvironmentSpec, file: Document, platforms: Sequence[str], cuda: str | None
) -> Question:
    settings = store.settings
    condarc = read_condarc(settings.environ, settings.home)
    named = spec.channels if spec.nodefaults else (*spec.channels, *condarc.channels)
    folder = Path(file.folder) if file.folder else Path.cwd()
    channels = resolve_channels(named, condarc, relative_to=folder, home=settings.home)
    dependencies, channels = pinned_to_channels(
        spec.dependencies, channels, condarc, relative_to=folder, home=settings.home
    )
    if not channels:
        raise NoChannels(file.name)
    requirements = dict(spec.system_requirements) | ({"cuda": cuda} if cuda else {})
    system = tuple(sorted(requirements.items()))
    asked = platforms or spec.platforms or (host_platform(),)
    wanted = tuple(parse_subdir(each) for each in dict.fromkeys(asked))
    return Question(
        spec=spec,
        condarc=condarc,
        channels=tuple(channels),
        platforms=wanted,
        dependencies=dependencies,
        system_requirements=system,
        virtual={each: virtual_packages(each, system, environ=settings.environ) for each in wanted},
    )


def _check_pins(condarc: Condarc) -> None:
    from condarium.engine.solving.matchspec import matchspec_problem

    for pin in condarc.pinned_packages:
        if problem := matchspec_problem(pin):
            expected = f"a conda MatchSpec such as 'python 3.12.*'. {problem.rstrip('.')}"
            raise BadCondarc(
                "the .condarc", key="pinned_packages", found=repr(pin), expected=expected
            )


def _state(store: Store, asked: Question) -> str | None:
    return channel_state(
        asked.channels,
        asked.platforms,
        condarc=asked.condarc,
        environ=store.settings.environ,
        home=store.settings.home,
    )


def _known_answer(store: Store, key: str) -> tuple[bytes, Mapping[str, int]] | None:
    """The lock that answered this question before, if it is still there and whole."""
    answer = _find(store, key)
    if answer is None:
        return None
    try:
        return store.blobs.get(answer.lock), answer.packages
    except NoSuchBlob:
        return None
    except BlobDamaged:
        with suppress(StoreReadOnly):
            store.blobs.remove(answer.lock)
        return None


def _find(store: Store, key: str) -> Answer | None:
    if not store.settings.database and (answer := glance(store.layout.database, key)):
        return answer
    with store.database.read() as facts:
        return facts.solves.find(key)


def _note(store: Store, key: str | None, content: bytes, packages: Mapping[str, int]) -> None:
    """Remember an answer, which is one all the same where the store may only be read."""
    with suppress(StoreReadOnly):
        answer = Answer(lock=store.blobs.put(content), packages=packages)
        if key:
            with store.database.note() as facts:
                facts.solves.add(key, answer, at=store.now())


@contextmanager
def _writable(layout: Layout) -> Iterator[Layout]:
    """Where indexes and uv's files are cached: in the store, or where that may only be read."""
    if os.access(layout.root, os.W_OK):
        yield layout
        return
    with tempfile.TemporaryDirectory(prefix="condarium-") as folder:
        yield Layout(Path(folder))


def _solve(
    store: Store, asked: Question, state: str | None, *, refresh: bool, progress: Progress
) -> tuple[bytes, Mapping[str, int]]:
    """Solve every platform at once, each once; then the PyPI packages on top of each."""
    from condarium.engine.lockfiles.lockfile import write_lock

    with _writable(store.layout) as layout:
        conda = _conda(store, layout, asked, state, refresh=refresh)
        pypi = {
            each: _pypi(store, asked, each, conda[each], layout, progress)
            for each in asked.platforms
        }
    content = write_lock(
        channels=[channel.url for channel in asked.channels],
        conda=conda,
        pypi=pypi,
        virtual_packages={each: asked.stated(each) for each in asked.platforms},
    )
    return content, {each: len(conda[each]) + len(pypi[each]) for each in asked.platforms}


def _conda(
    store: Store, layout: Layout, asked: Question, state: str | None, *, refresh: bool
) -> "dict[str, Records]":
    from condarium.engine.network.clients import make_client, make_gateway
    from condarium.engine.solving.solver import RattlerSolver, Solver

    seen = _SeenState(layout.repodata, asked)
    client = make_client(asked.condarc, asked.channels, environ=store.settings.environ)
    gateway = make_gateway(
        client,
        layout.repodata,
        refresh=(refresh or not seen.is_(state)) and not asked.condarc.offline,
        offline=asked.condarc.offline,
    )
    requests = [_request(asked, platform) for platform in asked.platforms]
    solver: Solver = RattlerSolver(gateway)
    answers = solver.solve(requests)
    seen.note(state)
    return dict(zip(asked.platforms, answers, strict=True))


def _request(asked: Question, platform: str) -> "SolveRequest":
    from condarium.engine.solving.solver import SolveRequest

    return SolveRequest(
        platform=platform,
        specs=asked.dependencies,
        channels=tuple(channel.url for channel in asked.channels),
        virtual_packages=tuple(asked.virtual[platform]),
        pins=asked.condarc.pinned_packages,
        strict_priority=asked.condarc.strict,
    )


def _pypi(
    store: Store,
    asked: Question,
    platform: str,
    records: "Records",
    layout: Layout,
    progress: Progress,
) -> "list[PypiPackage]":
    if not asked.spec.pip:
        return []
    from condarium.engine.pypi.names import python_packages
    from condarium.engine.pypi.uv import resolve_pypi
    from condarium.engine.solving.solver import python_version

    version = python_version(records)
    if version is None:
        raise NoPythonForPip(platform)
    return resolve_pypi(
        asked.spec.pip,
        options=asked.spec.pip_options,
        python=Path(sys.executable),
        python_version=version,
        platform=platform,
        conda=python_packages(records),
        cache_dir=layout.pypi,
        environ=store.settings.environ,
        system_requirements=asked.system_requirements,
        log=progress.log,
    )


class _SeenState:
    """The state in which rattler's index cache last saw these channels.

    A server may allow an index to be kept for a while. When the state of a channel is known to
    have changed since, what was kept must not answer: the answer would be noted under the new
    state, for good.
    """

    def __init__(self, folder: Path, asked: Question) -> None:
        named = json.dumps([[each.url for each in asked.channels], sorted(asked.platforms)])
        self._path = folder / f"{hashlib.sha256(named.encode()).hexdigest()[:16]}.state"

    def is_(self, state: str | None) -> bool:
        try:
            return state is not None and self._path.read_text() == state
        except FileNotFoundError:
            return False

    def note(self, state: str | None) -> None:
        if state is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(state)
