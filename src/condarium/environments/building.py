"""env build: solve → lock → fetch → link → activate, or nothing where nothing changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from condarium.environments import planning
from condarium.environments.activation import (
    environment_lock,
    pointing,
    require_no_stranger,
    switch,
)
from condarium.environments.built_before import built_before
from condarium.environments.comparing import lock_of
from condarium.environments.making import Making, prefix_ready
from condarium.environments.planning import Plan, Request
from condarium.environments.prefixes import Phases, PrefixSpec, check_length
from condarium.environments.quotas import check_quota
from condarium.errors import CondariumError
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import Actor
from condarium.model.difference import ChangeCounts, PackageChange, compare
from condarium.model.digest import sha256_of
from condarium.model.environment import BuildStatus, Generation, Prefix
from condarium.model.names import EnvironmentName
from condarium.model.progress import Progress
from condarium.model.report import Built
from condarium.storage.environments import NewGeneration
from condarium.storage.facts import Facts
from condarium.storage.locks import locked
from condarium.storage.store import Store


def build(store: Store, request: Request, *, actor: Actor, progress: Progress) -> Built:
    """Build what is asked for, and say what was done.

    Until the new generation is whole and noted, nothing that anybody sees has changed.
    """
    planning.require_permitted(store, request, actor)
    planning.check_sources(request.file, request.lock)
    if done := built_before(store, actor):
        return done
    check_length(store.layout)
    phases = Phases()
    with store.shared(waiting=_waits(progress)):
        plan = _plan(store, request, actor, progress, phases)
        active, newest = _generations(store, plan.name)
        for known in (active, newest):
            if known and _is_same(plan, known):
                changed = not request.dry_run and _have(
                    store, plan, known, request, actor, progress, phases
                )
                return _built(store, plan, known, request, phases, changes=(), changed=changed)
        before = active or newest
        changes = compare(lock_of(store, before) if before else None, plan.document.lock)
        for line in (*plan.notes, *map(str, changes)):
            progress.log(line)
        if request.dry_run:
            return _built(store, plan, None, request, phases, changes=changes, changed=True)
        return _Build(store, plan, request, actor, progress, phases, changes).run()


def _plan(store: Store, request: Request, actor: Actor, progress: Progress, phases: Phases) -> Plan:
    """Plan; where that fails for an environment whose name is known, note a build that failed."""
    try:
        return planning.plan(store, request, progress=progress, phases=phases)
    except CondariumError as error:
        if request.environment is not None and not request.dry_run:
            number = _start(store, request.environment, actor)
            note_failure(store, number, error, phases, ())
        raise


def _start(store: Store, name: EnvironmentName, actor: Actor, *, within_quota: bool = False) -> int:
    """Note that a build runs, and give its number; it may have to fit into the quota."""
    job = actor.job.job if actor.job else None
    with store.database.note() as facts:
        if within_quota:
            check_quota(store, facts, name, builds=1, build_minutes=1)
        return facts.builds.start(name, at=store.now(), actor=actor.name, job=job)


def _generations(
    store: Store, name: EnvironmentName
) -> tuple[Generation | None, Generation | None]:
    """The active generation and the newest one: what is asked for may be either already."""
    with store.database.read() as facts:
        if facts.environments.find(name) is None:
            return None, None
        generations = facts.environments.generations(name)
    return next((each for each in generations if each.active), None), generations[-1]


def _is_same(plan: Plan, known: Generation) -> bool:
    """Whether a generation is what is asked for already."""
    return (known.spec, known.lock, known.prefix) == (
        sha256_of(plan.spec) if plan.spec is not None else None,
        sha256_of(plan.content),
        plan.prefix.id if plan.prefix else None,
    )


def _making(plan: Plan, prefix: PrefixSpec, request: Request) -> Making:
    return Making(
        spec=prefix, document=plan.document, channels=plan.channels, compile=request.compile
    )


def _waits(progress: Progress) -> Callable[[], None]:
    return lambda: progress.say("gc is at work on this store; waiting for it")


def _have(
    store: Store,
    plan: Plan,
    known: Generation,
    request: Request,
    actor: Actor,
    progress: Progress,
    phases: Phases,
) -> bool:
    """Have a generation that exists on disk, and active if that is wanted: was there work to do?"""
    if plan.prefix is None:
        return False
    making = _making(plan, plan.prefix, request)
    name = plan.name
    with (
        prefix_ready(store, making, progress=progress, phases=phases) as (_, changed),
        locked(environment_lock(store.layout, name)),
    ):
        if known.archived_at is not None:
            detail = {"generation": str(known.number)}
            with store.database.change(actor, "env restore", str(name), detail) as facts:
                facts.environments.archive(name, [known.number], at=None)
        with store.database.read() as facts:
            known = facts.environments.generation(name, known.number)
            before = facts.environments.get(name).active
        if request.activate or known.active:
            reason = request.reason or "built"
            switch(store, known, before, "env build", reason=reason, actor=actor)
            changed = changed or before != known.number
    return changed


@dataclass
class _Build:
    """One build that does something: it is noted while it runs, and how it ended."""

    store: Store
    plan: Plan
    request: Request
    actor: Actor
    progress: Progress
    phases: Phases
    changes: tuple[PackageChange, ...]
    log: list[str] = field(default_factory=list)
    ended: bool = False
    """Whether the build is noted as ended, and its generation with it."""

    def run(self) -> Built:
        store = self.store
        number = _start(store, self.plan.name, self.actor, within_quota=True)
        with locked(store.layout.locks / "build" / str(number)):
            try:
                generation = self._make(number)
            except BaseException as error:
                if not self.ended:
                    note_failure(store, number, error, self.phases, self._log_lines())
                raise
        return _built(
            store,
            self.plan,
            generation,
            self.request,
            self.phases,
            changes=self.changes,
            changed=True,
        )

    def _make(self, number: int) -> Generation:
        plan, layout = self.plan, self.store.layout
        if plan.prefix is None:
            return self._commit(number, None)
        if self.request.activate:
            require_no_stranger(layout, plan.name)
        making = _making(plan, plan.prefix, self.request)
        with prefix_ready(self.store, making, progress=self.progress, phases=self.phases) as ready:
            prefix, made = ready
            self.log.append(f"prefix {prefix.id}: {'made' if made else 'was there already'}")
            self.progress.log(self.log[-1])
            return self._commit(number, prefix)

    def _commit(self, number: int, prefix: Prefix | None) -> Generation:
        """Append the generation, note the build's end and switch, all or nothing."""
        store, plan = self.store, self.plan
        name = plan.name
        with locked(environment_lock(store.layout, name)):
            new = NewGeneration(
                spec=store.blobs.put(plan.spec) if plan.spec is not None else None,
                lock=store.blobs.put(plan.content),
                platforms=plan.document.platforms,
                packages=sum(len(each) for each in plan.document.lock.packages.values()),
                changes=self._counts(),
                prefix=prefix.id if prefix else None,
                reason=self.request.reason,
            )
            log = store.blobs.put(_log(self.phases, self._log_lines()))
            same = self._built_meanwhile()
            target = new.prefix if self.request.activate else None
            with pointing(store.layout, name, target) as point_there:
                with store.database.change(
                    self.actor, "env build", str(name), self._detail(new)
                ) as facts:
                    generation = self._append(facts, new, same, activate=target is not None)
                    facts.builds.end(
                        number,
                        BuildStatus.SUCCEEDED,
                        at=store.now(),
                        phases=self.phases.seconds,
                        log=log,
                        generation=generation,
                    )
                self.ended = True
                point_there()
        with store.database.read() as facts:
            return facts.environments.generation(name, generation)

    def _append(
        self, facts: Facts, new: NewGeneration, same: Generation | None, *, activate: bool
    ) -> int:
        """Append the generation unless it is there by now; have it active; give its number."""
        name, at, actor = self.plan.name, self.store.now(), self.actor.name
        check_quota(self.store, facts, name, prefix=new.prefix)
        is_first = not facts.namespaces.is_there(name.namespace)
        identifier = facts.environments.ensure(name, at=at, actor=actor)
        if is_first:
            kind = ThingKind.NAMESPACE
            facts.bindings.add_creator(self.actor, kind, name.namespace, at=at)
        if same is None:
            number = facts.environments.add_generation(identifier, new, at=at, actor=actor)
        else:
            number = same.number
        if activate and not (same and same.active):
            reason = self.request.reason or "built"
            facts.environments.activate(name, number, at=at, actor=actor, reason=reason)
        return number

    def _built_meanwhile(self) -> Generation | None:
        """The newest generation, if somebody else has just built the same."""
        _, newest = _generations(self.store, self.plan.name)
        if newest is None or newest.archived_at is not None or not _is_same(self.plan, newest):
            return None
        return newest

    def _counts(self) -> ChangeCounts:
        """What changes against the newest generation, which need not be what was active."""
        _, newest = _generations(self.store, self.plan.name)
        before = lock_of(self.store, newest) if newest else None
        return ChangeCounts.of(compare(before, self.plan.document.lock))

    def _detail(self, new: NewGeneration) -> Mapping[str, str]:
        return {"lock": new.lock, "prefix": new.prefix or "", "reason": new.reason}

    def _log_lines(self) -> list[str]:
        return [*self.plan.notes, *map(str, self.changes), *self.log]


def _log(phases: Phases, lines: Sequence[str]) -> bytes:
    times = [f"{name}: {seconds:.3f} s" for name, seconds in phases.seconds.items()]
    return "\n".join([*lines, *times, ""]).encode()


def note_failure(
    store: Store, number: int, error: BaseException, phases: Phases, lines: Sequence[str]
) -> None:
    """Note why a build ended. What it was about to say matters more than that this fails."""
    interrupted = isinstance(error, KeyboardInterrupt)
    said = error.message if isinstance(error, CondariumError) else repr(error)
    said = "interrupted" if interrupted else said
    try:
        log = store.blobs.put(_log(phases, [*lines, said]))
        with store.database.note() as facts:
            facts.builds.end(
                number,
                BuildStatus.INTERRUPTED if interrupted else BuildStatus.FAILED,
                at=store.now(),
                phases=phases.seconds,
                log=log,
                error=said,
            )
    except (CondariumError, OSError) as second:
        error.add_note(f"and the build could not be noted as failed: {second}")


def _built(
    store: Store,
    plan: Plan,
    generation: Generation | None,
    request: Request,
    phases: Phases,
    *,
    changes: tuple[PackageChange, ...],
    changed: bool,
) -> Built:
    prefix = generation.prefix if generation else None
    with store.database.read() as facts:
        known = facts.prefixes.find(prefix) if prefix else None
        found = facts.environments.find(plan.name)
    active = generation is not None and found is not None and found.active == generation.number
    return Built(
        environment=plan.name,
        generation=generation.number if generation else None,
        changed=changed,
        active=active,
        dry_run=request.dry_run,
        solved=plan.solved,
        platforms=plan.document.platforms,
        packages=sum(len(each) for each in plan.document.lock.packages.values()),
        changes=changes,
        prefix=store.layout.prefix(prefix) if prefix else None,
        path=store.layout.link(plan.name) if active else None,
        link=known.link if known else None,
        phases=dict(phases.seconds),
        notes=plan.notes + (_skipped_scripts(store, known) if changed and known else ()),
    )


def _skipped_scripts(store: Store, prefix: Prefix) -> tuple[str, ...]:
    """A note on the packages whose post-link scripts were not run."""
    scripts = (store.layout.prefix(prefix.id) / "bin").glob(".*-post-link.sh")
    names = sorted(each.name[1:].removesuffix("-post-link.sh") for each in scripts)
    if prefix.link_scripts or not names:
        return ()
    return (f"not run: the post-link scripts of {', '.join(names)} (--link-scripts runs them)",)
