"""gc: freeing what nothing refers to, and what killed processes left.

What is reachable is never removed: the facts say which prefixes and blobs are wanted, prefixes say
which packages, and the number of links of a file says whether a prefix still uses it. Everybody who
makes something holds the store's lock together with others; gc holds it alone.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from condarium.engine.packages.cache import cached_packages, leftovers, stems
from condarium.environments.activation import discard_link, settle
from condarium.environments.disk import tree_bytes, walk
from condarium.environments.prefixes import (
    MARKER,
    bring_all_back,
    in_use,
    take_away,
    trash,
)
from condarium.errors import StoreReadOnly
from condarium.model.actor import Actor
from condarium.model.environment import Build, BuildStatus
from condarium.model.names import EnvironmentName
from condarium.model.progress import Progress
from condarium.model.report import Collected, CollectedKind
from condarium.storage.locks import discard, is_held
from condarium.storage.store import Store

ANSWERS_KEPT = timedelta(days=30)
"""How long a lock that no generation uses answers its question without a new solve, and how long
an index of the past is kept that can be made again."""

DERIVED_KEPT = timedelta(days=7)
"""How long a client may still ask for a shard that a view made of others, once it shows another."""


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """Something to remove: how many bytes that frees, and how it is done."""

    kind: str
    bytes: int
    remove: Callable[[], None]


def collect(store: Store, *, dry_run: bool, actor: Actor, progress: Progress) -> Collected:
    """Find all garbage, and remove it unless this is a dry run."""

    def waiting() -> None:
        progress.say("builds are running on this store; gc waits for them")

    with _alone(store, dry_run=dry_run, waiting=waiting):
        kinds: dict[str, list[int]] = {}
        progress.phase("collect")
        for garbage in _garbage(store, dry_run=dry_run):
            count = kinds.setdefault(garbage.kind, [0, 0])
            count[0] += 1
            count[1] += garbage.bytes
            if not dry_run:
                garbage.remove()
            progress.advance()
        if not dry_run:
            _discard_locks(store)
        collected = Collected(
            kinds=tuple(
                CollectedKind(kind=kind, count=count, bytes=size)  # type: ignore[arg-type]  # one of the kinds below
                for kind, (count, size) in kinds.items()
            ),
            dry_run=dry_run,
        )
        if collected.kinds and not dry_run:
            detail = {
                str(each.kind): f"{each.count}, {each.bytes} bytes" for each in collected.kinds
            }
            with store.database.change(actor, "gc", str(store.layout.root), detail):
                pass
    return collected


@contextmanager
def _alone(store: Store, *, dry_run: bool, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the store alone; on a dry run, share it where it may only be read."""
    with ExitStack() as held:
        try:
            held.enter_context(store.alone(waiting=waiting))
        except StoreReadOnly:
            if not dry_run:
                raise
            held.enter_context(store.shared())
        yield


def _garbage(store: Store, *, dry_run: bool) -> Iterator[Garbage]:
    """In an order in which each kind finds what the removal of the one before set free.

    Leftovers need no database, which cannot even be opened while a disk is full to the brim.
    """
    yield from _leftovers(store)
    if not dry_run:
        _settle(store)
    yield from _prefixes(store)
    yield from _packages(store)
    yield from _unlinked("bytecode", store.layout.bytecode)
    yield from _unlinked("records", store.layout.records)
    yield from _pypi(store)
    yield from _indexes(store)
    yield from _blobs(store)


def _prefixes(store: Store) -> Iterator[Garbage]:
    """Prefixes that no generation wants, and those that were never finished."""
    with store.database.read() as facts:
        wanted = facts.environments.live_prefixes()
    for folder in _children(store.layout.prefixes):
        if not folder.name.startswith("."):
            whole = (folder / MARKER).exists()
            wanted_still = folder.name in wanted or in_use(store.layout, folder.name)
            if not whole or not wanted_still:
                yield _folder("prefixes" if whole else "leftovers", folder)


def _packages(store: Store) -> Iterator[Garbage]:
    """Packages that no wanted prefix was made of."""
    with store.database.read() as facts:
        wanted = facts.environments.live_prefixes()
    used = {stem for prefix in wanted for stem in stems(store.layout.prefix(prefix))}
    for package in cached_packages(store.layout.packages):
        if package.stem not in used:

            def remove(package: object = package) -> None:
                take_away(package.folder)  # type: ignore[attr-defined]  # bound now, not in the loop
                package.lock.unlink(missing_ok=True)  # type: ignore[attr-defined]  # as above

            yield Garbage(kind="packages", bytes=tree_bytes(package.folder).logical, remove=remove)


def _unlinked(kind: str, folder: Path) -> Iterator[Garbage]:
    """Files that no prefix links; where files are copied, all of them: they can be made again."""
    for entry in walk(folder):
        status = entry.stat(follow_symlinks=False)
        if status.st_nlink == 1:
            yield Garbage(kind=kind, bytes=status.st_size, remove=Path(entry.path).unlink)


def _pypi(store: Store) -> Iterator[Garbage]:
    """uv's cache as a whole, once no file in it is linked from a prefix."""
    folder = store.layout.pypi
    linked = any(entry.stat(follow_symlinks=False).st_nlink > 1 for entry in walk(folder))
    if folder.exists() and not linked:
        yield _folder("pypi", folder)


def _indexes(store: Store) -> Iterator[Garbage]:
    """What is kept of channels' indexes, where no solve has read it for long."""
    oldest = (store.now() - ANSWERS_KEPT).timestamp()
    for entry in walk(store.layout.repodata):
        status = entry.stat(follow_symlinks=False)
        if max(status.st_atime, status.st_mtime) < oldest:
            yield Garbage(kind="indexes", bytes=status.st_size, remove=Path(entry.path).unlink)


def _blobs(store: Store) -> Iterator[Garbage]:
    """Blobs that no fact names; answers that are old and that no generation uses go first.

    They are listed before facts are asked: some are put without the store's lock, once a fact
    names them for the first time.
    """
    blobs = list(store.blobs)
    with store.database.read() as facts:
        named = facts.naming.kept(solved_since=store.now() - ANSWERS_KEPT)
        named |= facts.naming.encoded()
    for blob in blobs:
        if blob.digest not in named:

            def remove(digest: str = blob.digest) -> None:
                store.blobs.remove(digest)

            yield Garbage(kind="blobs", bytes=blob.size, remove=remove)


def _leftovers(store: Store) -> Iterator[Garbage]:
    """What killed processes left: half-removed folders, half-fetched packages and blobs."""
    layout = store.layout
    fetched = [*leftovers(layout.packages), *_children(layout.incoming), *_unfinished_blobs(store)]
    for path in [*trash(layout), *fetched]:
        yield _folder("leftovers", path)


def _discard_locks(store: Store) -> None:
    """Remove the files of locks that nobody holds; they are made again when they are wanted."""
    kept = {store.layout.locks / name for name in ("store", "store-gate", "migrate")}
    for entry in list(walk(store.layout.locks)):
        if (path := Path(entry.path)) not in kept:
            discard(path)


def _unfinished_blobs(store: Store) -> list[Path]:
    """Files in the blobs' folder that are about to become blobs: nobody makes any now."""
    files = [Path(entry.path) for entry in walk(store.layout.blobs)]
    return [path for path in files if len(path.parent.name + path.name) != 64]


def _settle(store: Store) -> None:
    """Write down which builds were interrupted, forget old answers, and mend links."""
    layout = store.layout
    bring_all_back(layout)
    with store.database.note() as facts:
        for build in facts.builds.running():
            if not is_held(layout.locks / "build" / str(build.id)):
                _note_interrupted(store, build, facts.builds.end)
        facts.solves.remove_before(store.now() - ANSWERS_KEPT, keep=facts.environments.blobs())
        facts.shards.forget_derived(store.now() - DERIVED_KEPT)
        facts.encodings.forget_past(store.now() - ANSWERS_KEPT)
        environments = {each.name: each for each in facts.environments.all()}
    for environment in environments.values():
        settle(store, environment)
    for link in list(layout.environments.glob("*/*")):
        if EnvironmentName(link.parent.name, link.name) not in environments:
            discard_link(store, link)


def _note_interrupted(store: Store, build: Build, end: Callable[..., None]) -> None:
    end(
        build.id,
        BuildStatus.INTERRUPTED,
        at=store.now(),
        phases=build.phases,
        error="its process ended without saying how",
    )


def _folder(kind: str, folder: Path) -> Garbage:
    size = tree_bytes(folder).own if folder.is_dir() else folder.lstat().st_size
    return Garbage(kind=kind, bytes=size, remove=lambda: _remove(folder))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        take_away(path)
    else:
        path.unlink(missing_ok=True)


def _children(folder: Path) -> Iterable[Path]:
    return sorted(folder.iterdir()) if folder.exists() else ()
