"""Taking prefixes off the disk by name or by rule, and bringing them back from their locks."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from condarium.engine.lockfiles.lockfile import read_lock
from condarium.engine.solving.matchspec import matchspec_problem
from condarium.environments.activation import environment_lock
from condarium.environments.disk import tree_bytes
from condarium.environments.making import Making, prefix_ready
from condarium.environments.prefixes import (
    Phases,
    PrefixSpec,
    in_use,
    prefix_lock,
    take_away,
)
from condarium.errors import (
    ActiveGeneration,
    BadArguments,
    NoSuchGeneration,
    NotOnThisPlatform,
)
from condarium.model.access.decisions import PLATFORM, Thing
from condarium.model.access.permissions import Permission, ThingKind
from condarium.model.actor import Actor
from condarium.model.environment import Generation, Prefix
from condarium.model.names import EnvironmentName, check_namespace
from condarium.model.progress import Progress
from condarium.model.report import Archived, ArchivedGeneration, Restored
from condarium.model.specfile import decode, read_spec
from condarium.storage.locks import locked
from condarium.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Which generations to archive. All conditions that are given must hold.

    The active generation of an environment, and what is archived already, never match.
    """

    environment: EnvironmentName | None = None
    generations: tuple[int, ...] = ()
    older_than: timedelta | None = None
    keep_last: int | None = None
    namespace: str | None = None
    all_namespaces: bool = False

    @property
    def thing(self) -> Thing:
        """What one must be allowed to archive in. Raises BadName."""
        if self.environment is not None:
            return Thing(kind=ThingKind.NAMESPACE, name=self.environment.namespace)
        if self.namespace is not None:
            return Thing(kind=ThingKind.NAMESPACE, name=check_namespace(self.namespace))
        return PLATFORM

    def check(self) -> None:
        """Raises BadArguments where the rule says nothing, or contradicts itself."""
        ages = self.older_than is not None or self.keep_last is not None
        places = [self.environment is not None, self.namespace is not None, self.all_namespaces]
        if sum(places) != 1:
            raise BadArguments(
                "archive where? Name one of an environment, --namespace and --all-namespaces",
                hint="For example: condarium env archive lab/fit --keep-last 3",
            )
        if not ages and not self.generations:
            raise BadArguments(
                "archive what? Name generations, or give --older-than or --keep-last",
                hint="For example: condarium env archive lab/fit 1 2",
            )
        if self.generations and (self.environment is None or ages):
            raise BadArguments("name generations of one environment, or give a rule: not both")
        if self.keep_last is not None and self.keep_last < 0:
            raise BadArguments(f"--keep-last {self.keep_last}: expected 0 or more")


def select(rule: Rule, generations: Iterable[Generation], now: datetime) -> list[Generation]:
    """The generations that a rule archives, by environment and number."""
    by_environment: dict[EnvironmentName, list[Generation]] = defaultdict(list)
    for each in generations:
        by_environment[each.environment].append(each)
    return [
        each
        for name in sorted(by_environment)
        for each in _matching(rule, sorted(by_environment[name], key=lambda g: g.number), now)
    ]


def _matching(rule: Rule, generations: list[Generation], now: datetime) -> Iterable[Generation]:
    kept = {each.number for each in generations[-rule.keep_last :]} if rule.keep_last else set()
    for each in generations:
        if each.prefix is None or each.active or each.archived_at is not None:
            continue
        if each.number in kept:
            continue
        if rule.generations and each.number not in rule.generations:
            continue
        if rule.older_than is not None and each.created_at > now - rule.older_than:
            continue
        yield each


def archive(store: Store, rule: Rule, *, dry_run: bool, actor: Actor) -> Archived:
    """Note the generations as archived, then free their prefixes if nothing else wants them."""
    rule.check()
    actor.require(Permission.ENVIRONMENT_ARCHIVE, rule.thing)
    with store.shared():
        chosen = _choose(store, rule)
        if dry_run:
            return Archived(generations=_would_free(store, chosen), dry_run=True)
        archived = [done for each in chosen for done in _archive_one(store, each, actor)]
    return Archived(generations=tuple(archived), dry_run=False)


def restore(
    store: Store, name: EnvironmentName, number: int, *, actor: Actor, progress: Progress
) -> Restored:
    """Make a generation's prefix again, and compare it with the first time it was made.

    For the store's owner, what its channels hold is not downloaded: no server need be up.
    """
    with store.database.read() as facts:
        generation = facts.environments.generation(name, number)
        first = facts.prefixes.find(generation.prefix) if generation.prefix else None
    if generation.prefix is None:
        raise NotOnThisPlatform(name, number, generation.platforms)
    with store.shared():
        making = replace(making_of(store, generation, first), own=actor.principal is None)
        ready = prefix_ready(store, making, progress=progress, phases=Phases())
        with ready as (prefix, made), locked(environment_lock(store.layout, name)):
            if generation.archived_at is not None:
                detail = {"generation": str(number)}
                with store.database.change(actor, "env restore", str(name), detail) as facts:
                    facts.environments.archive(name, [number], at=None)
    return Restored(
        environment=name,
        generation=number,
        prefix=store.layout.prefix(prefix.id),
        files=prefix.files,
        identical=first is None or first.manifest == prefix.manifest,
        changed=made,
    )


def making_of(store: Store, generation: Generation, first: Prefix | None) -> Making:
    """How a generation's prefix was made, to make it so again."""
    source = f"the lock of {generation.environment} generation {generation.number}"
    document = read_lock(store.blobs.get(generation.lock), source=source)
    platform = first.platform if first else generation.platforms[0]
    spec = PrefixSpec(
        lock=generation.lock,
        platform=platform,
        packages=document.locked(platform),
        variables=_variables(store, generation),
        link_scripts=first.link_scripts if first else False,
    )
    return Making(
        spec=spec,
        document=document,
        compile=first.compiled if first else True,
    )


def _variables(store: Store, generation: Generation) -> tuple[tuple[str, str], ...]:
    if generation.spec is None:
        return ()
    text = decode(store.blobs.get(generation.spec))
    return read_spec(text, check_matchspec=matchspec_problem).spec.variables


def _choose(store: Store, rule: Rule) -> list[Generation]:
    """The generations that match now. Raises for a named one that cannot be archived."""
    with store.database.read() as facts:
        if rule.environment is not None:
            generations = facts.environments.generations(rule.environment)
        else:
            generations = facts.environments.all_generations(rule.namespace)
    numbers = {each.number: each for each in generations}
    for number in rule.generations:
        if number not in numbers:
            raise NoSuchGeneration(rule.environment, number)
        if numbers[number].prefix is None:
            raise NotOnThisPlatform(rule.environment, number, numbers[number].platforms)
        if numbers[number].active:
            raise ActiveGeneration(rule.environment, number)
    return select(rule, generations, store.now())


def _archive_one(store: Store, generation: Generation, actor: Actor) -> list[ArchivedGeneration]:
    """Archive one generation unless it became active meanwhile."""
    name, number = generation.environment, generation.number
    with locked(environment_lock(store.layout, name)):
        detail = {"generation": str(number)}
        with store.database.change(actor, "env archive", str(name), detail) as facts:
            if facts.environments.get(name).active == number:
                raise ActiveGeneration(name, number)
            facts.environments.archive(name, [number], at=store.now())
    freed = _free(store, generation.prefix) if generation.prefix else 0
    return [ArchivedGeneration(environment=name, generation=number, freed=freed)]


def _free(store: Store, prefix: str) -> int:
    """Take a prefix off the disk if no generation wants it any more; the bytes that this frees.

    Whoever is about to want it again holds its lock until that is noted. Where a command runs in
    it, `gc` takes it later.
    """
    with locked(prefix_lock(store.layout, prefix)):
        with store.database.read() as facts:
            if prefix in facts.environments.live_prefixes():
                return 0
        if in_use(store.layout, prefix):
            return 0
        folder = store.layout.prefix(prefix)
        freed = tree_bytes(folder).own
        take_away(folder)
    return freed


def _would_free(store: Store, chosen: list[Generation]) -> tuple[ArchivedGeneration, ...]:
    """What archiving would free: nothing where a generation that stays uses the prefix too."""
    gone = {(each.environment, each.number) for each in chosen}
    with store.database.read() as facts:
        staying = {
            each.prefix
            for each in facts.environments.all_generations()
            if each.archived_at is None and (each.environment, each.number) not in gone
        }
    counted: set[str] = set()
    lines = []
    for each in chosen:
        freed = 0
        if each.prefix and each.prefix not in staying | counted:
            freed = tree_bytes(store.layout.prefix(each.prefix)).own
            counted.add(each.prefix)
        lines.append(
            ArchivedGeneration(environment=each.environment, generation=each.number, freed=freed)
        )
    return tuple(lines)
