"""Questions about the records of channels: read by name, never all of them at once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from rattler import Channel, Gateway, MatchSpec, PackageRecord, RepoDataRecord, Subdir
from rattler.exceptions import InvalidVersionError
from rattler.package.build_string import BuildString

from condarium.engine.event_loop import run
from condarium.engine.lockfiles.document import platform_packages
from condarium.engine.network.clients import make_client, make_gateway
from condarium.engine.network.errors import translated_network_errors
from condarium.engine.solving.matchspec import matchspec_problem
from condarium.engine.solving.solver import RattlerSolver, SolveRequest
from condarium.engine.solving.virtual_packages import virtual_packages
from condarium.model.answers import FoundPackage, Need
from condarium.model.channels import ChannelUrl
from condarium.model.condarc import Condarc
from condarium.model.lock import LockedPackage, without_credentials

# Stands for `*` in a name where a text is checked as the MatchSpec of one package.
_ANYTHING = "any-thing"


def search_problem(text: str, *, glob: bool = True) -> str | None:
    """Say what is wrong with a MatchSpec whose name may have `*` in it; None where nothing is.

    The channel that it may name is not looked at: whoever finds that channel does.

    >>> search_problem("numpy* >=2") is None
    True
    """
    channel, _, rest = text.rpartition("::")
    spec = rest if channel else text
    if not glob:
        return matchspec_problem(spec)
    name = re.match(r"\s*[^\s=<>!~\[]*", spec)
    end = name.end() if name else 0
    problem = matchspec_problem(spec[:end].replace("*", _ANYTHING) + spec[end:])
    return problem.replace(_ANYTHING, "*") if problem else None


class Repository:
    """What some channels have for a platform, and for every platform (noarch)."""

    def __init__(
        self, gateway: Gateway, channels: Sequence[ChannelUrl], platform: str, *, strict: bool
    ) -> None:
        self._gateway, self._strict = gateway, strict
        self.channels, self.platform = tuple(channels), platform

    @classmethod
    def open(
        cls,
        channels: Sequence[ChannelUrl],
        platform: str,
        *,
        condarc: Condarc,
        cache_dir: Path,
        environ: Mapping[str, str] | None = None,
        refresh: bool = False,
    ) -> "Repository":
        """Read through a cache in `cache_dir`; `refresh` asks for every index anew."""
        gateway = make_gateway(
            make_client(condarc, channels, environ=environ),
            cache_dir,
            refresh=refresh and not condarc.offline,
            offline=condarc.offline,
        )
        return cls(gateway, channels, platform, strict=condarc.strict)

    def search(self, spec: str) -> tuple[FoundPackage, ...]:
        """Every record that a MatchSpec fits, by name and the newest first; `*` may be in its name.

        Raises ChannelUnreachable, NoSuchChannel and the like.
        """
        found = self._matching(MatchSpec(spec, exact_names_only=False))
        return tuple(_found(record) for record in _newest_first(found))

    def newest(self, spec: str) -> FoundPackage | None:
        """The newest record that fits, of the first channel that has the package at all.

        Without strict priority, the newest of all channels.
        """
        record = self._newest(spec)
        return _found(record) if record else None

    def who_needs(self, name: str) -> tuple[Need, ...]:
        """Those that depend on a package of this name, or on a virtual package, by name."""
        return self._dependents(name, name)

    def who_accepts(self, spec: str) -> tuple[Need, ...]:
        """Those that depend on a package, and whose words the newest that fits `spec` meets."""
        record = self._newest(spec)
        return self._dependents(record, record.name.normalized) if record else ()

    def names(self) -> tuple[str, ...]:
        """The names of all packages."""
        with translated_network_errors(self.channels):
            found = run(self._gateway.names(self._sources(), self._subdirs()))
        return tuple(sorted(name.normalized for name in found))

    def installing(self, spec: str, *, environ: Mapping[str, str]) -> tuple[LockedPackage, ...]:
        """Solve: all packages that would be installed with the one that is asked for.

        Raises Unsolvable, and what channels raise.
        """
        request = SolveRequest(
            platform=self.platform,
            specs=(spec,),
            channels=tuple(channel.url for channel in self.channels),
            virtual_packages=tuple(virtual_packages(self.platform, environ=environ)),
            strict_priority=self._strict,
        )
        (records,) = RattlerSolver(self._gateway).solve([request])
        return platform_packages(self.platform, records, ()).locked

    def _matching(self, spec: MatchSpec) -> list[RepoDataRecord]:
        """The records that fit, in no order."""
        return [record for group in self._query(spec) for record in group if _matches(spec, record)]

    def _newest(self, text: str) -> RepoDataRecord | None:
        spec = MatchSpec(text)
        groups = [group for group in self._query(spec, by_name=True) if group]
        if self._strict:
            groups = groups[:1]
        fitting = (record for group in groups for record in group if _matches(spec, record))
        return max(fitting, default=None)

    def _query(self, spec: MatchSpec, *, by_name: bool = False) -> list[list[RepoDataRecord]]:
        """Records by channel, in the order of priority; the gateway looks at name and version."""
        asked = MatchSpec(spec.name.normalized) if by_name else spec
        with translated_network_errors(self.channels):
            return run(
                self._gateway.query(self._sources(spec), self._subdirs(), [asked], recursive=False)
            )

    def _dependents(self, target: str | RepoDataRecord, name: str) -> tuple[Need, ...]:
        with translated_network_errors(self.channels):
            found = run(self._gateway.who_needs(self._sources(), self._subdirs(), target))
        newest: dict[str, RepoDataRecord] = {}
        specs: dict[str, list[str]] = {}
        builds: dict[str, set[str]] = {}
        for each in found:
            if each.kind != "depends":
                continue
            record, spec = each.record, each.dependency
            dependent = record.name.normalized
            builds.setdefault(dependent, set()).add(record.url)
            before = newest.get(dependent)
            if before is None or record > before:
                newest[dependent], specs[dependent] = record, [spec]
            elif record == before and spec not in specs[dependent]:
                specs[dependent].append(spec)
        return tuple(
            Need(
                dependent=dependent,
                dependent_version=str(newest[dependent].version),
                package=name,
                package_version=None if isinstance(target, str) else str(target.version),
                specs=tuple(specs[dependent]),
                builds=len(builds[dependent]),
            )
            for dependent in sorted(newest)
        )

    def _sources(self, spec: MatchSpec | None = None) -> list[Channel]:
        """The channels, or the one that the MatchSpec names: the gateway would ask all."""
        named = spec.channel.base_url.rstrip("/") if spec and spec.channel else None
        chosen = [each for each in self.channels if named in (None, each.url)]
        return [Channel(each.url) for each in chosen]

    def _subdirs(self) -> list[Subdir]:
        return [Subdir(self.platform), Subdir("noarch")]


def fitting(spec: str, packages: Iterable[LockedPackage]) -> tuple[LockedPackage, ...]:
    """The locked packages that a MatchSpec fits; the channel that it names does not count.

    A pip package whose version conda cannot read fits by its name alone.
    """
    wanted = MatchSpec(re.sub(r"^.*::", "", spec), exact_names_only=False)
    return tuple(package for package in packages if _fits(wanted, package))


def _fits(wanted: MatchSpec, package: LockedPackage) -> bool:
    try:
        record = PackageRecord(
            name=package.name,
            version=package.version,
            build=BuildString.new_unchecked(package.build),
            build_number=0,
            subdir=Subdir(package.subdir or "noarch"),
        )
    except InvalidVersionError:
        return fnmatchcase(package.name, wanted.name.normalized)
    return wanted.matches(record)


def _matches(spec: MatchSpec, record: RepoDataRecord) -> bool:
    """Whether a record fits; rattler leaves the platform that a MatchSpec names to its caller."""
    return spec.matches(record) and spec.subdir in (None, record.subdir)


def _newest_first(records: Iterable[RepoDataRecord]) -> list[RepoDataRecord]:
    return sorted(sorted(records, reverse=True), key=lambda record: record.name.normalized)


def _found(record: RepoDataRecord) -> FoundPackage:
    return FoundPackage(
        name=record.name.normalized,
        version=str(record.version),
        build=str(record.build),
        subdir=record.subdir,
        channel=without_credentials(record.channel or "").rstrip("/"),
        url=without_credentials(record.url),
        size=record.size,
        sha256=record.sha256.hex() if record.sha256 else None,
        license=record.license,
        timestamp=record.timestamp,
        depends=tuple(record.depends),
        constrains=tuple(record.constrains),
    )
