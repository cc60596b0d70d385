"""Answers to questions about packages: in channels, or in what is installed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from condarium.engine.network.condarc import read_condarc
from condarium.engine.solving.repository import Repository, fitting, search_problem
from condarium.engine.solving.virtual_packages import host_platform
from condarium.environments.installed import Installed, installed_in
from condarium.errors import BadArguments, BadInput, NotFound
from condarium.model.answers import (
    Dependencies,
    Dependents,
    Found,
    FoundPackage,
    Need,
    grouped,
    grouping,
)
from condarium.model.channels import pinned_to_channels, resolve_channels
from condarium.model.dependency_graph import Edge
from condarium.model.lock import LockedPackage
from condarium.model.lock_graph import lock_graph, spec_name
from condarium.model.names import EnvironmentName
from condarium.model.similar import nearest
from condarium.model.subdirs import parse_subdir
from condarium.storage.store import Store


class BadPackageSpec(BadInput):
    """The text does not say which package is meant."""

    def __init__(self, found: str, problem: str) -> None:
        self.found = found
        super().__init__(f"found {found!r}; expected a package, such as numpy", hint=problem)


class NoChannelsToAsk(BadInput):
    """Nobody says which channels to look into."""

    def __init__(self) -> None:
        super().__init__(
            "no channel was named, and no .condarc names one",
            hint="Name one with -c, such as -c conda-forge, or an environment with -n.",
        )


class NothingFits(NotFound):
    """No package fits what was asked for."""

    def __init__(self, spec: str, source: str, *, near: Sequence[str] = (), has: str = "") -> None:
        self.spec, self.source, self.near = spec, source, tuple(near)
        hint = f"Did you mean {' or '.join(near)}?" if near else "Check the spelling."
        super().__init__(f"nothing in {source} fits {spec!r}", hint=has or hint)


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where to look: in an environment, or else in channels, by default those of the .condarc."""

    environment: EnvironmentName | None = None
    channels: tuple[str, ...] = ()
    platform: str | None = None
    refresh: bool = False


def search(store: Store, spec: str, where: Where, *, limit: int | None) -> Found:
    """Raises NothingFits, with what there is of a similar name."""
    _check_limit(limit)
    _check(spec, glob=True)
    if where.environment:
        place = _installed(store, where)
        source, platform = place.source, place.platform
        packages = _of_locked(_fitting(place, spec))
    else:
        repository, text = _repository(store, spec, where)
        source, platform = _named(repository), repository.platform
        packages = repository.search(text)
        if not packages:
            _refuse(repository, text, spec)
    groups = grouped(packages, grouping(packages))
    shown = groups if limit is None else groups[:limit]
    return Found(
        spec=spec,
        source=source,
        platform=platform,
        packages=tuple(package for group in shown for package in group),
        limit=limit,
        omitted=len(groups) - len(shown),
    )


def depends(store: Store, spec: str, where: Where, *, tree: bool) -> Dependencies:
    """Raises NothingFits; over channels, a tree is what a solve gives: it raises Unsolvable."""
    _check(spec)
    if where.environment:
        return _depends_installed(_installed(store, where), spec, tree=tree)
    repository, text = _repository(store, spec, where)
    package = repository.newest(text)
    if package is None:
        _refuse(repository, text, spec)
    answer = Dependencies(
        package=package,
        source=_named(repository),
        platform=repository.platform,
        needs=_needs_of(package),
        tree=tree,
    )
    if not tree:
        return answer
    exact = f"{package.channel}::{package.name} =={package.version} {package.build}"
    packages = repository.installing(exact, environ=store.settings.environ)
    graph = lock_graph(packages, platform=repository.platform)
    versions = {each.name: each.version for each in packages}
    needs = tuple(_need(edge, versions) for edge in graph.below(package.name))
    return replace(answer, needs=needs)


def dependents(
    store: Store, spec: str, where: Where, *, tree: bool, limit: int | None
) -> Dependents:
    """Raises NothingFits where there is no such package; an answer may well be empty."""
    _check(spec)
    _check_limit(limit)
    if where.environment:
        answer = _dependents_installed(_installed(store, where), spec, tree=tree)
    elif tree:
        raise BadArguments(
            "whoneeds --tree is for an environment: in a channel it would never end",
            hint="Name the environment with -n.",
        )
    else:
        answer = _dependents_in_channels(store, spec, where)
    shown = answer.needs if limit is None else answer.needs[:limit]
    return replace(answer, needs=shown, limit=limit, omitted=len(answer.needs) - len(shown))


def _depends_installed(place: Installed, spec: str, *, tree: bool) -> Dependencies:
    locked = _fitting(place, spec)[0]
    node = next(name for name, package in place.by_node.items() if package is locked)
    edges = place.graph.below(node) if tree else place.graph.needs(node)
    return Dependencies(
        package=_of_locked((locked,))[0],
        source=place.source,
        platform=place.platform,
        needs=tuple(_need(edge, place.versions) for edge in edges),
        tree=tree,
    )


def _dependents_installed(place: Installed, spec: str, *, tree: bool) -> Dependents:
    node = place.node(spec_name(spec))
    if not node.startswith("__"):
        _fitting(place, spec)
    edges = place.graph.above(node) if tree else place.graph.needed_by(node)
    return Dependents(
        package=node,
        version=place.versions.get(node),
        source=place.source,
        platform=place.platform,
        needs=tuple(_need(edge, place.versions) for edge in edges),
        tree=tree,
    )


def _dependents_in_channels(store: Store, spec: str, where: Where) -> Dependents:
    repository, text = _repository(store, spec, where)
    name = spec_name(spec)
    version = None
    if re.fullmatch(r"[\w.\-]+", spec):
        needs = repository.who_needs(name)
    else:
        newest = repository.newest(text)
        version = newest.version if newest else None
        needs = repository.who_accepts(text)
    if not needs and not name.startswith("__") and repository.newest(text) is None:
        _refuse(repository, text, spec)
    return Dependents(
        package=name,
        version=version,
        source=_named(repository),
        platform=repository.platform,
        needs=needs,
        tree=False,
    )


def _installed(store: Store, where: Where) -> Installed:
    if where.channels:
        raise BadArguments("look into channels or into an environment: give -c or -n")
    assert where.environment is not None
    store.check_there()
    return installed_in(store, where.environment, platform=where.platform)


def _repository(store: Store, spec: str, where: Where) -> tuple[Repository, str]:
    """The channels to ask, and the MatchSpec with the URL of the channel that it may name."""
    settings = store.settings
    condarc = read_condarc(settings.environ, settings.home)
    here, home = Path.cwd(), settings.home
    named = where.channels or condarc.channels
    channels = resolve_channels(named, condarc, relative_to=here, home=home)
    (text,), channels = pinned_to_channels([spec], channels, condarc, relative_to=here, home=home)
    if not channels:
        raise NoChannelsToAsk
    repository = Repository.open(
        channels,
        parse_subdir(where.platform) if where.platform else host_platform(),
        condarc=condarc,
        cache_dir=store.layout.repodata,
        environ=settings.environ,
        refresh=where.refresh,
    )
    return repository, text


def _named(repository: Repository) -> str:
    return ", ".join(channel.url for channel in repository.channels)


def _fitting(place: Installed, spec: str) -> tuple[LockedPackage, ...]:
    found = fitting(spec, place.packages)
    if found:
        return found
    name = spec_name(spec)
    if "*" not in name:
        node = place.node(name)  # raises where there is none
        has = f"{place.source} has {node} {place.versions.get(node) or ''}".rstrip() + "."
        raise NothingFits(spec, place.source, has=has)
    raise NothingFits(spec, place.source, near=nearest(name.strip("*"), place.by_node))


def _refuse(repository: Repository, text: str, spec: str) -> NoReturn:
    """Say what there is instead. Raises NothingFits."""
    name = spec_name(text)
    source = f"{_named(repository)} for {repository.platform}"
    if hidden := repository.search(text):
        channel = hidden[0].channel
        has = f"{name} is in {channel}, and a channel before that hides it: ask with -c {channel}."
        raise NothingFits(spec, source, has=has)
    if of_name := repository.search(name):
        versions = list(dict.fromkeys(package.version for package in of_name))
        more = f" and {len(versions) - 5} older ones" if len(versions) > 5 else ""
        has = f"There is {of_name[0].name} {', '.join(versions[:5])}{more}."
        raise NothingFits(spec, source, has=has)
    raise NothingFits(spec, source, near=nearest(name.strip("*"), repository.names()))


def _check(spec: str, *, glob: bool = False) -> None:
    if problem := search_problem(spec, glob=glob):
        raise BadPackageSpec(spec, problem)


def _check_limit(limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise BadArguments(f"--limit: found {limit}; expected 1 or more")


def _of_locked(packages: Sequence[LockedPackage]) -> tuple[FoundPackage, ...]:
    return tuple(
        FoundPackage(
            kind=package.kind,
            name=package.name,
            version=package.version,
            build=package.build,
            subdir=package.subdir,
            channel=package.channel.rstrip("/"),
            url=package.url,
            size=package.size,
            sha256=package.sha256,
            depends=package.depends,
        )
        for package in packages
    )


def _needs_of(package: FoundPackage) -> tuple[Need, ...]:
    return tuple(
        Need(
            dependent=package.name,
            dependent_version=package.version,
            package=spec_name(spec),
            package_version=None,
            specs=(spec,),
        )
        for spec in package.depends
    )


def _need(edge: Edge, versions: Mapping[str, str]) -> Need:
    return Need(
        dependent=edge.dependent,
        dependent_version=versions.get(edge.dependent),
        package=edge.package,
        package_version=versions.get(edge.package),
        specs=edge.specs,
    )
