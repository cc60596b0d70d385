"""Wheels from a Python package index, made conda packages."""

import hashlib
import json
import os
import platform as machine
import re
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import Tag

from condarium.channels.making.requirements import (
    Target,
    dependencies,
    python_spec,
    same_minors,
    same_systems,
)
from condarium.channels.making.wheel_archive import BadWheel, WheelMetadata, read_wheel
from condarium.channels.making.wheel_layout import Layout, unpack
from condarium.engine.hashing import file_sha256
from condarium.engine.packages.packaging import PackageMetadata, write_package
from condarium.engine.pypi.fetching import fetch_wheels
from condarium.engine.pypi.uv import resolve_pypi
from condarium.errors import BadArguments
from condarium.model.lock import normal_pypi_name
from condarium.model.progress import Progress, Quiet

_RECIPE = 1
"""Counts the ways in which wheels were made packages; another one gives another build string."""

_PLACE = r"[./~]|file:(?!///)"
"""How what names no package begins, but a file or folder; the resolver says what is to be done."""

_ARCHES = {"x86_64": "64", "amd64": "64", "i686": "32", "aarch64": "aarch64", "arm64": "arm64"}


def import_wheels(
    requirements: Sequence[str],
    *,
    into: Path,
    python: str,
    platform: str | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[Path]:
    """Resolve PEP 508 requirements with all that they require, and make each a package in `into`.

    `python` is a minor version (`3.11`); `platform` a subdir, this machine's unless given. `cache`
    keeps what was fetched (by default `condarium` in the user's folder of caches); a package that
    `into` has already is not made again. Indexes are those of uv's variables in `environ`, else
    of pip's. The channel's indexes are not written: see `index_channel`.

    Raises BadArguments, PipResolutionFailed, NoWheel, WheelNotFetched, BadWheel.
    """
    asked = [_parse(each) for each in requirements if not re.match(_PLACE, each)]
    environ = os.environ if environ is None else environ
    cache = default_cache(environ) if cache is None else cache
    progress = progress or Quiet()
    target = Target(
        python=python, platform=platform or host_subdir(), full_version=_full_version(python)
    )
    progress.phase("resolve wheels")
    chosen = resolve_pypi(
        requirements,
        options=("--only-binary :all:", *_pip_indexes(environ)),
        python=Path(sys.executable),
        python_version=python,
        platform=target.platform,
        conda=(),
        cache_dir=cache,
        environ=environ,
    )
    paths = fetch_wheels(chosen, cache_dir=cache, environ=environ, progress=progress)
    wheels = [read_wheel(path) for path in paths]
    _tell_of_extras(asked, wheels, progress)
    return _make_all(wheels, target, into, progress)


def _parse(text: str) -> Requirement:
    """Read what is asked for. Raises BadArguments."""
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise BadArguments(
            f"{text!r} is not a requirement: {str(error).splitlines()[0]}",
            hint="Such as 'click', 'click >=8' or 'rich[jupyter] ==13.*' (PEP 508).",
        ) from error


def _tell_of_extras(
    asked: Sequence[Requirement], wheels: Sequence[WheelMetadata], progress: Progress
) -> None:
    """Say which extras there are not: a resolver takes no offence at them."""
    extras = {wheel.name: wheel.extras for wheel in wheels}
    for one in asked:
        known = extras.get(normal_pypi_name(one.name))
        for extra in sorted(one.extras) if known is not None else ():
            if normal_pypi_name(extra) not in (known or ()):
                there = f"its extras are {', '.join(sorted(known))}" if known else "it has none"
                progress.say(f"warning: {one.name} has no extra {extra}: {there}")


def _make_all(
    wheels: Sequence[WheelMetadata], target: Target, into: Path, progress: Progress
) -> list[Path]:
    known = {wheel.name: wheel.requires for wheel in wheels}
    progress.phase("make packages", len(wheels), "packages")

    def make(wheel: WheelMetadata) -> Path:
        path = _make(wheel, target, into, known)
        progress.advance()
        return path

    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        return list(pool.map(make, wheels))


def wheel_to_package(
    wheel: Path,
    *,
    into: Path,
    python: str,
    platform: str | None = None,
    known: Mapping[str, Sequence[Requirement]] | None = None,
) -> Path:
    """Make one wheel a package in `into/<subdir>/`, and say where it is.

    A wheel for any platform becomes `noarch: python`. One for a platform but no certain Python
    (a stable ABI, or programs) does too, within that platform's subdir (CEP 20). One for a certain
    Python has its files where that Python looks. `known` has the requirements of other packages by
    name, to say what their extras stand for.

    Raises BadWheel where the wheel is damaged, or is for another Python or platform.
    """
    target = Target(
        python=python, platform=platform or host_subdir(), full_version=_full_version(python)
    )
    return _make(read_wheel(wheel), target, into, known or {})


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """What a wheel's tags mean: `exactly` or `at_least` a Python, a subdir, virtual packages."""

    subdir: str
    exactly: str | None
    at_least: str | None
    needs: tuple[str, ...]


def _make(
    wheel: WheelMetadata,
    target: Target,
    into: Path,
    known: Mapping[str, Sequence[Requirement]],
) -> Path:
    metadata = _describe(wheel, target, known)
    made = into / metadata.subdir / metadata.file_name
    if made.is_file():
        return made
    layout = Layout.noarch() if metadata.noarch else Layout.of_python(target.python)
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".unpacking-") as scratch:
        files = unpack(wheel, layout, Path(scratch))
        return write_package(metadata, files, into=into)


def _describe(
    wheel: WheelMetadata, target: Target, known: Mapping[str, Sequence[Requirement]]
) -> PackageMetadata:
    kind = _kind(wheel, target)
    noarch = kind.subdir == "noarch" or kind.exactly is None
    depends = _depends(wheel, kind, target, known)
    build = f"py{target.python.replace('.', '')}h" if not noarch else "pyh"
    return PackageMetadata(
        name=wheel.name,
        version=str(wheel.version),
        build=f"{build}{_fingerprint(wheel, depends)}_{wheel.build_number}",
        build_number=wheel.build_number,
        subdir=kind.subdir,
        noarch="python" if noarch else None,
        depends=depends,
        license=wheel.license,
        license_files=_licenses(wheel),
        summary=wheel.summary,
        home=wheel.home,
        entry_points=[str(point) for point in wheel.entry_points] if noarch else (),
        timestamp=_newest(wheel),
        extra={"purls": [f"pkg:pypi/{wheel.name}@{wheel.version}"]},
    )


def _depends(
    wheel: WheelMetadata,
    kind: _Kind,
    target: Target,
    known: Mapping[str, Sequence[Requirement]],
) -> tuple[str, ...]:
    known = {wheel.name: wheel.requires, **known}
    minors = same_minors(wheel.requires, target=target, known=known)
    python = python_spec(
        wheel.requires_python, exactly=kind.exactly, at_least=kind.at_least, minors=minors
    )
    needs = set(kind.needs)
    if kind.subdir == "noarch":
        system = same_systems(wheel.requires, target=target, known=known)
        needs |= {system} if system else set()
    others = dependencies(wheel.requires, target=target, known=known)
    return (python, *(spec for spec in others if spec.split()[0] != wheel.name), *sorted(needs))


def _kind(wheel: WheelMetadata, target: Target) -> _Kind:
    """Read the tags of a wheel for a target."""
    fitting = [tag for tag in wheel.tags if _subdir(tag, target) and _fits(tag, target)]
    if not fitting:
        names = ", ".join(sorted(str(tag) for tag in wheel.tags))
        reason = f"it is for {names}; expected Python {target.python} on {target.platform}"
        raise BadWheel(wheel.path, reason)
    tag = min(fitting, key=str)
    minor = _minor(tag.interpreter)
    stable = tag.abi == "abi3" or tag.interpreter.startswith("py")
    exact = not stable and minor is not None
    if not exact and target.platform.startswith("win") and tag.platform != "any":
        raise BadWheel(wheel.path, "wheels with programs for Windows cannot be made packages yet")
    return _Kind(
        subdir=_subdir(tag, target) or "",
        exactly=target.python if exact else None,
        at_least=f"3.{minor}" if not exact and minor else None,
        needs=_system_needs(fitting),
    )


def _fits(tag: Tag, target: Target) -> bool:
    """Say whether the target's Python takes a wheel's tag, the platform aside."""
    minor = _minor(tag.interpreter)
    if tag.interpreter in ("py3", "cp3"):
        return tag.abi in ("none", "abi3")
    if minor is None:
        return False
    if tag.abi == "abi3" or (tag.interpreter.startswith("py") and tag.abi == "none"):
        return minor <= target.minor
    return minor == target.minor and tag.abi in ("none", tag.interpreter)


def _minor(interpreter: str) -> int | None:
    found = re.fullmatch(r"(?:cp|py)3(\d+)", interpreter)
    return int(found[1]) if found else None


def _subdir(tag: Tag, target: Target) -> str | None:
    """Say in which subdir a tag's platform is; None where that is not the target's."""
    if tag.platform == "any":
        return "noarch"
    found = re.fullmatch(r"(manylinux|linux|macosx|win)_?(\d+_\d+_|\d+_)?(\w+)", tag.platform)
    if not found:
        return None
    system = {"macosx": "osx", "win": "win"}.get(found[1], "linux")
    if system == "osx" and found[3] == "universal2":
        return target.platform if target.platform.startswith("osx") else None
    arch = "32" if tag.platform == "win32" else _arch(found[3])
    return target.platform if f"{system}-{arch}" == target.platform else None


def _arch(name: str) -> str:
    return _ARCHES.get(name, name)


def _system_needs(tags: Sequence[Tag]) -> tuple[str, ...]:
    """Say the oldest system that any of the tags allows, as a virtual package."""
    old = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
    glibc, macos = [], []
    for tag in tags:
        if found := re.match(r"manylinux_(\d+)_(\d+)_", tag.platform):
            glibc.append((int(found[1]), int(found[2])))
        elif found := re.match(r"macosx_(\d+)_(\d+)_", tag.platform):
            macos.append((int(found[1]), int(found[2])))
        elif tag.platform.partition("_")[0] in old:
            glibc.append(old[tag.platform.partition("_")[0]])
    if glibc:
        return ("__glibc >={}.{},<3.0.a0".format(*min(glibc)),)
    return ("__osx >={}.{}".format(*min(macos)),) if macos else ()


def _fingerprint(wheel: WheelMetadata, depends: Sequence[str]) -> str:
    """Make a build string's hash: what the package is made of, and how."""
    made_of = json.dumps([_RECIPE, file_sha256(wheel.path), list(depends)])
    return hashlib.sha256(made_of.encode()).hexdigest()[:7]


def _licenses(wheel: WheelMetadata) -> dict[str, bytes]:
    prefix = f"{wheel.info}/"
    with zipfile.ZipFile(wheel.path) as archive:
        return {
            name.removeprefix(prefix).removeprefix("licenses/"): archive.read(name)
            for name in wheel.license_files
            if ".." not in name
        }


def _newest(wheel: WheelMetadata) -> int | None:
    """Date a package by the newest file of its wheel; many have no dates, which is 1980 or so."""
    with zipfile.ZipFile(wheel.path) as archive:
        newest = max((member.date_time for member in archive.infolist()), default=(1980, 1, 1))
    year, month, day, hour, minute, second = (*newest, 0, 0, 0)[:6]
    if year < 2000:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp() * 1000)


def _full_version(python: str) -> str:
    running = machine.python_version()
    return running if running.startswith(f"{python}.") else f"{python}.0"


def _pip_indexes(environ: Mapping[str, str]) -> list[str]:
    """Take pip's indexes where uv has none of its own."""
    if any(environ.get(name) for name in ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL")):
        return []
    options = {"PIP_INDEX_URL": "--index-url", "PIP_EXTRA_INDEX_URL": "--extra-index-url"}
    return [
        f"{option} {url}"
        for name, option in options.items()
        for url in environ.get(name, "").split()
    ]


def host_subdir() -> str:
    """Name the subdir of the machine that this runs on."""
    system = {"Linux": "linux", "Darwin": "osx", "Windows": "win"}[machine.system()]
    return f"{system}-{_arch(machine.machine().lower())}"


def default_cache(environ: Mapping[str, str]) -> Path:
    """Say where fetched wheels are kept for a user (the XDG base directories)."""
    base = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".cache"
    return Path(base) / "condarium"
