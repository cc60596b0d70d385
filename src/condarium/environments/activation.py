"""Which generation is active, and the link that follows it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from condarium.environments.prefixes import is_whole, recover_prefix
from condarium.errors import (
    GenerationArchived,
    LinkBlocked,
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
from condarium.storage.failures import say_system_error
from condarium.storage.layout import Layout
from condarium.storage.locks import locked
from condarium.storage.store import Store

_PREFIXES = Path("..", "..", "prefixes")
"""Where links lead, from where they are."""
_FRESH = "."
"""How the names of links begin that are about to replace one."""


def rollback(
    store: Store, name: EnvironmentName, number: int | None, *, reason: str, actor: Actor
) -> Switched:
    """Make a generation active; by default the one with the next lower number."""
    recover(store, name, number)
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

    Raises what `require_on_disk` and `pointing` raise, before anything changed.
    """
    name, number = generation.environment, generation.number
    require_on_disk(store.layout, generation)
    with pointing(store.layout, name, generation.prefix) as point_there:
        if number != before:
            detail = {"from": str(before), "to": str(number), "reason": reason}
            with store.database.change(actor, action, str(name), detail) as facts:
                facts.environments.activate(
                    name, number, at=store.now(), actor=actor.name, reason=reason
                )
        point_there()


def remove(store: Store, name: EnvironmentName, *, actor: Actor) -> Removed:
    """Forget an environment; its prefixes stay until `gc` finds that nothing wants them."""
    with locked(environment_lock(store.layout, name)):
        with store.database.change(actor, "env remove", str(name)) as facts:
            count = facts.environments.get(name).generations
            facts.environments.remove(name)
            facts.builds.remove(name)
        take_link_away(store.layout, name)
    return Removed(environment=name, generations=count)


def environment_lock(layout: Layout, name: EnvironmentName) -> Path:
    """Held while an environment's active generation and its link change together."""
    return layout.locks / "env" / name.namespace / name.name


def settle(store: Store, environment: Environment) -> Path:
    """The environment's link, made to agree with the facts first.

    A process that was killed after it had noted a switch and before it made it leaves the link
    behind. Where it cannot be made to agree, because the store may not be written to or something
    else is in its place, the prefix is given.
    """
    layout = store.layout
    link = layout.link(environment.name)
    if environment.prefix is None or points_to(layout, environment.name) == environment.prefix:
        return link
    try:
        with locked(environment_lock(layout, environment.name)):
            with store.database.read() as facts:
                found = facts.environments.find(environment.name)
            wanted = found.prefix if found else None
            with pointing(layout, environment.name, wanted) as point_there:
                point_there()
    except (LinkBlocked, StoreReadOnly):
        return layout.prefix(environment.prefix or "")
    return link


@contextmanager
def pointing(
    layout: Layout, name: EnvironmentName, prefix: str | None
) -> Iterator[Callable[[], None]]:
    """Make ready to switch the link to a prefix; the function that is given does so, in one step.

    Everything that may go wrong goes wrong before that, and so before facts are changed. The link
    is relative, so that it holds wherever the store is mounted.

    Raises LinkBlocked, StoreFull, StoreReadOnly.
    """
    link = layout.link(name)
    if prefix is None or points_to(layout, name) == prefix:
        yield lambda: None
        return
    require_no_stranger(layout, name)
    fresh = link.with_name(f"{_FRESH}{name.name}.{uuid4().hex}")
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        fresh.symlink_to(_PREFIXES / prefix)
    except OSError as error:
        said = say_system_error(error.errno, f"the link {link}: {error.strerror}")
        raise said or error from error

    def point_there() -> None:
        fresh.replace(link)

    try:
        yield point_there
    finally:
        fresh.unlink(missing_ok=True)


def take_link_away(layout: Layout, name: EnvironmentName) -> None:
    """Remove the link; what is there instead of it is left alone."""
    if points_to(layout, name) is not None:
        layout.link(name).unlink(missing_ok=True)


def require_no_stranger(layout: Layout, name: EnvironmentName) -> None:
    """Raises LinkBlocked where the link belongs, and something is that condarium did not make."""
    link = layout.link(name)
    for path in (layout.environments, link.parent):
        if os.path.lexists(path) and not path.is_dir():
            raise LinkBlocked(name, path, "a file")
    if os.path.lexists(link) and points_to(layout, name) is None:
        kind = "a link" if link.is_symlink() else "a folder" if link.is_dir() else "a file"
        raise LinkBlocked(name, link, kind)


def discard_link(store: Store, link: Path) -> None:
    """Remove a link that no environment has, and one that a killed process was about to put there.

    What condarium did not make stays.
    """
    unfinished = link.name.startswith(_FRESH)
    own = link.name.removeprefix(_FRESH).rpartition(".")[0] if unfinished else link.name
    name = EnvironmentName(link.parent.name, own)
    with locked(environment_lock(store.layout, name)):
        with store.database.read() as facts:
            wanted = not unfinished and facts.environments.find(name) is not None
        if not wanted and _target_of(link) is not None:
            link.unlink(missing_ok=True)


def points_to(layout: Layout, name: EnvironmentName) -> str | None:
    """The prefix that the link names now; None where there is none, or something else is there."""
    return _target_of(layout.link(name))


def _target_of(link: Path) -> str | None:
    try:
        target = link.readlink()
    except OSError:
        return None
    return target.name if target.parent == _PREFIXES else None


def recover(store: Store, name: EnvironmentName, number: int | None) -> None:
    """Put a generation's prefix back that a killed repair left aside.

    The caller does not hold the environment's lock: those who build take that one last.
    """
    with store.database.read() as facts:
        generations = facts.environments.generations(name)
    for each in generations:
        if each.prefix and number in (None, each.number):
            recover_prefix(store.layout, each.prefix)


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
        earlier = [
            each for each in generations if each.number < active and each.archived_at is None
        ]
        if not earlier:
            raise NothingEarlier(name)
        return earlier[-1]
    for each in generations:
        if each.number == number:
            return each
    raise NoSuchGeneration(name, number)
