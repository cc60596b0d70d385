"""The operations on environments, locks and the store; each says here what it takes and answers.

Work is imported where an operation runs, so that the command line can show its help without
importing a solver or a database.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from condarium.model.actor import Actor, Permission
from condarium.model.difference import Difference
from condarium.model.document import Document
from condarium.model.names import EnvironmentName
from condarium.model.paging import Page
from condarium.model.progress import Progress
from condarium.model.report import (
    Archived,
    BuildLog,
    Built,
    Collected,
    DiskReport,
    EnvironmentDetail,
    EnvironmentLine,
    EnvironmentPath,
    History,
    Locked,
    Ran,
    Removed,
    Restored,
    Switched,
    Verification,
)
from condarium.operation import Argument, Cursor, PageSize, Where, operation
from condarium.storage.store import Store

Environment = Annotated[EnvironmentName, Argument("the environment", metavar="NS/NAME")]
DryRun = Annotated[bool, Argument("say what would be done, and do nothing")]
SpecFile = Annotated[Document, Argument("the environment.yml", "-f", metavar="FILE")]
Platforms = Annotated[
    tuple[str, ...],
    Argument("a platform to lock for, such as osx-arm64; several with commas, or given again"),
]
Cuda = Annotated[
    str | None, Argument("the CUDA version to lock for, whatever this machine has", metavar="X.Y")
]
Refresh = Annotated[bool, Argument("solve anew even if nothing changed")]


def _check_build(arguments: Mapping[str, Any]) -> None:
    from condarium.environments import planning

    planning.check_sources(arguments.get("file"), arguments.get("lock"))


@operation(
    "env build",
    permission=Permission.ENVIRONMENT_BUILD,
    changes=True,
    makes_store=True,
    job=True,
    where=Where.INSIDE,
    check=_check_build,
)
def build(
    store: Store,
    environment: Annotated[
        EnvironmentName | None,
        Argument(
            "the environment; by default the name in the file; a bare NAME means default/NAME",
            positional=True,
            metavar="NS/NAME",
        ),
    ] = None,
    *,
    file: Annotated[
        Document | None, Argument("the environment.yml to solve and build", "-f", metavar="FILE")
    ] = None,
    lock: Annotated[
        Document | None,
        Argument("install exactly this lock (pixi.lock format)", metavar="FILE"),
    ] = None,
    lock_environment: Annotated[
        str | None,
        Argument(
            "the environment of a lock that has several; by default `default`", metavar="NAME"
        ),
    ] = None,
    platform: Platforms = (),
    cuda: Cuda = None,
    refresh: Refresh = False,
    dry_run: DryRun = False,
    no_activate: Annotated[
        bool, Argument("build the generation, and leave the active one active")
    ] = False,
    no_compile: Annotated[bool, Argument("do not byte-compile Python files")] = False,
    link_scripts: Annotated[
        bool, Argument("run the packages' post-link scripts: they are arbitrary programs")
    ] = False,
    reason: Annotated[str, Argument("why, for the history")] = "",
    actor: Actor,
    progress: Progress,
) -> Built:
    """Solve an environment.yml, lock it, and make the environment active.

    Does nothing, and says so, when the active generation is that already.
    Whatever happens, the active generation stays as it was until the new one is whole.
    Raises BadSpec, Unsolvable, NoSuchChannel, PackageCorrupt and others that name their cause.
    """
    from condarium.environments import building, planning

    return building.build(
        store,
        planning.Request(
            environment=environment,
            file=file,
            lock=lock,
            lock_environment=lock_environment,
            platforms=_each(platform),
            cuda=cuda,
            refresh=refresh,
            dry_run=dry_run,
            activate=not no_activate,
            compile=not no_compile,
            link_scripts=link_scripts,
            reason=reason,
        ),
        actor=actor,
        progress=progress,
    )


@operation("env list", permission=Permission.ENVIRONMENT_READ, makes_store=True, where=Where.INSIDE)
def list_(
    store: Store,
    *,
    namespace: Annotated[str | None, Argument("only this namespace", "-n")] = None,
    limit: PageSize = None,
    cursor: Cursor = None,
    actor: Actor,
) -> Page[EnvironmentLine]:
    """List environments by name, with their active generation.

    Those are listed that the actor may read.
    """
    from condarium.environments import reading

    if not store.settings.named and not store.is_there:
        return Page(items=())  # nobody has begun; a named place without a store is a mistake
    store.check_there()
    return reading.list_environments(store, namespace, actor=actor, limit=limit, cursor=cursor)


@operation("env show", permission=Permission.ENVIRONMENT_READ)
def show(
    store: Store,
    environment: Environment,
    generation: Annotated[
        int | None, Argument("a generation; by default the active one", positional=True)
    ] = None,
    *,
    lock: Annotated[bool, Argument("print the lock and nothing else")] = False,
) -> EnvironmentDetail:
    """Show a generation: its spec, packages, prefix, and how its files were linked."""
    from condarium.environments import reading

    return reading.show(store, environment, generation, with_lock=lock)


@operation("env history", permission=Permission.ENVIRONMENT_READ)
def history(store: Store, environment: Environment) -> History:
    """List the generations: who made them, when, why, and what they changed."""
    from condarium.environments import reading

    return reading.history(store, environment)


@operation("env log", permission=Permission.ENVIRONMENT_READ)
def log(
    store: Store,
    environment: Environment,
    generation: Annotated[
        int | None, Argument("the build of a generation; by default the last", positional=True)
    ] = None,
) -> BuildLog:
    """Show what a build did, how long each phase took, and how it ended.

    The last build is shown even if it failed. Raises NoSuchBuild.
    """
    from condarium.environments import reading

    return reading.log(store, environment, generation)


@operation("env path", permission=Permission.ENVIRONMENT_READ)
def path(
    store: Store,
    environment: Environment,
    generation: Annotated[
        int | None, Argument("a generation; by default the active one", positional=True)
    ] = None,
) -> EnvironmentPath:
    """Print where an environment is.

    Raises GenerationArchived where the prefix is not on disk.
    """
    from condarium.environments import reading

    return reading.path(store, environment, generation)


@operation("env run", permission=Permission.ENVIRONMENT_RUN, local=True)
def run(
    store: Store,
    environment: Environment,
    command: Annotated[
        tuple[str, ...], Argument("the command and its arguments, after --", positional=True)
    ],
) -> Ran:
    """Run a command in an environment, with its activation scripts and variables."""
    from condarium.environments import running

    return running.run(store, environment, command)


@operation("env diff", permission=Permission.ENVIRONMENT_READ)
def diff(
    store: Store,
    environment: Environment,
    a: Annotated[
        int | None, Argument("a generation; by default the one before the active", positional=True)
    ] = None,
    b: Annotated[
        int | None, Argument("another generation; by default the active one", positional=True)
    ] = None,
    *,
    file: Annotated[
        Document | None,
        Argument("compare with what this environment.yml would give", "-f", metavar="FILE"),
    ] = None,
    lock: Annotated[Document | None, Argument("compare with this lock", metavar="FILE")] = None,
    actor: Actor,
    progress: Progress,
) -> Difference:
    """Show the packages added, removed and changed between two generations, or to a file."""
    from condarium.environments import comparing

    if file is not None:  # which is solved
        actor.require(Permission.LOCK_SOLVE)
    return comparing.diff(store, environment, a, b, file=file, lock=lock, progress=progress)


@operation("env rollback", permission=Permission.ENVIRONMENT_ACTIVATE, changes=True)
def rollback(
    store: Store,
    environment: Environment,
    generation: Annotated[
        int | None,
        Argument("the generation; by default the one before the active", positional=True),
    ] = None,
    *,
    reason: Annotated[str, Argument("why, for the history")] = "",
    actor: Actor,
) -> Switched:
    """Make an earlier generation active again, at once.

    Raises NoSuchGeneration, or GenerationArchived (restore it first).
    """
    from condarium.environments import activation

    return activation.rollback(store, environment, generation, reason=reason, actor=actor)


@operation(
    "env archive", permission=Permission.ENVIRONMENT_ARCHIVE, changes=True, where=Where.INSIDE
)
def archive(
    store: Store,
    environment: Annotated[
        EnvironmentName | None, Argument("the environment", positional=True, metavar="NS/NAME")
    ] = None,
    generation: Annotated[
        tuple[int, ...], Argument("the generations; not the active one", positional=True)
    ] = (),
    *,
    older_than: Annotated[
        timedelta | None, Argument("those made longer ago than this", metavar="90d")
    ] = None,
    keep_last: Annotated[
        int | None, Argument("all but the newest N of an environment", metavar="N")
    ] = None,
    namespace: Annotated[str | None, Argument("by rule, in this namespace", "-n")] = None,
    all_namespaces: Annotated[bool, Argument("by rule, everywhere")] = False,
    dry_run: DryRun = False,
    actor: Actor,
) -> Archived:
    """Take prefixes off the disk; their specs and locks stay, so `env restore` brings them back.

    Name generations, or give a rule. The active generation is never archived.
    """
    from condarium.environments import archiving

    rule = archiving.Rule(
        environment=environment,
        generations=generation,
        older_than=older_than,
        keep_last=keep_last,
        namespace=namespace,
        all_namespaces=all_namespaces,
    )
    return archiving.archive(store, rule, dry_run=dry_run, actor=actor)


@operation("env restore", permission=Permission.ENVIRONMENT_ARCHIVE, changes=True, job=True)
def restore(
    store: Store,
    environment: Environment,
    generation: Annotated[int, Argument("the generation")],
    *,
    actor: Actor,
    progress: Progress,
) -> Restored:
    """Make the prefix of an archived generation again from its lock, bit for bit."""
    from condarium.environments import archiving

    return archiving.restore(store, environment, generation, actor=actor, progress=progress)


@operation("env remove", permission=Permission.ENVIRONMENT_REMOVE, changes=True)
def remove(store: Store, environment: Environment, *, actor: Actor) -> Removed:
    """Delete an environment and its history; `gc` then frees what nothing else uses."""
    from condarium.environments import activation

    return activation.remove(store, environment, actor=actor)


@operation("env verify", permission=Permission.ENVIRONMENT_BUILD, changes=True, job=True)
def verify(
    store: Store,
    environment: Environment,
    generation: Annotated[
        int | None, Argument("a generation; by default the active one", positional=True)
    ] = None,
    *,
    repair: Annotated[bool, Argument("mend the prefix where it differs")] = False,
    actor: Actor,
    progress: Progress,
) -> Verification:
    """Compare every file of a prefix with what its packages say, and name those that differ."""
    from condarium.environments import verifying

    return verifying.verify(
        store, environment, generation, repair=repair, actor=actor, progress=progress
    )


@operation("env du", permission=Permission.ENVIRONMENT_READ, where=Where.INSIDE)
def du(
    store: Store,
    environment: Annotated[
        EnvironmentName | None,
        Argument("only this environment", positional=True, metavar="NS/NAME"),
    ] = None,
    *,
    namespace: Annotated[str | None, Argument("only this namespace", "-n")] = None,
    actor: Actor,
    progress: Progress,
) -> DiskReport:
    """Show disk use by environment and namespace: logical, shared and own bytes."""
    from condarium.environments import disk

    return disk.report(store, environment, namespace, actor=actor, progress=progress)


@operation(
    "lock",
    permission=Permission.LOCK_SOLVE,
    saves="content",
    makes_store=True,
    job=True,
    where=Where.ANYWHERE,
)
def lock(
    store: Store,
    *,
    file: SpecFile,
    platform: Platforms = (),
    cuda: Cuda = None,
    refresh: Refresh = False,
    progress: Progress,
) -> Locked:
    """Solve an environment.yml for one or several platforms, and build nothing.

    The lock is in rattler's format, which pixi reads.
    """
    from condarium.environments import locking

    return locking.lock(
        store, file, platforms=_each(platform), cuda=cuda, refresh=refresh, progress=progress
    )


@operation("gc", permission=Permission.STORE_MAINTAIN, changes=True, job=True)
def gc(
    store: Store,
    *,
    dry_run: DryRun = False,
    actor: Actor,
    progress: Progress,
) -> Collected:
    """Free what nothing refers to: prefixes, packages, blobs, and leftovers of killed builds."""
    from condarium.environments import collecting

    return collecting.collect(store, dry_run=dry_run, actor=actor, progress=progress)


def _each(platforms: tuple[str, ...]) -> tuple[str, ...]:
    """Platforms with commas between them, as well as one by one."""
    return tuple(part.strip() for each in platforms for part in each.split(",") if part.strip())
