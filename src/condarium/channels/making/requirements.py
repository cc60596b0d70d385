"""What a wheel requires (PEP 508, PEP 440), said as conda says it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from condarium.model.lock import normal_pypi_name

_MACHINES = {
    "64": "x86_64",
    "32": "i686",
    "aarch64": "aarch64",
    "arm64": "arm64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
_SYSTEMS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    "osx": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    "win": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
}
_MINORS = range(6, 21)
"""The minor versions of Python 3 for which a wheel's markers are asked whether they differ."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a package is to be used: a minor version of Python, `3.11`, and a conda subdir.

    `full_version` is the patch version for which markers are evaluated.
    """

    python: str
    platform: str
    full_version: str = ""

    @property
    def minor(self) -> int:
        return int(self.python.split(".")[1])

    def markers(self) -> dict[str, str]:
        """The environment in which markers are evaluated (PEP 508)."""
        system, _, arch = self.platform.partition("-")
        machine = _MACHINES.get(arch, arch)
        full = self.full_version or f"{self.python}.0"
        return {
            **_SYSTEMS.get(system, _SYSTEMS["linux"]),
            "platform_machine": "AMD64" if self.platform == "win-64" else machine,
            "platform_python_implementation": "CPython",
            "implementation_name": "cpython",
            "implementation_version": full,
            "python_version": self.python,
            "python_full_version": full,
            "platform_release": "",
            "platform_version": "",
        }

    def with_minor(self, minor: int) -> "Target":
        return self if minor == self.minor else replace(self, python=f"3.{minor}", full_version="")


def version_spec(specifiers: SpecifierSet) -> str:
    """Say a set of version specifiers as conda does; empty where there is none.

    Conda has no word for two things that PEP 440 means: that `==1.0` allows `1.0+local`, and that
    `>1.0` forbids `1.0.post1`.

    >>> version_spec(SpecifierSet("~=1.4.2, !=1.4.5"))
    '>=1.4.2,1.4.*,!=1.4.5'
    """
    return _join(clause for one in specifiers for clause in _clauses(one))


def _join(clauses: Iterable[str]) -> str:
    """Put lower bounds first, then upper ones, then the rest."""
    return ",".join(
        sorted(set(clauses), key=lambda clause: (">=<0123456789!".find(clause[0]), clause))
    )


def _clauses(specifier: Specifier) -> tuple[str, ...]:
    operator, text = specifier.operator, specifier.version
    if operator == "===":
        return (f"=={text}",)
    version = Version(text.removesuffix(".*"))
    match operator:
        case "==" if text.endswith(".*"):
            return (f"{version}.*",)
        case "!=" if text.endswith(".*"):
            return (f"!={version}.*",)
        case "~=":
            return (f">={version}", f"{_release(version, version.release[:-1])}.*")
        case "<" if not version.is_prerelease:
            return (f"<{_before_prereleases(version)}",)
        case ">=" | ">" if _is_dev_of_final(version):
            # conda sorts 1.0.dev1 behind 1.0a1: take all of 1.0's pre-releases in
            return (f">={_before_prereleases(version)}",)
        case _:
            return (f"{operator}{version}",)


def _is_dev_of_final(version: Version) -> bool:
    return version.dev is not None and version.pre is None and version.post is None


def _release(version: Version, numbers: Sequence[int]) -> str:
    epoch = f"{version.epoch}!" if version.epoch else ""
    return epoch + ".".join(str(number) for number in numbers)


def _before_prereleases(version: Version) -> str:
    """Name the first pre-release of a version: `<version` forbids them too (PEP 440)."""
    if version.post is not None or version.local:
        return str(version)
    numbers = list(version.release)
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return f"{_release(version, numbers)}a0"


def match_spec(requirement: Requirement) -> str:
    """Say a requirement as a MatchSpec; its extras, its markers and its URL are left out."""
    name = normal_pypi_name(requirement.name)
    return f"{name} {version_spec(requirement.specifier)}".strip()


def dependencies(
    requirements: Sequence[Requirement],
    *,
    target: Target,
    known: Mapping[str, Sequence[Requirement]],
) -> tuple[str, ...]:
    """Choose those requirements that hold on a target, as MatchSpecs, sorted.

    A package has no extras in conda: what the extra of another one requires is required directly.
    `known` has the requirements of other packages by name, for that.
    """
    return tuple(sorted(_collect(requirements, "", target.markers(), known, set())))


def _collect(
    requirements: Iterable[Requirement],
    extra: str,
    markers: Mapping[str, str],
    known: Mapping[str, Sequence[Requirement]],
    visited: set[tuple[str, str]],
) -> set[str]:
    found: set[str] = set()
    for one in requirements:
        if one.marker and not one.marker.evaluate({**markers, "extra": extra}):
            continue
        found.add(match_spec(one))
        name = normal_pypi_name(one.name)
        for wanted in sorted(one.extras):
            key = (name, normal_pypi_name(wanted))
            if key in visited or name not in known:
                continue
            visited.add(key)
            asked = [r for r in known[name] if r.marker and "extra" in str(r.marker)]
            found |= _collect(asked, key[1], markers, known, visited)
    return found


def same_minors(
    requirements: Sequence[Requirement],
    *,
    target: Target,
    known: Mapping[str, Sequence[Requirement]],
) -> tuple[int | None, int | None]:
    """Say for which minor versions around the target's the dependencies are the same.

    The first and the last, both included; None where no marker sets that end.
    """
    wanted = dependencies(requirements, target=target, known=known)

    def same(minor: int) -> bool:
        return dependencies(requirements, target=target.with_minor(minor), known=known) == wanted

    first = last = target.minor
    while first > _MINORS.start and same(first - 1):
        first -= 1
    while last < _MINORS[-1] and same(last + 1):
        last += 1
    return (
        None if first <= _MINORS.start else first,
        None if last >= _MINORS[-1] else last,
    )


def same_systems(
    requirements: Sequence[Requirement],
    *,
    target: Target,
    known: Mapping[str, Sequence[Requirement]],
) -> str | None:
    """Name the virtual package of the systems where the dependencies are those of the target.

    None where they are the same everywhere; `__unix` where only Windows differs.
    """
    here = target.platform.partition("-")[0]

    def asked(platform: str) -> tuple[str, ...]:
        elsewhere = replace(target, platform=platform)
        return dependencies(requirements, target=elsewhere, known=known)

    wanted = asked(target.platform)
    others = {"linux": "linux-64", "osx": "osx-arm64", "win": "win-64"}
    same = {system for system, name in others.items() if system == here or asked(name) == wanted}
    if len(same) == len(others):
        return None
    return "__unix" if same == {"linux", "osx"} else f"__{here}"


def python_spec(
    requires: SpecifierSet | None,
    *,
    exactly: str | None = None,
    at_least: str | None = None,
    minors: tuple[int | None, int | None] = (None, None),
) -> str:
    """Say which Pythons a package is for.

    `requires` is the wheel's Requires-Python; `exactly` the one minor version of an extension
    module's ABI; `at_least` the first one of a stable ABI; `minors` as `same_minors` gives them.
    """
    if exactly:
        clauses = _patch_clauses(requires) | {f"{exactly}.*"}
        return f"python {_join(clauses)}"
    clauses = set(filter(None, version_spec(requires or SpecifierSet()).split(",")))
    first, last = minors
    if at_least:
        first = max(first or 0, int(at_least.split(".")[1]))
    if first is not None and not _forbids(requires, first - 1):
        clauses = {clause for clause in clauses if not clause.startswith(">=")} | {f">=3.{first}"}
    if last is not None and not _forbids(requires, last + 1):
        clauses.add(f"<3.{last + 1}")
    return f"python {_join(clauses)}".strip()


def _patch_clauses(requires: SpecifierSet | None) -> set[str]:
    """Keep what an exact minor version does not say already: bounds within a minor version."""
    return {
        clause
        for one in requires or ()
        if one.version.count(".") >= 2 and not one.version.endswith(".*")
        for clause in _clauses(one)
    }


def _forbids(requires: SpecifierSet | None, minor: int) -> bool:
    return requires is not None and not any(
        requires.contains(f"3.{minor}.{patch}") for patch in (0, 99)
    )
