"""What there is: environments, generations, and where they are.

Locks are imported where one is read: a list needs no rattler, which takes longer than the list.
"""

from dataclasses import replace

from condarium.environments.activation import require_on_disk, settle
from condarium.environments.prefixes import is_whole, recover_prefix
from condarium.errors import NoSuchBuild
from condarium.model.access.permissions import Permission, ThingKind
from condarium.model.actor import Actor
from condarium.model.environment import Build, BuildStatus, Environment
from condarium.model.names import EnvironmentName, check_namespace
from condarium.model.paging import Page, decode_cursor, page_of, read_limit
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


def list_environments(
    store: Store, namespace: str | None, *, actor: Actor, limit: int | None, cursor: str | None
) -> Page[EnvironmentLine]:
    """The environments that an actor may read. Raises BadName, BadLimit, BadCursor."""
    size = read_limit(limit)
    after = decode_cursor(cursor, str, str) if cursor is not None else None
    readable = actor.names_where(Permission.ENVIRONMENT_READ, ThingKind.NAMESPACE)
    if namespace is not None:
        within = frozenset([check_namespace(namespace)])
        readable = within if readable is None else readable & within
    with store.database.read() as facts:
        found = facts.environments.page(readable, after=after, limit=size and size + 1)
    lines = [_line(store, each) for each in found]
    return page_of(lines, size, [(each.name.namespace, each.name.name) for each in found])


def _line(store: Store, environment: Environment) -> EnvironmentLine:
    return EnvironmentLine(
        name=environment.name,
        active=environment.active,
        generations=environment.generations,
        created_at=environment.created_at,
        created_by=environment.created_by,
        path=store.layout.link(environment.name),
        on_disk=environment.prefix is not None and is_whole(store.layout, environment.prefix),
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
