"""Mirroring a lock: a channel gets exactly the packages that the lock names."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import msgspec

from condarium.channels.blob_files import blob_file
from condarium.channels.changing.publishing import FileNameTaken, add_package, check_taken
from condarium.channels.changing.selecting import held_files
from condarium.channels.remote.pulling import has_bytes, has_obtained, note_obtained, pull
from condarium.channels.remote.upstream import remote_files
from condarium.channels.revising.draft import Draft, check_local, revise
from condarium.channels.validation.reading import read_package
from condarium.engine.lockfiles.conda_files import LockedFile, locked_files
from condarium.engine.lockfiles.lockfile import read_lock
from condarium.errors import BadArguments, BlobDamaged
from condarium.model.actor import Actor
from condarium.model.document import Document
from condarium.model.hosting.hosted import ChannelKind, HostedChannel, HostedFile, Record
from condarium.model.hosting.report import PublishedFile
from condarium.model.hosting.transfer import Mirrored, MirroredFile
from condarium.model.package import Package
from condarium.model.progress import Progress
from condarium.model.view import MAIN, ChannelName, View, check_label
from condarium.storage.store import Store

_FETCHING = 8


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """A file of a lock; `there` is what the channel says of it, if it has or had it before."""

    file: LockedFile
    there: HostedFile | None

    @property
    def path(self) -> str:
        return f"{self.file.subdir}/{self.file.file_name}"

    @property
    def digest(self) -> str | None:
        """Its SHA-256, if that is known before it is fetched."""
        return self.there.sha256 if self.there else self.file.sha256


@dataclass(frozen=True, kw_only=True)
class _Brought:
    """A file whose bytes are in the store and were checked; `fetched` is how many came just now."""

    wanted: _Wanted
    package: Package
    fetched: int

    @property
    def record(self) -> Record:
        """The record that it gets, or has got before."""
        there = self.wanted.there
        return msgspec.json.decode(there.record) if there else self.package.record


def mirror(
    store: Store,
    channel: ChannelName,
    lock: Document,
    *,
    environment: str | None = None,
    platforms: Sequence[str] = (),
    label: str = MAIN,
    reason: str = "",
    actor: Actor,
    progress: Progress,
) -> Mirrored:
    """Have exactly the packages of a lock in a channel, fetching those that the channel lacks.

    A local channel gets them in one revision, a proxy keeps them. What was fetched before a failure
    is not fetched again. Raises BadLock, PlatformNotLocked, UpstreamFailed, PackageRefused,
    FileNameTaken, NoSuchPackageFile, NoSuchChannel, NotALocalChannel for a union.
    """
    check_label(label)
    document = read_lock(lock.content, source=lock.name, environment=environment)
    platforms = tuple(platforms) or document.platforms
    wanted = locked_files(document, platforms)
    if not wanted:
        raise BadArguments(f"{lock.name} has no conda packages to mirror")
    pip = (each for name in platforms for each in document.locked(name) if each.kind == "pypi")
    asked = Mirrored(
        channel=channel,
        view=View(channel=channel, label=label),
        lock=lock.name,
        platforms=platforms,
        revision=None,
        files=(),
        pip=tuple(sorted({f"{each.name} {each.version}" for each in pip})),
        notes=document.warnings,
    )
    with store.shared():
        with store.database.read() as facts:
            hosted = facts.channels.get(channel)
        if hosted.kind is ChannelKind.PROXY:
            return replace(asked, files=_keep(store, hosted, wanted, label, progress))
        return _publish(store, asked, wanted, reason=reason, actor=actor, progress=progress)


def _keep(
    store: Store,
    proxy: HostedChannel,
    wanted: Sequence[LockedFile],
    label: str,
    progress: Progress,
) -> tuple[MirroredFile, ...]:
    from condarium.channels.remote.keeping import keep_files

    if label != MAIN:
        raise BadArguments(f"channel {proxy.name} is a proxy, which has no labels of its own")
    return keep_files(store, proxy, wanted, progress)


def _publish(
    store: Store,
    asked: Mirrored,
    wanted: Sequence[LockedFile],
    *,
    reason: str,
    actor: Actor,
    progress: Progress,
) -> Mirrored:
    """Publish the packages of a lock in one revision.

    A pixi.lock says what was solved with, patches of its channel included: a package whose own
    dependencies are others gets those of the lock, so that a solve against the mirror answers as
    the one did that made the lock.
    """
    hosted = check_local(store, asked.channel, "mirror")
    brought = _bring(store, hosted, _look(store, hosted, wanted), progress)
    packages = [_as_locked(each) for each in brought]
    check_taken(store, asked.channel, packages)
    progress.phase("publish")
    reason = reason or f"mirror of {asked.lock}"
    with revise(store, asked.channel, "mirror", reason=reason, actor=actor) as draft:
        added = [add_package(draft, package, [asked.view.label]) for package in packages]
        yanked = _yanked(draft, packages)
    differing = {each.wanted for each in brought if not _agrees(each.record, each.wanted.file)}
    return replace(
        asked,
        revision=draft.revision.number if draft.revision else None,
        files=tuple(map(_mirrored, added, brought)),
        as_locked=tuple(sorted(each.path for each in differing if not each.there)),
        otherwise=tuple(sorted(each.path for each in differing if each.there)),
        yanked=yanked,
    )


def _mirrored(added: PublishedFile, brought: _Brought) -> MirroredFile:
    return MirroredFile(
        subdir=added.subdir,
        file_name=added.file_name,
        status=added.status,
        fetched=brought.fetched,
    )


def _look(store: Store, hosted: HostedChannel, files: Iterable[LockedFile]) -> list[_Wanted]:
    """What the channel knows of the files. Raises FileNameTaken where it has others."""
    found = []
    with store.database.read() as facts:
        for file in files:
            there = facts.holdings.file(hosted, file.subdir, file.file_name)
            if there is not None and not file.is_file(sha256=there.sha256, md5=there.md5):
                raise FileNameTaken(
                    hosted.name,
                    f"{file.subdir}/{file.file_name}",
                    found=file.sha256 or f"unknown, and MD5 {file.md5}",
                    there=there.sha256,
                )
            found.append(_Wanted(file=file, there=there))
    return found


def _bring(
    store: Store, hosted: HostedChannel, wanted: Sequence[_Wanted], progress: Progress
) -> list[_Brought]:
    """Fetch what the channel lacks, several at once, and check all; the first failure ends it."""
    sizes = [each.file.size or 0 for each in wanted]
    progress.phase("fetch packages", sum(sizes) if all(sizes) else None, "bytes")

    def bring(each: _Wanted) -> _Brought:
        digest, fetched = _have(store, hosted, each)
        package = _check(store, each.file, digest)
        progress.advance(package.size)
        return _Brought(wanted=each, package=package, fetched=fetched)

    with ThreadPoolExecutor(_FETCHING) as pool:
        working = [pool.submit(bring, each) for each in wanted]
        try:
            return [each.result() for each in working]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _have(store: Store, hosted: HostedChannel, wanted: _Wanted) -> tuple[str, int]:
    """The digest of a file's bytes, which are in the store then, and how many were fetched.

    What only another channel has is fetched: a lock may name any hash.
    """
    if wanted.there is not None and has_bytes(store, hosted, wanted.there):
        return wanted.there.sha256, 0
    if wanted.digest is not None and has_obtained(store, hosted, wanted.digest):
        return wanted.digest, 0
    file = wanted.file
    digest = pull(
        store, remote_files(store), file.url, sha256=file.sha256, md5=file.md5, size=file.size
    )
    note_obtained(store, hosted, digest)
    return digest, store.blobs.size(digest) or 0


def _check(store: Store, file: LockedFile, digest: str) -> Package:
    with blob_file(store, digest) as path:
        package = read_package(path, file.file_name, now=store.now())
    if package.sha256 != digest:
        raise BlobDamaged(digest)
    return package


def _agrees(record: Record, file: LockedFile) -> bool:
    """Whether a record has the dependencies that were solved with, as far as the lock says."""
    return file.depends is None or (
        tuple(record.get("depends", ())) == file.depends
        and tuple(record.get("constrains", ())) == file.constrains
    )


def _as_locked(brought: _Brought) -> Package:
    package, file = brought.package, brought.wanted.file
    if file.depends is None or _agrees(package.record, file):
        return package
    said = {"depends": list(file.depends), "constrains": list(file.constrains or ())}
    return replace(package, record={**package.record, **said})


def _yanked(draft: Draft, packages: Iterable[Package]) -> tuple[str, ...]:
    """Those of the packages that no index shows."""
    names = {(package.subdir, package.name) for package in packages}
    paths = {f"{package.subdir}/{package.file_name}" for package in packages}
    held = held_files(draft.facts, draft.channel, names)
    return tuple(sorted(each.path for each in held if each.yank and each.path in paths))
