"""The lock file: rattler's `pixi.lock` format, written and read back.

rattler decides what the bytes look like; what its Python face cannot write (the hashes and the
metadata of PyPI packages) is added to what it wrote, and rattler writes the whole again.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rattler import Environment, LockChannel, LockFile, LockPlatform, RepoDataRecord
from rattler.exceptions import ConversionError, ParseCondaLockError

from condarium.engine.lockfiles.conda_lock import read_conda_lock
from condarium.engine.lockfiles.document import (
    LockDocument,
    PlatformPackages,
    checked,
    platform_packages,
)
from condarium.engine.lockfiles.formats import check_text, read_explicit, unreadable
from condarium.errors import BadLock
from condarium.model.lock import LockedPackage, PypiPackage, without_credentials

ENVIRONMENT = "default"


def write_lock(
    *,
    channels: Sequence[str],
    conda: Mapping[str, Sequence[RepoDataRecord]],
    pypi: Mapping[str, Sequence[PypiPackage]],
    virtual_packages: Mapping[str, Sequence[str]] | None = None,
) -> bytes:
    """Write one environment, `default`, for the platforms of `conda`.

    Equal input gives equal bytes, in whatever order the packages come; the order of `channels` is
    their priority and stays. Credentials never reach the lock.
    """
    virtual = virtual_packages or {}
    platforms = {
        name: LockPlatform(name, virtual_packages=sorted(virtual.get(name, ())))
        for name in sorted({*conda, *pypi})
    }
    lock = LockFile(list(platforms.values()))
    lock.set_channels(ENVIRONMENT, [LockChannel(without_credentials(url)) for url in channels])
    for name, platform in platforms.items():
        for record in sorted(conda.get(name, ()), key=lambda record: record.url):
            lock.add_conda_package(ENVIRONMENT, platform, record)
        for package in sorted(pypi.get(name, ()), key=lambda package: package.url):
            url = without_credentials(package.url)
            lock.add_pypi_package(ENVIRONMENT, platform, package.name, package.version, url)
    text = _to_text(lock)
    added = _with_metadata(text, [p for packages in pypi.values() for p in packages])
    added = _without_secrets(added, [r for records in conda.values() for r in records])
    return (text if added == text else _to_text(_from_text(added))).encode()


def read_lock(data: bytes, *, source: str, environment: str | None = None) -> LockDocument:
    """Read a pixi.lock of any version that rattler knows, a conda-lock.yml or an explicit list.

    `source` is what messages call it. A lock with several environments is read for the one that
    is named, or for `default`; a lock with a single one, whatever its name, for that unless another
    is named. Raises BadLock.
    """
    text, kind = check_text(data, source)
    if kind != "pixi" and environment not in (None, ENVIRONMENT):
        raise _no_environment(source, str(environment), [ENVIRONMENT])
    if kind == "explicit":
        subdir, channels, records = read_explicit(text, source)
        return _single(source, kind, channels, {subdir: platform_packages(subdir, records, ())})
    if kind == "conda-lock":
        found = read_conda_lock(text, source)
        return _single(
            source,
            kind,
            found.channels,
            {
                name: platform_packages(name, found.conda[name], found.pypi.get(name, ()))
                for name in sorted(found.conda)
            },
            tuple(
                f"{source}: the packages of the category {name!r} are left out"
                for name in found.left_out
            ),
        )
    lock = _parse(text, source)
    environments = dict(lock.environments())
    if environment is None and len(environments) == 1:
        (environment,) = environments
    environment = environment or ENVIRONMENT
    if environment not in environments:
        raise _no_environment(source, environment, sorted(environments))
    chosen = environments[environment]
    return checked(
        LockDocument(
            source=source,
            environment=environment,
            environments=tuple(sorted(environments)),
            channels=tuple(str(channel) for channel in chosen.channels()),
            format=kind,
            packages={
                name: _packages_of(chosen, platform, source)
                for name, platform in sorted(_platforms(lock, chosen).items())
            },
        )
    )


def write_alone(document: LockDocument) -> bytes:
    """Write the one environment of a lock that was read, as a lock that has no other.

    Raises BadLock where a package of it has no hash or must first be built.
    """
    return write_lock(
        channels=document.channels,
        conda={name: document.records(name) for name in document.platforms},
        pypi={name: document.pypi(name) for name in document.platforms},
    )


def _no_environment(source: str, environment: str, known: Sequence[str]) -> BadLock:
    return BadLock(
        source,
        f"has no environment {environment!r}, only {', '.join(known)}",
        hint="Name one of them: --lock-environment NAME.",
    )


def _platforms(lock: LockFile, environment: Environment) -> dict[str, LockPlatform]:
    """Give the platforms of an environment; rattler leaves out those for which it is empty."""
    alone = lock.platforms() if len(lock.environments()) == 1 else []
    return {platform.name: platform for platform in (*alone, *environment.platforms())}


def _parse(text: str, source: str) -> LockFile:
    try:
        return _from_text(text)
    except ParseCondaLockError as error:
        raise unreadable(text, source, str(error)) from error


def _packages_of(environment: Environment, platform: LockPlatform, source: str) -> PlatformPackages:
    records, pypi, sources = [], [], []
    for package in environment.packages(platform) or []:
        if hasattr(package, "requires_dist"):
            pypi.append(_pypi_package(package))
        elif hasattr(package, "repo_data_record"):
            try:
                records.append(package.repo_data_record())
            except ConversionError as error:
                raise BadLock(
                    source,
                    f"the package {package.name} is at the relative path {package.location}",
                    hint="Only packages at a URL or an absolute path can be installed.",
                ) from error
        else:
            sources.append(_source_package(package))
    return platform_packages(str(platform.subdir), records, pypi, sources)


def _single(
    source: str,
    kind: str,
    channels: tuple[str, ...],
    packages: Mapping[str, PlatformPackages],
    warnings: tuple[str, ...] = (),
) -> LockDocument:
    return checked(
        LockDocument(
            source=source,
            environment=ENVIRONMENT,
            environments=(ENVIRONMENT,),
            channels=channels,
            format=kind,
            warnings=warnings,
            packages=packages,
        )
    )


def _source_package(package: Any) -> LockedPackage:
    version = package.version
    return LockedPackage(
        kind="conda",
        name=package.name,
        version=str(version) if version else "",
        url=package.location,
    )


def _pypi_package(package: Any) -> PypiPackage:
    url, _, fragment = package.location.partition("#")
    hashes = package.hashes
    # rattler's PackageHashes wraps nothing where a package has none, and fails when asked.
    digest = hashes.sha256 if hashes is not None and hashes._hashes is not None else None
    if fragment.startswith("sha256="):
        digest = digest or bytes.fromhex(fragment.removeprefix("sha256="))
    elif fragment:
        url = package.location
    if url.startswith("/"):
        url = Path(url).as_uri()  # rattler writes a file: URL as the path
    return PypiPackage(
        name=package.name,
        version=package.version or "",
        url=url,
        sha256=digest.hex() if digest else None,
        requires_dist=tuple(package.requires_dist),
        requires_python=package.requires_python,
        filename="" if url.startswith("git+") else url.partition("?")[0].rpartition("/")[2],
    )


def _with_metadata(text: str, packages: Sequence[PypiPackage]) -> str:
    """Put full entries in the place of rattler's bare ones, which are the last of the file."""
    if not packages:
        return text
    bare = text.index("\n- pypi: ", text.index("\npackages:")) + 1
    entries = {without_credentials(package.url): package for package in packages}
    return text[:bare] + "".join(_entry(url, entries[url]) for url in sorted(entries))


def _entry(url: str, package: PypiPackage) -> str:
    # A JSON string is a YAML string whatever it holds; rattler then writes it its own way.
    fields: dict[str, object] = {"pypi": url, "name": package.name, "version": package.version}
    if package.sha256:
        fields["sha256"] = package.sha256
    if package.requires_dist:
        fields["requires_dist"] = list(package.requires_dist)
    if package.requires_python:
        fields["requires_python"] = package.requires_python
    lines = [f"{key}: {json.dumps(value)}" for key, value in fields.items()]
    return "- " + "\n  ".join(lines) + "\n"


def _without_secrets(text: str, records: Sequence[RepoDataRecord]) -> str:
    secret = {
        url
        for record in records
        for url in (record.url, record.channel or "")
        if url != without_credentials(url)
    }
    for url in sorted(secret, key=lambda url: (-len(url), url)):
        text = text.replace(url, without_credentials(url))
    return text


def _from_text(text: str) -> LockFile:
    with tempfile.TemporaryDirectory(prefix="condarium-") as folder:
        path = Path(folder) / "pixi.lock"
        path.write_text(text, encoding="utf-8")
        return LockFile.from_path(path)


def _to_text(lock: LockFile) -> str:
    with tempfile.TemporaryDirectory(prefix="condarium-") as folder:
        path = Path(folder) / "pixi.lock"
        lock.to_path(path)
        return path.read_text(encoding="utf-8")
