"""A lock that was read, as the installer and the reports want it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from rattler import RepoDataRecord

from condarium.errors import BadLock, PlatformNotLocked
from condarium.model.lock import Lock, LockedPackage, PypiPackage, without_credentials


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

    def locked(self, platform: str) -> tuple[LockedPackage, ...]:
        """Give all packages for a platform. Raises PlatformNotLocked."""
        return self._platform(platform).locked

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


def platform_packages(
    subdir: str,
    records: Sequence[RepoDataRecord],
    pypi: Sequence[PypiPackage],
    sources: Sequence[LockedPackage] = (),
) -> PlatformPackages:
    """Put together what a lock has for a platform, sorted by name."""
    locked = [*sources]
    locked += [_locked_conda(record) for record in records]
    locked += [_locked_pypi(package) for package in pypi]
    return PlatformPackages(
        subdir=subdir,
        locked=tuple(sorted(locked, key=lambda p: (p.name, p.kind, p.url))),
        records=tuple(sorted(records, key=lambda record: record.name.normalized)),
        pypi=tuple(sorted(pypi, key=lambda package: package.name)),
    )


def checked(document: LockDocument) -> LockDocument:
    """Refuse a lock that has a package twice, and warn of hashes that are weak."""
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
    return replace(document, warnings=(*document.warnings, warning))


def _is_installable(package: PypiPackage) -> bool:
    if package.is_git:
        return "#" in package.url
    return package.sha256 is not None and "://" in package.url


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
