"""What differs between two generations, or between a generation and a file."""

from condarium.engine.lockfiles.lockfile import read_lock
from condarium.environments.locking import solve_file
from condarium.errors import BadArguments
from condarium.model.difference import Difference, compare
from condarium.model.document import Document
from condarium.model.environment import Generation
from condarium.model.lock import Lock
from condarium.model.names import EnvironmentName
from condarium.model.progress import Progress
from condarium.storage.store import Store


def diff(
    store: Store,
    name: EnvironmentName,
    a: int | None,
    b: int | None,
    *,
    file: Document | None,
    lock: Document | None,
    progress: Progress,
) -> Difference:
    """From generation `a` to `b`, or to a file.

    Without `a`: from the generation before `b`; without `b`: to the active one.
    """
    given = [what for what in (b, file, lock) if what is not None]
    if len(given) > 1:
        raise BadArguments("compare with a generation, an environment.yml or a lock: give one")
    if file:
        after = solve_file(store, file, progress=progress).document.lock
        return _to(store, name, a, file.name, after)
    if lock:
        return _to(store, name, a, lock.name, read_lock(lock.content, source=lock.name).lock)
    return _between(store, name, a, b)


def lock_of(store: Store, generation: Generation) -> Lock:
    """What a generation locked."""
    return read_lock(store.blobs.get(generation.lock), source=_label(generation)).lock


def _between(store: Store, name: EnvironmentName, a: int | None, b: int | None) -> Difference:
    with store.database.read() as facts:
        after = facts.environments.generation(name, b)
        if a is None and after.number == 1:
            return Difference(
                before="nothing", after=_label(after), changes=compare(None, lock_of(store, after))
            )
        before = facts.environments.generation(name, after.number - 1 if a is None else a)
    return Difference(
        before=_label(before),
        after=_label(after),
        changes=compare(lock_of(store, before), lock_of(store, after)),
    )


def _to(store: Store, name: EnvironmentName, a: int | None, label: str, after: Lock) -> Difference:
    with store.database.read() as facts:
        before = facts.environments.generation(name, a)
    return Difference(
        before=_label(before), after=label, changes=compare(lock_of(store, before), after)
    )


def _label(generation: Generation) -> str:
    return f"{generation.environment} generation {generation.number}"
