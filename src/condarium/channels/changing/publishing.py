"""Publishing: package files are checked, kept as blobs, and become visible in one revision."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec

from condarium.channels.revising.draft import Draft, revise
from condarium.channels.validation import read_package
from condarium.errors import BadArguments, Conflict
from condarium.model.actor import Actor
from condarium.model.hosting.fact import Fact, FactKind
from condarium.model.hosting.hosted import HostedFile
from condarium.model.hosting.report import Published, PublishedFile
from condarium.model.package import Package
from condarium.model.progress import Progress
from condarium.model.upload import Upload
from condarium.model.view import MAIN, ChannelName, check_label
from condarium.storage.store import Store

_T = TypeVar("_T")
_R = TypeVar("_R")
_encoder = msgspec.json.Encoder(order="sorted")


class FileNameTaken(Conflict):
    """The channel has, or had, another package file of this name."""

    def __init__(self, channel: ChannelName, file: str, *, found: str, there: str) -> None:
        self.channel, self.file, self.found, self.there = channel, file, found, there
        super().__init__(
            f"{file}: channel {channel} has other bytes under this name: found SHA-256 {found}, "
            f"there is {there}",
            hint="A package file never changes once it was published, even after it was removed. "
            "Build it again with a higher build number.",
        )


def publish(
    store: Store,
    channel: ChannelName,
    uploads: Sequence[Upload],
    *,
    labels: Sequence[str] = (),
    reason: str = "",
    actor: Actor,
    progress: Progress,
) -> Published:
    """Publish package files in one revision: all of them, or none.

    A file that is there already stays as it is, and gets the labels that it lacks. Raises
    PackageRefused, FileNameTaken, NoSuchChannel, NotALocalChannel, BadName for a label.
    """
    if not uploads:
        raise BadArguments("there is no package file to publish")
    labels = tuple(dict.fromkeys(check_label(label) for label in labels)) or (MAIN,)
    with store.shared():
        packages = check_packages(store, uploads, progress)
        check_taken(store, channel, packages.values())
        keep_packages(store, packages, progress)
        progress.phase("publish")
        with revise(store, channel, "publish", reason=reason, actor=actor) as draft:
            files = tuple(add_package(draft, package, labels) for package in packages.values())
    return Published(
        channel=channel,
        labels=labels,
        revision=draft.revision.number if draft.revision else None,
        files=files,
    )


def check_packages(
    store: Store, uploads: Sequence[Upload], progress: Progress
) -> dict[Path, Package]:
    """Read all packages before any is kept. Two of the same name must be the same."""
    progress.phase("check packages", len(uploads), "packages")
    now = store.now()

    def check(upload: Upload) -> Package:
        package = read_package(upload.path, upload.name, now=now)
        progress.advance()
        return package

    checked = _each(check, uploads)
    seen: dict[tuple[str, str], Package] = {}
    packages: dict[Path, Package] = {}
    for upload, package in zip(uploads, checked, strict=True):
        first = seen.setdefault((package.subdir, package.file_name), package)
        if first.sha256 != package.sha256:
            raise BadArguments(
                f"two different files are called {package.subdir}/{package.file_name}",
                hint="Publish one of them; give the other a higher build number.",
            )
        if first is package:
            packages[upload.path] = package
    return packages


def check_taken(store: Store, channel: ChannelName, packages: Iterable[Package]) -> None:
    """Refuse before bytes are kept what would be refused after."""
    with store.database.read() as facts:
        hosted = facts.channels.get(channel)
        for package in packages:
            _not_taken(channel, package, facts.holdings.file(hosted, *_key(package)))


def _not_taken(channel: ChannelName, package: Package, there: HostedFile | None) -> None:
    if there is not None and there.sha256 != package.sha256:
        file = f"{package.subdir}/{package.file_name}"
        raise FileNameTaken(channel, file, found=package.sha256, there=there.sha256)


def keep_packages(store: Store, packages: Mapping[Path, Package], progress: Progress) -> None:
    """Have the bytes of packages in the store."""
    progress.phase("keep packages", sum(package.size for package in packages.values()), "bytes")

    def keep(path: Path) -> None:
        store.blobs.put_file(path, packages[path].sha256)
        progress.advance(packages[path].size)

    _each(keep, list(packages))


def _each(function: Callable[[_T], _R], values: Sequence[_T]) -> list[_R]:
    """Call a function with each value, several at once where there are many."""
    if len(values) == 1:
        return [function(values[0])]
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        return list(pool.map(function, values))


def add_package(draft: Draft, package: Package, labels: Sequence[str]) -> PublishedFile:
    """Have a package with labels in a channel from a revision on. Raises FileNameTaken.

    Its record is that of `package`, unless the channel had the file ever before.
    """
    holdings, channel = draft.facts.holdings, draft.channel
    there = holdings.file(channel, *_key(package))
    _not_taken(channel.name, package, there)
    if there is None:
        draft.add_file(_hosted(package, int(draft.store.now().timestamp() * 1000)))
        holding = set()
    else:
        about = holdings.about(channel, [(package.subdir, package.name)], at=channel.head)
        holding = {fact for fact in about if fact.file_name == package.file_name}
        if there.source is not None:  # perhaps it was only heard of until now
            draft.facts.obtained.add(channel, [bytes.fromhex(there.sha256)])
    wanted = facts_of(package, labels)
    new = [fact for fact in wanted if fact not in holding]
    draft.open(*new)
    return PublishedFile(
        subdir=package.subdir,
        file_name=package.file_name,
        status="there already" if not new else "published" if wanted[0] in new else "labelled",
        sha256=package.sha256,
        size=package.size,
        warnings=package.warnings,
    )


def facts_of(package: Package | HostedFile, labels: Iterable[str]) -> list[Fact]:
    """The facts that a file is in a channel, and has labels."""
    file = Fact(
        kind=FactKind.FILE,
        subdir=package.subdir,
        name=package.name,
        file_name=package.file_name,
        value=package.sha256,
    )
    return [file, *(replace(file, kind=FactKind.LABEL, value=label) for label in labels)]


def _hosted(package: Package, indexed_at: int) -> HostedFile:
    return HostedFile(
        subdir=package.subdir,
        file_name=package.file_name,
        name=package.name,
        version=package.version,
        build=package.build,
        build_number=package.build_number,
        sha256=package.sha256,
        md5=package.md5,
        size=package.size,
        indexed_at=indexed_at,
        record=_encoder.encode({**package.record, "indexed_timestamp": indexed_at}),
        about=_encoder.encode(package.about) if package.about else None,
    )


def _key(package: Package) -> tuple[str, str]:
    return package.subdir, package.file_name
