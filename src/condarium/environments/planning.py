"""What a build comes down to, before anything is done: a lock, and the prefix that it is here."""

from dataclasses import dataclass

from condarium.engine.lockfiles.document import LockDocument
from condarium.engine.lockfiles.lockfile import read_lock, write_alone
from condarium.engine.solving.virtual_packages import host_platform
from condarium.environments.link_scripts import check_link_scripts
from condarium.environments.locking import solve_file
from condarium.environments.prefixes import Phases, PrefixSpec
from condarium.errors import BadArguments, PlatformNotLocked
from condarium.model.access.decisions import PLATFORM, Thing
from condarium.model.access.permissions import Permission, ThingKind
from condarium.model.actor import Actor
from condarium.model.channel_url import ChannelUrl
from condarium.model.digest import sha256_of
from condarium.model.document import Document
from condarium.model.names import EnvironmentName
from condarium.model.progress import Progress
from condarium.model.secret import redact_url
from condarium.model.specfile import decode, read_spec
from condarium.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody wants built."""

    environment: EnvironmentName | None
    file: Document | None
    lock: Document | None
    lock_environment: str | None = None
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
    channels: tuple[ChannelUrl, ...]
    prefix: PrefixSpec | None
    solved: bool
    notes: tuple[str, ...]


def plan(store: Store, request: Request, *, progress: Progress, phases: Phases) -> Plan:
    """Solve the request's file, or read its lock. Raises BadArguments where it has both or none."""
    check_sources(request.file, request.lock)
    if request.lock is None:
        return _plan_from_file(store, request, progress, phases)
    return _plan_from_lock(request, request.lock)


def check_sources(file: Document | None, lock: Document | None) -> None:
    """Raise BadArguments for neither a file nor a lock, or both."""
    if (file is None) == (lock is None):
        raise BadArguments(
            "build from what? Give an environment.yml or a lock, and not both",
            hint="For example: condarium env build lab/fit -f environment.yml",
        )


def require_permitted(store: Store, request: Request, actor: Actor) -> None:
    """Ask before anything is solved or fetched: the file may say which namespace is meant.

    Raises NotPermitted, BadSpec, BadArguments, LinkScriptsOff.
    """
    name = request.environment
    if name is None and request.file is not None:
        actor.require(Permission.ENVIRONMENT_BUILD)  # before a stranger's file is read
        text = decode(request.file.content, request.file.name)
        said = read_spec(text, check_matchspec=lambda _: None, source=request.file.name)
        name = EnvironmentName.parse(said.spec.name) if said.spec.name else None
    if name is None:
        return  # what it is to be built from is refused by whoever plans
    actor.require(
        Permission.ENVIRONMENT_BUILD, Thing(kind=ThingKind.NAMESPACE, name=name.namespace)
    )
    with store.database.read() as facts:
        known = facts.namespaces.is_there(name.namespace)
    if not known:
        actor.require(Permission.NAMESPACE_CREATE, PLATFORM)
    if request.link_scripts:
        check_link_scripts(store.settings.environ)


def _plan_from_file(store: Store, request: Request, progress: Progress, phases: Phases) -> Plan:
    file = request.file
    assert file is not None
    if request.lock_environment:
        raise BadArguments("--lock-environment chooses from a lock: give one with --lock")
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
        channels=solved.channels,
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
    document = read_lock(lock.content, source=lock.name, environment=request.lock_environment)
    # What is kept is read again without anybody naming one of its environments.
    content = write_alone(document) if request.lock_environment else lock.content
    host = host_platform()
    try:
        packages = document.locked(host)
    except PlatformNotLocked:
        packages = None
    return Plan(
        name=request.environment,
        document=document,
        content=content,
        spec=None,
        channels=(),
        prefix=PrefixSpec(
            lock=sha256_of(content),
            platform=host,
            packages=packages,
            link_scripts=request.link_scripts,
        )
        if packages is not None
        else None,
        solved=False,
        notes=(*document.warnings, *_others(document)),
    )


def _others(document: LockDocument) -> tuple[str, ...]:
    """What to say of a lock that has more environments than the one that was taken."""
    others = [name for name in document.environments if name != document.environment]
    if not others:
        return ()
    return (
        f"{document.source} has other environments too ({', '.join(others)}); "
        f"{document.environment!r} was taken (--lock-environment NAME takes another)",
    )
