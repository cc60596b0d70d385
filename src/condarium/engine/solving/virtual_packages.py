"""What a machine brings that no package can: its kernel, its libc, its GPU driver (CEP 30).

For the platform of this machine it is found out; for any other one it is a documented default. A
CONDA_OVERRIDE_* variable wins over both, and a stated requirement over everything.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from condarium.errors import BadInput

if TYPE_CHECKING:
    from rattler import GenericVirtualPackage

# The least that packages for a platform may count on; pixi has the same for Linux.
_LINUX = {"__unix": "0", "__linux": "4.18", "__glibc": "2.28"}
_OSX = {"__unix": "0", "__osx": "13.0"}
_WIN = {"__win": "10.0"}
_DEFAULTS = {"linux": _LINUX, "osx": _OSX, "win": _WIN}
_ARCHSPECS = {
    "linux-32": "x86",
    "linux-64": "x86_64",
    "linux-armv6l": "armv6l",
    "linux-armv7l": "armv7l",
    "osx-64": "x86_64",
    "osx-arm64": "m1",
    "win-32": "x86",
    "win-64": "x86_64",
    "win-arm64": "aarch64",
}

# What may be stated or overridden, and for the platforms of which families.
_STATED: Mapping[str, tuple[str, ...]] = {
    "archspec": ("linux", "osx", "win"),
    "cuda": ("linux", "win"),
    "cuda_arch": ("linux", "win"),
    "glibc": ("linux",),
    "linux": ("linux",),
    "osx": ("osx",),
    "win": ("win",),
}


class BadSystemRequirement(BadInput):
    """What a machine is said to have is no virtual package with a version."""

    def __init__(self, where: str, found: str, expected: str) -> None:
        self.where, self.found, self.expected = where, found, expected
        super().__init__(
            f"{where}: found {found!r}; expected {expected}",
            hint='Write a version such as 12.4: cuda: "12.4", --cuda 12.4 or '
            "CONDA_OVERRIDE_CUDA=12.4.",
        )


def host_platform() -> str:
    """The platform of this machine, such as `linux-64`."""
    from rattler import Subdir

    return str(Subdir.current())


def solver_identity() -> str:
    """What solves; it changes when a question may get another answer."""
    from rattler.utils.rattler_version import get_rattler_version

    return f"rattler {get_rattler_version()}"


def virtual_packages(
    platform: str,
    system_requirements: Sequence[tuple[str, str]] = (),
    cuda: str | None = None,
    *,
    environ: Mapping[str, str],
) -> "list[GenericVirtualPackage]":
    """Give the virtual packages of a platform, in the order of their names.

    `system_requirements` are names without underscores and versions; those that a platform cannot
    have (glibc on macOS) are passed over. `cuda` is one more, and wins over them. An empty
    CONDA_OVERRIDE_CUDA takes __cuda away, and so does any other one its package.

    Raises BadSystemRequirement.
    """
    family = platform.partition("-")[0]
    found = _machine() if platform == host_platform() else _default(platform, family)
    found |= _overridden(family, environ)
    stated = dict(system_requirements) | ({"cuda": cuda} if cuda else {})
    found |= _required(family, stated)
    return [_make(name, *value) for name, value in sorted(found.items()) if value[0]]


# By name: a version and a build string; a version of "" means that the package is not there.
_Found = dict[str, tuple[str, str]]


def _machine() -> _Found:
    """Look at this machine only: the variables are those of the caller, not of the process."""
    from rattler import VirtualPackage

    packages = [each.into_generic() for each in VirtualPackage.detect()]
    return {each.name.normalized: (str(each.version), str(each.build_string)) for each in packages}


def _default(platform: str, family: str) -> _Found:
    found = {name: (version, "0") for name, version in _DEFAULTS.get(family, {}).items()}
    if family in _DEFAULTS:
        archspec = _ARCHSPECS.get(platform, platform.partition("-")[2])
        found["__archspec"] = ("1", archspec)
    return found


def _overridden(family: str, environ: Mapping[str, str]) -> _Found:
    found: _Found = {}
    for name, families in _STATED.items():
        variable = f"CONDA_OVERRIDE_{name.upper()}"
        if family in families and variable in environ:
            text = environ[variable].strip()
            found[f"__{name}"] = _value(name, text, variable) if text else ("", "")
    return found


def _required(family: str, stated: Mapping[str, str]) -> _Found:
    found: _Found = {}
    for name, text in stated.items():
        if name not in _STATED:
            expected = f"one of {', '.join(_STATED)}"
            raise BadSystemRequirement("system-requirements", name, expected)
        if family in _STATED[name]:
            found[f"__{name}"] = _value(name, text, f"system-requirements, {name}")
    return found


def _value(name: str, text: str, where: str) -> tuple[str, str]:
    """The microarchitecture is a build string, because it is not a version; all else is one."""
    from rattler import Version
    from rattler.exceptions import InvalidVersionError

    if name == "archspec":
        if not text.replace("_", "").isalnum():
            raise BadSystemRequirement(where, text, "a microarchitecture such as x86_64_v3")
        return "1", text
    try:
        Version(text)
    except InvalidVersionError as error:
        raise BadSystemRequirement(where, text, "a version") from error
    if not text[0].isdigit():
        raise BadSystemRequirement(where, text, "a version")
    return text, "0"


def _make(name: str, version: str, build: str) -> "GenericVirtualPackage":
    from rattler import BuildString, GenericVirtualPackage, PackageName, Version

    return GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))
