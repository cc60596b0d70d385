"""What is installed where: the packages of a generation, or of what a file would give."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from condarium.engine.lockfiles.document import LockDocument
from condarium.engine.lockfiles.lockfile import read_lock
from condarium.engine.pypi.names import python_packages
from condarium.engine.solving.matchspec import matchspec_problem
from condarium.engine.solving.virtual_packages import host_platform
from condarium.environments.locking import solve_file
from condarium.errors import BadSpec, NotFound
from condarium.model.dependency_graph import DependencyGraph
from condarium.model.document import Document
from condarium.model.lock import LockedPackage, normal_pypi_name
from condarium.model.lock_graph import lock_graph, node_names, requirement_name, spec_name
from condarium.model.names import EnvironmentName
from condarium.model.progress import Progress
from condarium.model.similar import nearest
from condarium.model.spec import EnvironmentSpec
from condarium.model.specfile import decode, read_spec
from condarium.model.subdirs import parse_subdir
from condarium.storage.store import Store


class NotInstalled(NotFound):
    """The environment does not have this package."""

    def __init__(self, package: str, source: str, near: list[str]) -> None:
        self.package, self.source, self.near = package, source, tuple(near)
        super().__init__(
            f"{source} has no {package}",
            hint=f"Did you mean {' or '.join(near)}?"
            if near
            else "Check the spelling; `condarium env show` lists what an environment has.",
        )


@dataclass(frozen=True, kw_only=True)
class Installed:
    """Packages for one platform, and the spec that asked for them where one is known.

    `pypi_names` are the conda packages by the names that they have on PyPI.
    """

    source: str
    platform: str
    packages: tuple[LockedPackage, ...]
    spec: EnvironmentSpec | None = None
    pypi_names: Mapping[str, str]

    @cached_property
    def by_node(self) -> Mapping[str, LockedPackage]:
        return node_names(self.packages)

    @cached_property
    def graph(self) -> DependencyGraph:
        return lock_graph(
            self.packages,
            platform=self.platform,
            pip=self.spec.pip if self.spec else (),
            conda_names=self.pypi_names,
        )

    @cached_property
    def asked(self) -> Mapping[str, tuple[str, ...]]:
        """What the spec asks for: the words by the package; empty where there is no spec."""
        found: dict[str, tuple[str, ...]] = {}
        if self.spec is not None:
            for text in self.spec.dependencies:
                name = spec_name(text)
                found[name] = (*found.get(name, ()), text)
            for text in self.spec.pip:
                name = self._pip_node(requirement_name(text) or text)
                found[name] = (*found.get(name, ()), f"pip: {text}")
        return found

    @cached_property
    def versions(self) -> Mapping[str, str]:
        return {name: package.version for name, package in self.by_node.items()}

    def node(self, name: str) -> str:
        """Find a package, or a virtual one that something asks for, by what a person calls it.

        Raises NotInstalled.
        """
        for candidate in (name.lower(), self._pip_node(normal_pypi_name(name))):
            if candidate in self.graph or candidate in self.asked:
                return candidate
        raise NotInstalled(name, self.source, nearest(name, self.by_node))

    def _pip_node(self, name: str) -> str:
        for candidate in (f"{name} (pypi)", name):
            if candidate in self.by_node:
                return candidate
        return self.pypi_names.get(name, name)


def installed_in(
    store: Store, name: EnvironmentName, number: int | None = None, *, platform: str | None = None
) -> Installed:
    """What a generation locked; the active one by default.

    Raises NoSuchEnvironment, NoSuchGeneration, PlatformNotLocked.
    """
    with store.database.read() as facts:
        generation = facts.environments.generation(name, number)
    source = f"{name} generation {generation.number}"
    document = read_lock(store.blobs.get(generation.lock), source=f"the lock of {source}")
    content = store.blobs.get(generation.spec) if generation.spec else None
    spec = _read(content, source) if content is not None else None
    return _installed(document, source=source, platform=platform, spec=spec)


def installed_by(
    store: Store, file: Document, *, platform: str | None = None, progress: Progress
) -> Installed:
    """What an environment.yml would give; solves it where nobody has yet."""
    platforms = (platform,) if platform else ()
    solved = solve_file(store, file, platforms=platforms, progress=progress)
    return _installed(solved.document, source=file.name, platform=platform, spec=solved.spec)


def _installed(
    document: LockDocument, *, source: str, platform: str | None, spec: EnvironmentSpec | None
) -> Installed:
    chosen = parse_subdir(platform) if platform else _likely(document)
    return Installed(
        source=source,
        platform=chosen,
        packages=document.locked(chosen),
        spec=spec,
        pypi_names=_pypi_names(document, chosen),
    )


def _read(content: bytes, source: str) -> EnvironmentSpec | None:
    try:
        text = decode(content, source)
        return read_spec(text, check_matchspec=matchspec_problem, source=source).spec
    except BadSpec:  # it was good when it was built; a question is not the place to complain
        return None


def _likely(document: LockDocument) -> str:
    """This machine's platform, or the first one where it is locked for others only."""
    host = host_platform()
    return host if host in document.platforms or not document.platforms else document.platforms[0]


def _pypi_names(document: LockDocument, platform: str) -> Mapping[str, str]:
    """The conda packages by their names on PyPI, for the sake of pip packages that ask for them."""
    if all(package.kind == "conda" for package in document.locked(platform)):
        return {}
    return {
        name: record.name.normalized
        for record in document.records(platform)
        for name, _ in python_packages([record])
    }
