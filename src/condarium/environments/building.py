"""env build: solve → lock → fetch → link → activate, or nothing where nothing changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from condarium.engine.lock_document import LockDocument
from condarium.engine.lockfile import read_lock
from condarium.engine.virtual_packages import host_platform
from condarium.environments.activation import (
    environment_lock,
    pointing,
    require_no_stranger,
    switch,
)
from condarium.environments.comparing import lock_of
from condarium.environments.locking import solve_file
from condarium.environments.making import Making, prefix_ready
from condarium.environments.prefixes import Phases, PrefixSpec, store_lock
from condarium.errors import BadArguments, CondariumError, PlatformNotLocked
from condarium.model.actor import Actor
from condarium.model.difference import PackageChange, compare
from condarium.model.document import Document
from condarium.model.environment import BuildStatus, Generation, Prefix
from condarium.model.names import EnvironmentName
from condarium.model.progress import Progress
from condarium.model.report import Built
from condarium.model.secret import redact_url
from condarium.model.specfile import decode
from condarium.storage.environments import NewGeneration
from condarium.storage.facts import Facts
from condarium.storage.locks import locked
from condarium.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody wants built."""

    environment: EnvironmentName | None
    file: Document | None
    lock: Document | None
    platforms: tuple[str, ...] = ()
    cuda: str | None = None
    refresh: bool = False
    dry_run: bool = False
    activate: bool = True
    compile: bool = True
    link_scripts: bool = False
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a request comes down to: a lock, and the prefix that it is on this machine.

    `spec` is the environment.yml as it will be kept: without the credentials of its URLs. `prefix`
    is None where the lock does not cover this machine's platform.
    """

    name: EnvironmentName
    document: LockDocument
    content: bytes
    spec: bytes | None
    prefix: PrefixSpec | None
    solved: bool
    notes: tuple[str, ...]


def build(store: Store, request: Request, *, actor: Actor, progress: Progress) -> Built:
    """Build what is asked for, and say what was done.

    Until the new generation is whole and noted, nothing that anybody sees has changed.
    """
    if (request.file is None) == (request.lock is None):
        raise BadArguments(
            "build from what? Give an environment.yml or a lock, and not both",
            hint="For example: condarium env build lab/fit -f environment.yml",
        )
    phases = Phases()
    with locked(store_lock(store.layout), shared=True):
        if request.lock is not None:
            plan = _plan_from_lock(request, request.lock)
        else:
            plan = _plan_from_file(store, request, progress, phases)
        newest = _newest(store, plan.name)
        if newest and _is_same(plan, newest):
            changed = not request.dry_run and _have(
                store, plan, newest, request, actor, progress, phases
            )
            return _built(store, plan, newest, request, phases, changes=(), changed=changed)
        changes = compare(lock_of(store, newest) if newest else None, plan.document.lock)
        if request.dry_run:
            return _built(store, plan, None, request, phases, changes=changes, changed=True)
        return _Build(store, plan, request, actor, progress, phases, changes).run()


def _plan_from_file(store: Store, request: Request, progress: Progress, phases: Phases) -> Plan:
    file = request.file
    assert file is not None
    solved = solve_file(
        store,
        file,
        platforms=request.platforms,
        cuda=request.cuda,
        refresh=request.refresh,
        progress=progress,
        phases=phases,
    )
    name = request.environment
    if name is None and solved.spec.name:
        name = EnvironmentName.parse(solved.spec.name)
    if name is None:
        raise BadArguments(
            f"{file.name} does not name the environment, and neither does the command",
            hint=f"Say which: condarium env build NS/NAME -f {file.name}",
        )
    host = host_platform()
    platforms = solved.document.platforms
    return Plan(
        name=name,
        document=solved.document,
        content=solved.content,
        spec=redact_url(decode(file.content, file.name)).encode(),
        prefix=PrefixSpec(
            lock=solved.digest,
            platform=host,
            packages=solved.document.locked(host),
            variables=solved.spec.variables,
            link_scripts=request.link_scripts,
        )
        if host in platforms
        else None,
        solved=solved.fresh,
        notes=solved.notes,
    )


def _plan_from_lock(request: Request, lock: Document) -> Plan:
    if request.environment is None:
        raise BadArguments(
            f"which environment shall {lock.name} become?",
            hint=f"Say so: condarium env build NS/NAME --lock {lock.name}",
        )
    if request.platforms or request.cuda:
        raise BadArguments("--platform and --cuda are for solving; a lock is solved already")
    document = read_lock(lock.content, source=lock.name)
    host = host_platform()
    try:
        packages = document.locked(host)
    except PlatformNotLocked:
        packages = None
    return Plan(
        name=request.environment,
        document=document,
        content=lock.content,
        spec=None,
        prefix=PrefixSpec(
            lock=_digest(lock.content),
            platform=host,
            packages=packages,
            link_scripts=request.link_scripts,
        )
        if packages is not None
        else None,
        solved=False,
        notes=document.warnings,
    )


def _newest(store: Store, name: EnvironmentName) -> Generation | None:
    with store.database.read() as facts:
        if facts.environments.find(name) is None:
            return None
        return facts.environments.generations(name)[-1]


def _is_same(plan: Plan, newest: Generation) -> bool:
    """Whether the newest generation is what is asked for already."""
    return (newest.spec, newest.lock, newest.prefix) == (
        _digest(plan.spec) if plan.spec is not None else None,
        _digest(plan.content),
        plan.prefix.id if plan.prefix else None,
    )


def _have(
    store: Store,
    plan: Plan,
    newest: Generation,
    request: Request,
    actor: Actor,
    progress: Progress,
    phases: Phases,
) -> bool:
    """Have a generation that exists on disk, and active if that is wanted: was there work to do?"""
    if plan.prefix is None:
        return False
    making = Making(spec=plan.prefix, document=plan.document, compile=request.compile)
    name = plan.name
    with (
        prefix_ready(store, making, progress=progress, phases=phases) as (_, changed),
        locked(environment_lock(store.layout, name)),
    ):
        if newest.archived_at is not None:
            detail = {"generation": str(newest.number)}
            with store.database.change(actor, "env restore", str(name), detail) as facts:
                facts.environments.archive(name, [newest.number], at=None)
        with store.database.read() as facts:
            newest = facts.environments.generation(name, newest.number)
            before = facts.environments.get(name).active
        if request.activate or newest.active:
            reason = request.reason or "built"
            switch(store, newest, before, "env build", reason=reason, actor=actor)
            changed = changed or before != newest.number
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
        with store.database.note() as facts:
            number = facts.builds.start(self.plan.name, at=store.now(), actor=self.actor.name)
        with locked(store.layout.locks / "build" / str(number)):
            try:
                generation = self._make(number)
            except BaseException as error:
                if not self.ended:
                    self._failed(number, error)
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
        making = Making(spec=plan.prefix, document=plan.document, compile=self.request.compile)
        with prefix_ready(self.store, making, progress=self.progress, phases=self.phases) as ready:
            prefix, made = ready
            self.log.append(f"prefix {prefix.id}: {'made' if made else 'was there already'}")
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
                prefix=prefix.id if prefix else None,
                reason=self.request.reason,
            )
            log = store.blobs.put(self._log_text().encode())
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
        identifier = facts.environments.ensure(name, at=at, actor=actor)
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
        newest = _newest(self.store, self.plan.name)
        if newest is None or newest.archived_at is not None or not _is_same(self.plan, newest):
            return None
        return newest

    def _failed(self, number: int, error: BaseException) -> None:
        """Note why a build ended. What it was about to say matters more than that this fails."""
        said = error.message if isinstance(error, CondariumError) else repr(error)
        interrupted = isinstance(error, KeyboardInterrupt)
        status = BuildStatus.INTERRUPTED if interrupted else BuildStatus.FAILED
        self.log.append(said)
        try:
            log = self.store.blobs.put(self._log_text().encode())
            with self.store.database.note() as facts:
                facts.builds.end(
                    number,
                    status,
                    at=self.store.now(),
                    phases=self.phases.seconds,
                    log=log,
                    error=said,
                )
        except (CondariumError, OSError) as second:
            error.add_note(f"and the build could not be noted as failed: {second}")

    def _detail(self, new: NewGeneration) -> Mapping[str, str]:
        return {"lock": new.lock, "prefix": new.prefix or "", "reason": new.reason}

    def _log_text(self) -> str:
        times = [f"{name}: {seconds:.3f} s" for name, seconds in self.phases.seconds.items()]
        changes = [
            f"{change.what} {change.platform} {change.name} {change.after or change.before}"
            for change in self.changes
        ]
        return "\n".join([*self.plan.notes, *changes, *times, *self.log, ""])


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
        notes=plan.notes,
    )


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
