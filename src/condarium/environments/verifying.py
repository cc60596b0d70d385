"""env verify: whether a prefix is what its packages say, and mending it where it is not."""

from collections.abc import Sequence
from contextlib import ExitStack

from condarium.environments.activation import require_on_disk
from condarium.environments.archiving import making_of
from condarium.environments.inspecting import inspect
from condarium.environments.prefixes import recover_prefix
from condarium.environments.repairing import repair as mend
from condarium.errors import StoreReadOnly
from condarium.model.access.permissions import Permission, ThingKind
from condarium.model.actor import Actor
from condarium.model.environment import Generation
from condarium.model.names import EnvironmentName
from condarium.model.progress import Progress
from condarium.model.report import FileProblem, Verification
from condarium.storage.store import Store


def verify(
    store: Store,
    name: EnvironmentName,
    number: int | None,
    *,
    repair: bool,
    actor: Actor,
    progress: Progress,
) -> Verification:
    """Hash every file; with `repair`, mend a prefix that has problems from its lock."""
    with store.database.read() as facts:
        generation = facts.environments.generation(name, number)
        first = facts.prefixes.find(generation.prefix or "")
    if generation.prefix is not None:
        recover_prefix(store.layout, generation.prefix)
    prefix = require_on_disk(store.layout, generation)
    with ExitStack() as held:
        try:
            held.enter_context(store.shared())
        except StoreReadOnly:
            if repair:
                raise
        making = making_of(store, generation, first)
        found = inspect(prefix, making, progress)
        problems, repaired = found.problems, False
        also = _also(store, generation, found.problems, actor)
        if problems:
            _require_still_there(store, generation)
        if problems and repair:
            left = mend(store, generation, making, progress)
            repaired, problems = not left, left or problems
            detail = {"generation": str(generation.number), "problems": str(len(problems))}
            with store.database.change(actor, "env verify", str(name), detail):
                pass
    return Verification(
        environment=name,
        generation=generation.number,
        files=len(found.of_packages),
        bytes=sum(file.size or 0 for file in found.of_packages),
        problems=problems,
        unknown=found.unknown,
        repaired=repaired,
        also=also,
    )


def _require_still_there(store: Store, generation: Generation) -> None:
    """Raises GenerationArchived where files are missing because somebody has archived all of it."""
    with store.database.read() as facts:
        now = facts.environments.generation(generation.environment, generation.number)
    require_on_disk(store.layout, now)


def _also(
    store: Store, generation: Generation, problems: Sequence[FileProblem], actor: Actor
) -> tuple[EnvironmentName, ...]:
    """The other environments that the actor may read, in which an altered file is the same file."""
    changed = [each.path for each in problems if each.what == "changed"]
    if not changed:
        return ()
    readable = actor.names_where(Permission.ENVIRONMENT_READ, ThingKind.NAMESPACE)
    with store.database.read() as facts:
        others = [
            each
            for each in facts.environments.all_generations()
            if each.prefix and each.archived_at is None and each.prefix != generation.prefix
            if readable is None or each.environment.namespace in readable
        ]
    shared = {
        each.prefix: _share(store, generation.prefix or "", each.prefix or "", changed)
        for each in others
    }
    names = {each.environment for each in others if shared[each.prefix]}
    return tuple(sorted(names - {generation.environment}))


def _share(store: Store, one: str, other: str, paths: Sequence[str]) -> bool:
    folder, beside = store.layout.prefix(one), store.layout.prefix(other)
    for path in paths:
        try:
            if (folder / path).samefile(beside / path):
                return True
        except OSError:
            continue
    return False
