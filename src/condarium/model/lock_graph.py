"""Which of a lock's packages asks for which: conda's depends, and what pip packages require."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from packaging.requirements import InvalidRequirement, Requirement

from condarium.model.dependency_graph import DependencyGraph
from condarium.model.lock import LockedPackage, normal_pypi_name

_SYSTEMS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    "osx": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    "win": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
}
_MACHINES = {"win-64": "AMD64", "64": "x86_64", "32": "i686"}


def lock_graph(
    packages: Sequence[LockedPackage],
    *,
    platform: str,
    pip: Iterable[str] = (),
    conda_names: Mapping[str, str] | None = None,
) -> DependencyGraph:
    """Make the graph of what is locked for a platform; nodes are named by `node_names`.

    `pip` are the requirements of the spec, which may ask for extras. `conda_names` are the conda
    packages by their names on PyPI, where those differ. What a pip package requires only on other
    machines, or for an extra that nobody asks for, is left out.
    """
    nodes = node_names(packages)
    conda = {node for node, package in nodes.items() if package.kind == "conda"}
    asked = [
        (node, name, spec)
        for node in conda
        for spec in nodes[node].depends
        if (name := spec_name(spec)) in conda or name.startswith("__")
    ]
    wheels = {node: package for node, package in nodes.items() if package.kind == "pypi"}
    if wheels:
        known = {name: name for name in conda} | dict(conda_names or {})
        asked += _required(wheels, known, pip, _markers(packages, platform))
    return DependencyGraph.of(nodes, asked)


def node_names(packages: Iterable[LockedPackage]) -> dict[str, LockedPackage]:
    """Packages by name; `name (pypi)` where a conda package has the name, too."""
    found: dict[str, LockedPackage] = {}
    for package in sorted(packages, key=lambda package: package.kind):
        name = f"{package.name} (pypi)" if package.name in found else package.name
        found[name] = package
    return found


def spec_name(spec: str) -> str:
    """The name of the package that a MatchSpec asks for.

    >>> spec_name("conda-forge::NumPy>=1.26,<3"), spec_name("python_abi 3.12.* *_cp312")
    ('numpy', 'python_abi')
    """
    return re.split(r"[\s=<>!~\[;,]", spec.strip().rpartition("::")[2], maxsplit=1)[0].lower()


def requirement_name(requirement: str) -> str | None:
    """The normal name of the PyPI package that a requirement asks for; None where it is none."""
    found = _requirements([requirement])
    return normal_pypi_name(found[0].name) if found else None


def _required(
    wheels: Mapping[str, LockedPackage],
    conda: Mapping[str, str],
    pip: Iterable[str],
    markers: Mapping[str, str],
) -> Iterator[tuple[str, str, str]]:
    known = {**conda, **{normal_pypi_name(package.name): node for node, package in wheels.items()}}
    requirements = {node: _requirements(package.depends) for node, package in wheels.items()}
    extras = _extras(
        [*_requirements(pip), *(one for each in requirements.values() for one in each)]
    )
    for node, package in wheels.items():
        wanted = {"", *extras.get(normal_pypi_name(package.name), ())}
        for one in requirements[node]:
            name = known.get(normal_pypi_name(one.name))
            if name is not None and _holds(one, markers, wanted):
                yield node, name, _without_marker(one)


def _requirements(texts: Iterable[str]) -> list[Requirement]:
    def read() -> Iterator[Requirement]:
        for text in texts:
            try:
                yield Requirement(text)
            except InvalidRequirement:  # old metadata; what it cannot say, it does not ask for
                continue

    return list(read())


def _extras(requirements: Iterable[Requirement]) -> dict[str, set[str]]:
    """The extras of each package that anybody asks for."""
    found: dict[str, set[str]] = {}
    for one in requirements:
        found.setdefault(normal_pypi_name(one.name), set()).update(one.extras)
    return found


def _holds(one: Requirement, markers: Mapping[str, str], extras: Iterable[str]) -> bool:
    if one.marker is None:
        return True
    return any(one.marker.evaluate({**markers, "extra": extra}) for extra in extras)


def _without_marker(one: Requirement) -> str:
    extras = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
    return f"{one.name}{extras} {one.specifier}".strip()


def _markers(packages: Iterable[LockedPackage], platform: str) -> dict[str, str]:
    """The environment in which markers are evaluated (PEP 508)."""
    system, _, arch = platform.partition("-")
    python = next((p.version for p in packages if (p.kind, p.name) == ("conda", "python")), "3")
    return {
        **_SYSTEMS.get(system, _SYSTEMS["linux"]),
        "platform_machine": _MACHINES.get(platform, _MACHINES.get(arch, arch)),
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "implementation_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python,
        "platform_release": "",
        "platform_version": "",
    }
