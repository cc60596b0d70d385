"""The packages under `pip:`, through uv: resolved to exact files, and installed with links."""

import json
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
from packaging.utils import InvalidSdistFilename, parse_sdist_filename
from rattler import Subdir

from condarium.engine.network.addresses import check_reach
from condarium.engine.pypi.metadata import with_metadata
from condarium.engine.pypi.names import write_stubs
from condarium.engine.pypi.process import Log, UvDone, run_uv, tidy
from condarium.engine.pypi.wheels import best_wheel
from condarium.errors import BadPipOption, PipInstallFailed, PipResolutionFailed, Refused
from condarium.model.lock import PypiPackage, normal_pypi_name, without_credentials
from condarium.settings.reach import read_reach
from condarium.settings.withheld import BUILDS_NOTHING

_TARGETS = {
    "linux-64": "x86_64-manylinux",
    "linux-aarch64": "aarch64-manylinux",
    "linux-riscv64": "riscv64-unknown-linux",
    "osx-64": "x86_64-apple-darwin",
    "osx-arm64": "aarch64-apple-darwin",
    "win-32": "i686-pc-windows-msvc",
    "win-64": "x86_64-pc-windows-msvc",
    "win-arm64": "aarch64-pc-windows-msvc",
}
_GLIBCS = ((2, 17), (2, 28), *((2, minor) for minor in range(31, 41)))
"""The versions of glibc that uv knows as targets."""

_DEFAULT_GLIBC = "2.28"

_STUBS = "condarium-stubs"

_TAKEN = {
    *("--index-url", "-i", "--extra-index-url", "--find-links", "-f", "--no-index"),
    *("--no-binary", "--only-binary"),
}


_DIRECT = re.compile(
    r"\s*(?:[\w.\-]+\s*(?:\[[^\]]*\])?\s*@\s*)?(?P<place>(?:[A-Za-z+]+:|[./~])[^;\s]*)"
)
"""A requirement that is a place rather than a name and versions."""

_PLACES = ("--index-url", "-i", "--extra-index-url", "--find-links", "-f")


class ServersVariable(Refused):
    """A line under `pip:` names a variable of the server's."""

    def __init__(self, line: str) -> None:
        self.line = line
        super().__init__(
            f"the line {line!r} under `pip:` names a variable, and this server's are its own",
            hint="Write out what it stands for; credentials in a URL are not kept.",
        )


def resolve_pypi(
    requirements: Sequence[str],
    *,
    options: Sequence[str] = (),
    python: Path,
    python_version: str,
    platform: str,
    conda: Sequence[tuple[str, str]],
    cache_dir: Path,
    environ: Mapping[str, str],
    system_requirements: Sequence[tuple[str, str]] = (),
    exclude_newer: str | None = None,
    log: Log | None = None,
) -> list[PypiPackage]:
    """Choose the files for PEP 508 requirements on a platform, sorted by name.

    `python` is any interpreter of this machine (uv wants one, even to resolve for another);
    `python_version` and `platform` are those of the environment. `conda` has the PyPI names and
    versions of its conda packages (see `python_packages`): they are there already, at that version
    only, and are not among the result. `options` are pip's own, as under `pip:`.

    Wheels are taken where they suffice, so that a lock comes out the same on every machine. Only
    where they do not, and only for the machine's own platform, are source distributions built; by
    what answers a server's requests none is.

    Raises BadPipOption, PlaceRefused, and PipResolutionFailed with uv's explanation.
    """
    check_reach(_named_places(options, requirements), environ)
    _refuse_variables([*options, *requirements], environ)
    lines, flags = _options(options)
    for requirement in requirements:
        if re.match(r"[./~]|file:(?!///)", requirement):
            raise BadPipOption(requirement)
    with tempfile.TemporaryDirectory(prefix="condarium-") as name:
        folder = Path(name)
        stubs = write_stubs(conda, cache_dir / _STUBS)
        (folder / "constraints.txt").write_text("\n".join(stubs) + "\n", encoding="utf-8")
        asked = "\n".join([*lines, *requirements]) + "\n"
        (folder / "requirements.txt").write_text(asked, encoding="utf-8")
        arguments = [
            *("pip", "compile", "requirements.txt", "--constraints", "constraints.txt"),
            *("--format", "pylock.toml", "--no-header", "--python", str(python)),
            *("--python-version", python_version),
            *("--python-platform", _target(platform, dict(system_requirements))),
            *flags,
            *(("--exclude-newer", exclude_newer) if exclude_newer else ()),
        ]
        done = _compile(
            arguments,
            folder,
            cache_dir,
            _for_macos(environ, dict(system_requirements)),
            may_build=platform == str(Subdir.current()) and BUILDS_NOTHING not in environ,
            log=log,
        )
        if done.code:
            raise _resolution_failed(done, platform, conda)
        found = list(_chosen(tomllib.loads(done.output), folder))
    _refuse_unlockable(found, platform)
    try:
        full = with_metadata(found, cache_dir=cache_dir, environ=environ)
    except httpx.TransportError as error:
        raise PipResolutionFailed(
            platform,
            f"  the index did not give the metadata of a package: {error}",
            hint=_transport_hint(str(error)),
        ) from error
    return sorted(full, key=lambda package: package.name)


def _refuse_variables(lines: Sequence[str], environ: Mapping[str, str]) -> None:
    """uv puts in the values of variables: a server's are not its users' to send anywhere."""
    if read_reach(environ).everything:
        return
    for line in lines:
        if "${" in line:
            raise ServersVariable(line)


def _named_places(options: Sequence[str], requirements: Sequence[str]) -> Iterator[str]:
    """The URLs and paths among what is asked for."""
    for option in options:
        name, _, value = option.replace("=", " ", 1).strip().partition(" ")
        if name in _PLACES:
            yield value.strip()
    for requirement in requirements:
        if found := _DIRECT.match(requirement):
            yield found["place"]


def _transport_hint(said: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return "Name the certificates of your organisation: SSL_CERT_FILE=/path/to/ca.pem."
    return "Try again; the network or the index failed for a moment."


def _compile(
    arguments: Sequence[str],
    folder: Path,
    cache_dir: Path,
    environ: Mapping[str, str],
    *,
    may_build: bool,
    log: Log | None,
) -> UvDone:
    uv = partial(run_uv, cache_dir=cache_dir, environ=environ, folder=folder, log=log)
    done = uv([*arguments, "--no-build"])
    wants_build = re.search(r"wheel|--no-build|source dist|[Bb]uild", done.said)
    if done.code == 0 or not may_build or not wants_build:
        return done
    return uv(arguments)


def _options(options: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split pip's options into lines of a requirements file and arguments of uv."""
    lines, flags = [], []
    for option in options:
        name, _, value = option.replace("=", " ", 1).strip().partition(" ")
        if name == "--pre":
            flags += ["--prerelease", "allow"]
        elif name == "--trusted-host":
            flags += ["--allow-insecure-host", value.strip()]
        elif name in _TAKEN:
            lines.append(f"{name} {value.strip()}".strip())
        elif name != "--prefer-binary":
            raise BadPipOption(option)
    return lines, flags


def _target(platform: str, requirements: Mapping[str, str]) -> str:
    try:
        target = _TARGETS[platform]
    except KeyError:
        raise PipResolutionFailed(
            platform,
            "  PyPI has no wheels for this platform",
            hint=f"pip packages can be locked for {', '.join(sorted(_TARGETS))}.",
        ) from None
    if not target.endswith("manylinux"):
        return target
    digits = re.findall(r"\d+", requirements.get("glibc", _DEFAULT_GLIBC))
    glibc = tuple(int(number) for number in digits[:2])
    known = max((version for version in _GLIBCS if version <= glibc), default=_GLIBCS[0])
    return f"{target}_{known[0]}_{known[1]}"


def _for_macos(environ: Mapping[str, str], requirements: Mapping[str, str]) -> dict[str, str]:
    """Tell uv the oldest macOS to choose wheels for; it takes that from a variable only."""
    variable = "MACOSX_DEPLOYMENT_TARGET"
    told = {variable: requirements["osx"]} if "osx" in requirements else {}
    return {key: value for key, value in environ.items() if key != variable} | told


def _resolution_failed(
    done: UvDone, platform: str, conda: Sequence[tuple[str, str]]
) -> PipResolutionFailed:
    explanation, hint = tidy(done.said)
    named = [
        (name, version)
        for name, version in conda
        if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", explanation)
    ]
    if named:
        hint = hint or "Ask for another version of one of them, or for both from one side."
    elif "building from source is disabled" in (hint or "") or "no usable wheels" in explanation:
        hint = f"There are source distributions only; lock on a {platform} machine to build them."
    return PipResolutionFailed(platform, explanation, conda=named, hint=hint)


def _chosen(pylock: Mapping[str, Any], folder: Path) -> Iterator[PypiPackage]:
    """Read uv's answer (PEP 751); the stubs of conda packages are left out."""
    for package in pylock.get("packages", ()):
        archive = package.get("archive", {})
        if f"/{_STUBS}/" in archive.get("path", archive.get("url", "")):
            continue
        file = _best_file(package) or archive
        url = _url(file, folder)
        if vcs := package.get("vcs"):
            url = _git_url(vcs)
        elif "directory" in package:
            url = str(package["directory"]["path"])
        yield PypiPackage(
            name=normal_pypi_name(package["name"]),
            version=package.get("version", "0"),
            url=url,
            sha256=file.get("hashes", {}).get("sha256"),
            size=file.get("size"),
            filename="" if vcs else unquote(urlsplit(url).path.rpartition("/")[2]),
        )


def _best_file(package: Mapping[str, Any]) -> Mapping[str, Any]:
    """Choose one file: uv names every wheel that would do, in the order of the index."""
    wheels = {_file_name(wheel): wheel for wheel in package.get("wheels", ())}
    chosen: Mapping[str, Any] = wheels[best_wheel(wheels)] if wheels else package.get("sdist", {})
    return chosen


def _file_name(file: Mapping[str, Any]) -> str:
    where = str(file.get("path") or urlsplit(str(file.get("url", ""))).path)
    return str(file.get("name") or unquote(where.rpartition("/")[2]))


def _url(file: Mapping[str, Any], folder: Path) -> str:
    if "path" in file:
        return (folder / str(file["path"])).resolve().as_uri()
    return without_credentials(str(file.get("url", ""))).partition("#")[0]


def _git_url(vcs: Mapping[str, Any]) -> str:
    asked = {"rev": vcs.get("requested-revision"), "subdirectory": vcs.get("subdirectory")}
    query = "&".join(f"{key}={value}" for key, value in asked.items() if value)
    url = without_credentials(str(vcs["url"]))
    commit: str = vcs["commit-id"]
    return f"git+{url}{'?' if query else ''}{query}#{commit}"


def _refuse_unlockable(packages: Sequence[PypiPackage], platform: str) -> None:
    for package in packages:
        if package.sha256 is None and not package.is_git:
            raise PipResolutionFailed(
                platform,
                f"  {package.name} is at {package.url}, which has no SHA-256 to lock",
                hint="Use a published file, or a git repository at a commit.",
            )


def install_pypi(
    packages: Sequence[PypiPackage],
    *,
    python: Path,
    cache_dir: Path,
    environ: Mapping[str, str],
    link_mode: str | None = None,
    compile_bytecode: bool = False,
    log: Log | None = None,
) -> None:
    """Install exactly these files beside whatever the environment of `python` has.

    Each file is verified against its SHA-256 and linked from the cache (`link_mode`: clone,
    hardlink, symlink or copy; None lets uv choose what the disk can do). The network is not used
    for files that the cache has. Nothing else is installed, changed or removed.

    Raises PlaceRefused, and PipInstallFailed with uv's explanation.
    """
    if not packages:
        return
    check_reach((package.url for package in packages), environ)
    with tempfile.TemporaryDirectory(prefix="condarium-") as name:
        folder = Path(name)
        (folder / "pylock.toml").write_text(_pylock(packages), encoding="utf-8")
        arguments = [
            *("pip", "install", "--requirements", "pylock.toml", "--python", str(python)),
            *("--preview-features", "pylock", "--break-system-packages", "--no-deps"),
            *("--compile-bytecode" if compile_bytecode else "--no-compile-bytecode",),
            *(("--no-build",) if all(package.is_wheel for package in packages) else ()),
            *(("--link-mode", link_mode) if link_mode else ()),
        ]
        done = run_uv(arguments, cache_dir=cache_dir, environ=environ, folder=folder, log=log)
    if done.code:
        explanation, hint = tidy(done.said)
        if "ash mismatch" in explanation:
            hint = "The file is not the one that was locked: its index may have been tampered with."
        raise PipInstallFailed(explanation, hint=hint)


def _pylock(packages: Sequence[PypiPackage]) -> str:
    """Write what uv installs from (PEP 751); a JSON string is a TOML string too."""
    entries = [
        "\n".join(
            [
                "[[packages]]",
                f"name = {json.dumps(package.name)}",
                f"version = {json.dumps(package.version)}",
                _source(package),
            ]
        )
        for package in packages
    ]
    head = 'lock-version = "1.0"\ncreated-by = "condarium"\n'
    return head + "\n".join(entries) + "\n"


def _source(package: PypiPackage) -> str:
    if package.is_git:
        return _git_source(package.url)
    url, digest = json.dumps(package.url), json.dumps(package.sha256)
    file = f"{{ url = {url}, hashes = {{ sha256 = {digest} }} }}"
    if package.is_wheel:
        return f"wheels = [{file}]"
    return f"sdist = {file}" if _is_sdist(package) else f"archive = {file}"


def _git_source(url: str) -> str:
    bare, _, commit = url.removeprefix("git+").partition("#")
    repository, _, query = bare.partition("?")
    fields = {"type": "git", "url": repository, "commit-id": commit}
    if subdirectory := parse_qs(query).get("subdirectory"):
        fields["subdirectory"] = subdirectory[0]
    return "vcs = { " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in fields.items()) + " }"


def _is_sdist(package: PypiPackage) -> bool:
    try:
        name, _ = parse_sdist_filename(package.filename)
    except InvalidSdistFilename:
        return False
    return name == package.name
