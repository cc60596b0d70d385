"""What there is: environments, generations, and where they are.

Locks are imported where one is read: a list needs no rattler, which takes longer than the list.
"""

from dataclasses import replace

from condarium.environments.activation import require_on_disk, settle
from condarium.environments.prefixes import is_whole, recover_prefix
from condarium.errors import NoSuchBuild
from condarium.model.environment import Build, BuildStatus
from condarium.model.names import EnvironmentName, check_namespace
from condarium.model.report import (
    BuildLog,
    EnvironmentDetail,
    EnvironmentLine,
    EnvironmentPath,
    GenerationLine,
    History,
)
from condarium.storage.locks import is_held
from condarium.storage.store import Store


def list_environments(store: Store, namespace: str | None) -> tuple[EnvironmentLine, ...]:
    if namespace is not None:
        check_namespace(namespace)
    with store.database.read() as facts:
        environments = facts.environments.all(namespace)
    return tuple(
        EnvironmentLine(
            name=each.name,
            active=each.active,
            generations=each.generations,
            created_at=each.created_at,
            created_by=each.created_by,
            path=store.layout.link(each.name),
            on_disk=each.prefix is not None and is_whole(store.layout, each.prefix),
        )
        for each in environments
    )


def show(
    store: Store, name: EnvironmentName, number: int | None, *, with_lock: bool
) -> EnvironmentDetail:
    from condarium.engine.lockfiles.lockfile import read_lock

    with store.database.read() as facts:
        generation = facts.environments.generation(name, number)
        prefix = facts.prefixes.find(generation.prefix) if generation.prefix else None
    content = store.blobs.get(generation.lock)
    document = read_lock(content, source=f"the lock of {name} generation {generation.number}")
    return EnvironmentDetail(
        generation=generation,
        path=store.layout.link(name),
        prefix=store.layout.prefix(prefix.id) if prefix else None,
        on_disk=prefix is not None and is_whole(store.layout, prefix.id),
        link=prefix.link if prefix else None,
        spec=store.blobs.get(generation.spec).decode(errors="replace") if generation.spec else None,
        channels=document.lock.channels,
        packages=document.lock.packages,
        content=content.decode() if with_lock else None,
    )


def history(store: Store, name: EnvironmentName) -> History:
    with store.database.read() as facts:
        generations = facts.environments.generations(name)
        changes = facts.environments.changes(name)
        activations = facts.environments.activations(name)
        builds = facts.builds.of(name)
    return History(
        environment=name,
        generations=tuple(
            GenerationLine(generation=each, **vars(changes[each.number])) for each in generations
        ),
        activations=tuple(activations),
        builds=tuple(_as_it_is(store, build) for build in builds),
    )


def log(store: Store, name: EnvironmentName, generation: int | None) -> BuildLog:
    """The last build of an environment, or the one that made a generation."""
    with store.database.read() as facts:
        builds = facts.builds.of(name)
        if not builds:  # one whose first build failed has builds, and is no environment yet
            facts.environments.generations(name)
    if generation is not None:
        builds = [build for build in builds if build.generation == generation]
    if not builds:
        raise NoSuchBuild(name, generation)
    build = _as_it_is(store, builds[-1])
    return BuildLog(build=build, text=store.blobs.get(build.log).decode() if build.log else "")


def path(store: Store, name: EnvironmentName, number: int | None) -> EnvironmentPath:
    """Where a generation is; for the active one, the link that follows the environment."""
    with store.database.read() as facts:
        environment = facts.environments.get(name)
        generation = facts.environments.generation(name, number)
    if generation.prefix is not None:
        recover_prefix(store.layout, generation.prefix)
    prefix = require_on_disk(store.layout, generation)
    return EnvironmentPath(
        environment=name,
        path=settle(store, environment) if number is None else prefix,
        prefix=prefix,
    )


def _as_it_is(store: Store, build: Build) -> Build:
    """A build that is noted as running, but that no process runs any more, was interrupted."""
    running = build.status is BuildStatus.RUNNING
    if running and not is_held(store.layout.locks / "build" / str(build.id)):
        return replace(build, status=BuildStatus.INTERRUPTED)
    return build
