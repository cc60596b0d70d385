"""Which generation is active, and the link that follows it."""

from pathlib import Path
from uuid import uuid4

from condarium.environments.prefixes import is_whole
from condarium.errors import (
    GenerationArchived,
    NoSuchGeneration,
    NothingEarlier,
    NotOnThisPlatform,
    PrefixMissing,
    StoreReadOnly,
)
from condarium.model.actor import Actor
from condarium.model.environment import Environment, Generation
from condarium.model.names import EnvironmentName
from condarium.model.report import Removed, Switched
from condarium.storage.layout import Layout
from condarium.storage.locks import locked
from condarium.storage.store import Store


def rollback(
    store: Store, name: EnvironmentName, number: int | None, *, reason: str, actor: Actor
) -> Switched:
    """Make a generation active; by default the one with the next lower number."""
    with locked(environment_lock(store.layout, name)):
        with store.database.read() as facts:
            before = facts.environments.get(name).active
            generation = _target(facts.environments.generations(name), name, number)
        reason = reason or f"rollback from {before}"
        switch(store, generation, before, "env rollback", reason=reason, actor=actor)
    return Switched(
        environment=name,
        generation=generation.number,
        previous=before,
        path=store.layout.link(name),
    )


def switch(
    store: Store,
    generation: Generation,
    before: int | None,
    action: str,
    *,
    reason: str,
    actor: Actor,
) -> None:
    """Append the activation and move the link; the caller holds the environment's lock.

    Raises what `require_on_disk` raises, before anything changed.
    """
    name, number = generation.environment, generation.number
    require_on_disk(store.layout, generation)
    if number != before:
        detail = {"from": str(before), "to": str(number), "reason": reason}
        with store.database.change(actor, action, str(name), detail) as facts:
            facts.environments.activate(
                name, number, at=store.now(), actor=actor.name, reason=reason
            )
    point(store.layout, name, generation.prefix)


def remove(store: Store, name: EnvironmentName, *, actor: Actor) -> Removed:
    """Forget an environment; its prefixes stay until `gc` finds that nothing wants them."""
    with locked(environment_lock(store.layout, name)):
        with store.database.change(actor, "env remove", str(name)) as facts:
            count = facts.environments.get(name).generations
            facts.environments.remove(name)
            facts.builds.remove(name)
        point(store.layout, name, None)
    return Removed(environment=name, generations=count)


def environment_lock(layout: Layout, name: EnvironmentName) -> Path:
    """Held while an environment's active generation and its link change together."""
    return layout.locks / "env" / name.namespace / name.name


def settle(store: Store, environment: Environment) -> Path:
    """The environment's link, made to agree with the facts first.

    A process that was killed after it had noted a switch and before it made it leaves the link
    behind; where the store may not be written to, the link is left so and the prefix given.
    """
    layout = store.layout
    link = layout.link(environment.name)
    if environment.prefix is None or points_to(layout, environment.name) == environment.prefix:
        return link
    try:
        with locked(environment_lock(layout, environment.name)):
            with store.database.read() as facts:
                environment = facts.environments.get(environment.name)
            point(layout, environment.name, environment.prefix)
    except (PermissionError, StoreReadOnly):
        return layout.prefix(environment.prefix or "")
    return link


def point(layout: Layout, name: EnvironmentName, prefix: str | None) -> None:
    """Switch the link to a prefix in one step, or take it away.

    The link is relative, so that it holds wherever the store is mounted.
    """
    link = layout.link(name)
    if prefix is None:
        link.unlink(missing_ok=True)
        return
    if points_to(layout, name) == prefix:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(f".{name.name}.{uuid4().hex}")
    fresh.symlink_to(Path("..", "..", "prefixes", prefix))
    fresh.replace(link)


def points_to(layout: Layout, name: EnvironmentName) -> str | None:
    """The prefix that the link names now."""
    try:
        return layout.link(name).readlink().name
    except OSError:
        return None


def require_on_disk(layout: Layout, generation: Generation) -> Path:
    """The generation's prefix. Raises an error that says why there is none, and what to do."""
    name, number = generation.environment, generation.number
    if generation.prefix is None:
        raise NotOnThisPlatform(name, number, generation.platforms)
    if generation.archived_at is not None:
        raise GenerationArchived(name, number)
    if not is_whole(layout, generation.prefix):
        raise PrefixMissing(name, number)
    return layout.prefix(generation.prefix)


def _target(generations: list[Generation], name: EnvironmentName, number: int | None) -> Generation:
    if number is None:
        active = next((each.number for each in generations if each.active), 0)
        earlier = [each for each in generations if each.number < active]
        if not earlier:
            raise NothingEarlier(name)
        return earlier[-1]
    for each in generations:
        if each.number == number:
            return each
    raise NoSuchGeneration(name, number)
