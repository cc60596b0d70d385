"""The lock file: rattler's `pixi.lock` format, written and read back.

rattler decides what the bytes look like; what its Python face cannot write (the hashes and the
metadata of PyPI packages) is added to what it wrote, and rattler writes the whole again.
"""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from rattler import LockChannel, LockFile, LockPlatform, RepoDataRecord
from rattler.exceptions import ConversionError, ParseCondaLockError

from condarium.engine.lock_formats import check_text, read_explicit
from condarium.errors import BadLock, PlatformNotLocked
from condarium.model.lock import Lock, LockedPackage, PypiPackage, without_credentials

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


@dataclass(frozen=True, kw_only=True)
class LockDocument:
    """A lock that was read: one environment of it, ready to be shown, compared or installed.

    `warnings` are sentences about what this lock cannot promise.
    """

    source: str
    environment: str
    environments: tuple[str, ...]
    channels: tuple[str, ...]
    format: str
    warnings: tuple[str, ...] = ()
    packages: Mapping[str, "PlatformPackages"] = field(repr=False)

    @property
    def platforms(self) -> tuple[str, ...]:
        return tuple(self.packages)

    def records(self, platform: str) -> list[RepoDataRecord]:
        """Give the conda packages as the installer takes them.

        Raises PlatformNotLocked, and BadLock where one has no hash or must first be built.
        """
        found = self._platform(platform)
        for package in found.locked:
            if package.kind == "conda":
                self._check_conda(package)
        return list(found.records)

    def pypi(self, platform: str) -> list[PypiPackage]:
        """Give the PyPI packages; raises PlatformNotLocked, and BadLock where one has no hash."""
        packages = self._platform(platform).pypi
        for package in packages:
            if not _is_installable(package):
                raise BadLock(
                    self.source,
                    f"the pip package {package.name} ({package.url}) cannot be verified",
                    hint="Only files whose hash is locked can be installed; "
                    "a folder beside the lock cannot.",
                )
        return list(packages)

    @cached_property
    def lock(self) -> Lock:
        return Lock(
            channels=self.channels,
            packages={name: found.locked for name, found in self.packages.items()},
        )

    def _platform(self, platform: str) -> "PlatformPackages":
        if platform in self.packages:
            return self.packages[platform]
        # pixi may call a platform anything (p1, p2) and say elsewhere which subdir it is.
        same = [found for found in self.packages.values() if found.subdir == platform]
        if len(same) != 1:
            raise PlatformNotLocked(self.source, platform, self.platforms)
        return same[0]

    def _check_conda(self, package: LockedPackage) -> None:
        if not package.url.endswith((".conda", ".tar.bz2")):
            raise BadLock(
                self.source,
                f"{package.name} ({package.url}) is a source package, not a built one",
                hint="Build it into a channel, and lock against that channel.",
            )
        if package.sha256 is None and package.md5 is None:
            raise BadLock(
                self.source,
                f"{package.name} ({package.url}) is locked without a hash",
                hint="What is downloaded could not be verified; lock again.",
            )


@dataclass(frozen=True, kw_only=True)
class PlatformPackages:
    """What a lock has for one platform."""

    subdir: str
    locked: tuple[LockedPackage, ...]
    records: tuple[RepoDataRecord, ...]
    pypi: tuple[PypiPackage, ...]


def read_lock(data: bytes, *, source: str, environment: str = ENVIRONMENT) -> LockDocument:
    """Read a pixi.lock of any version that rattler knows, a conda-lock.yml or an explicit list.

    `source` is what messages call it. A lock with several environments is read for one of them; a
    lock with a single one, whatever its name, for that. Raises BadLock.
    """
    text, kind = check_text(data, source)
    if kind == "explicit":
        subdir, channels, records = read_explicit(text, source)
        packages = {subdir: _explicit_packages(subdir, records)}
        return _checked(
            LockDocument(
                source=source,
                environment=environment,
                environments=(environment,),
                channels=channels,
                format=kind,
                packages=packages,
            )
        )
    lock = _parse(text, source)
    environments = dict(lock.environments())
    if environment not in environments and len(environments) == 1:
        (environment,) = environments
    if environment not in environments:
        raise BadLock(
            source,
            f"has no environment {environment!r}, only {', '.join(sorted(environments))}",
            hint="Name one of them.",
        )
    chosen = environments[environment]
    return _checked(
        LockDocument(
            source=source,
            environment=environment,
            environments=tuple(sorted(environments)),
            channels=tuple(str(channel) for channel in chosen.channels()),
            format=kind,
            packages={
                platform.name: _platform_packages(chosen, platform, source)
                for platform in sorted(chosen.platforms(), key=lambda platform: platform.name)
            },
        )
    )


def _is_installable(package: PypiPackage) -> bool:
    if package.is_git:
        return "#" in package.url
    return package.sha256 is not None and "://" in package.url


def _checked(document: LockDocument) -> LockDocument:
    for platform, found in document.packages.items():
        seen: dict[tuple[str, str], str] = {}
        for package in found.locked:
            other = seen.setdefault((package.kind, package.name), package.url)
            if other != package.url:
                raise BadLock(
                    document.source,
                    f"{package.name} is locked twice for {platform}: {other} and {package.url}",
                    hint="Keep one of them, or lock again.",
                )
    weak = sum(
        package.kind == "conda" and package.sha256 is None and package.md5 is not None
        for found in document.packages.values()
        for package in found.locked
    )
    if not weak:
        return document
    warning = f"{document.source}: {weak} packages are locked with MD5 only, which can be forged"
    return replace(document, warnings=(warning,))


def _parse(text: str, source: str) -> LockFile:
    try:
        return _from_text(text)
    except ParseCondaLockError as error:
        said = str(error)
        where = re.search(r"\bat line (\d+)", said)
        hint = "Restore the file from where it came, or lock again."
        if newer := re.search(r"format version (\d+).*version (\d+)", said):
            said = f"is a lock of format {newer[1]}; this condarium reads up to {newer[2]}"
            hint = "Use a newer condarium, or lock again with this one."
        raise BadLock(source, said, line=int(where[1]) if where else None, hint=hint) from error


def _platform_packages(environment: Any, platform: LockPlatform, source: str) -> PlatformPackages:
    packages = environment.packages(platform) or []
    records, pypi, locked = [], [], []
    for package in packages:
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
            locked.append(_source_package(package))
    locked += [_locked_conda(record) for record in records]
    locked += [_locked_pypi(package) for package in pypi]
    return PlatformPackages(
        subdir=str(platform.subdir),
        locked=_sorted(locked),
        records=tuple(sorted(records, key=lambda record: record.name.normalized)),
        pypi=tuple(sorted(pypi, key=lambda package: package.name)),
    )


def _explicit_packages(subdir: str, records: Sequence[RepoDataRecord]) -> PlatformPackages:
    return PlatformPackages(
        subdir=subdir,
        locked=_sorted([_locked_conda(record) for record in records]),
        records=tuple(records),
        pypi=(),
    )


def _sorted(locked: Sequence[LockedPackage]) -> tuple[LockedPackage, ...]:
    return tuple(sorted(locked, key=lambda package: (package.name, package.kind, package.url)))


def _locked_conda(record: RepoDataRecord) -> LockedPackage:
    return LockedPackage(
        kind="conda",
        name=record.name.normalized,
        version=str(record.version),
        build=str(record.build),
        subdir=record.subdir,
        channel=without_credentials(record.channel or ""),
        url=without_credentials(record.url),
        sha256=record.sha256.hex() if record.sha256 else None,
        md5=record.md5.hex() if record.md5 else None,
        size=record.size,
        depends=tuple(record.depends),
    )


def _source_package(package: Any) -> LockedPackage:
    version = package.version
    return LockedPackage(
        kind="conda",
        name=package.name,
        version=str(version) if version else "",
        url=package.location,
    )


def _locked_pypi(package: PypiPackage) -> LockedPackage:
    return LockedPackage(
        kind="pypi",
        name=package.name,
        version=package.version,
        url=without_credentials(package.url),
        sha256=package.sha256,
        size=package.size,
        depends=package.requires_dist,
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
