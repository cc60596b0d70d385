"""Writing a bundle of what a view shows: whole or not at all, and the same bytes each time."""

import hashlib
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from condarium.channels.blob_files import blob_file
from condarium.channels.bundles.bundle import (
    INDEX,
    MANIFEST,
    VERSION,
    Entry,
    Manifest,
    encode_index,
    encode_manifest,
)
from condarium.channels.changing.selecting import open_view
from condarium.channels.remote.pulling import ensure_bytes
from condarium.channels.remote.refreshing import Refresher
from condarium.channels.views.contents import names_in, read_packages
from condarium.channels.views.listing import Listing
from condarium.channels.views.packages import find_package
from condarium.engine.lockfiles.conda_files import LockedFile, locked_files
from condarium.engine.lockfiles.lockfile import read_lock
from condarium.engine.solving.record_spec import RecordSpec
from condarium.errors import BadArguments, BlobDamaged, Failed, NotFound
from condarium.model.document import Document
from condarium.model.hosting.hosted import Record
from condarium.model.hosting.transfer import Exported
from condarium.model.progress import Progress
from condarium.model.view import View
from condarium.storage.store import Store

_NAMED = 5
"""How many packages an error names."""

_Chosen = dict[str, dict[str, Record]]
"""Records by subdir and file name."""


class NotInView(NotFound):
    """A view does not show what is to be exported."""

    def __init__(self, view: View, what: Sequence[str], *, hint: str) -> None:
        self.view, self.what = view, tuple(what)
        named = ", ".join(what[:_NAMED])
        more = f" and {len(what) - _NAMED} more" if len(what) > _NAMED else ""
        super().__init__(f"{view} does not show {named}{more}", hint=hint)


class BundleNotWritten(Failed):
    """A bundle cannot be written where it is to be."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(
            f"{path} cannot be written: {reason}",
            hint="Name a file in a folder that exists, that you may write to and that has room.",
        )


def export(
    store: Store,
    view: View,
    file: str,
    *,
    lock: Document | None = None,
    specs: Sequence[str] = (),
    progress: Progress,
) -> Exported:
    """Write what a view shows, or what of it a lock or MatchSpecs name, to one file.

    Raises NotInView where it does not show all of that, BundleNotWritten, BadLock, BadPackageSpec,
    NoSuchChannel, NoSuchLabel, and UpstreamFailed for bytes that are still elsewhere.
    """
    if lock is not None and specs:
        raise BadArguments("a lock and specs do not go together", hint="Give one of them.")
    path = Path(file).expanduser().absolute()
    _check_place(path)
    wanted = [RecordSpec.parse(spec) for spec in specs]
    if view.as_of is None:
        Refresher(store).behind(view.channel)
    listing = open_view(store, view)
    with store.shared():
        if lock is not None:
            chosen = _of_lock(store, listing, lock, progress)
        else:
            chosen = _of_specs(store, listing, wanted, progress)
        indexes = {subdir: encode_index(subdir, dict(found)) for subdir, found in chosen.items()}
        packages = _packages(store, listing, chosen, progress)
        manifest = Manifest(
            version=VERSION,
            view=str(view),
            label=view.label,
            revision=listing.revision,
            indexes=[_entry(subdir, content) for subdir, content in indexes.items()],
            packages=packages,
        )
        size, digest = _write(store, path, manifest, list(indexes.values()), progress)
    return Exported(
        view=view,
        revision=listing.revision,
        path=path,
        packages=len(packages),
        subdirs=tuple(subdir for subdir, found in chosen.items() if found),
        size=size,
        sha256=digest,
    )


def _of_specs(
    store: Store, listing: Listing, specs: Sequence[RecordSpec], progress: Progress
) -> _Chosen:
    """All that a view shows, or what fits any of the specs, of which each must fit something."""
    names = names_in(listing)
    if specs and all(spec.name for spec in specs):
        names = sorted({str(spec.name) for spec in specs} & {*names})
    found: _Chosen = {"noarch": {}}
    idle = {spec.text for spec in specs}
    for package in read_packages(store, listing, names, progress=progress):
        for subdir, file_name, record in package.files:
            fitting = {spec.text for spec in specs if spec.fits(subdir, file_name, record)}
            if fitting or not specs:
                found.setdefault(subdir, {})[file_name] = record
                idle -= fitting
    if idle:
        hint = f"`condarium channel packages {listing.view}` shows what there is."
        raise NotInView(listing.view, sorted(idle), hint=hint)
    return _sorted(found)


def _of_lock(store: Store, listing: Listing, lock: Document, progress: Progress) -> _Chosen:
    """The packages of a lock, for all its platforms."""
    wanted = locked_files(read_lock(lock.content, source=lock.name))
    names = sorted({file.name for file in wanted} & {*names_in(listing)})
    shown = {
        (subdir, file_name): record
        for package in read_packages(store, listing, names, progress=progress)
        for subdir, file_name, record in package.files
    }
    missing = [file for file in wanted if not _is(file, shown.get((file.subdir, file.file_name)))]
    if missing:
        hint = f"`condarium channel mirror {listing.view.channel} --lock {lock.name}` fetches them."
        raise NotInView(listing.view, [f"{f.subdir}/{f.file_name}" for f in missing], hint=hint)
    found: _Chosen = {"noarch": {}}
    for file in wanted:
        record = shown[file.subdir, file.file_name]
        found.setdefault(file.subdir, {})[file.file_name] = record
    return _sorted(found)


def _is(file: LockedFile, record: Record | None) -> bool:
    return record is not None and file.is_file(sha256=record["sha256"], md5=record.get("md5"))


def _sorted(found: Mapping[str, Mapping[str, Record]]) -> _Chosen:
    return {subdir: dict(sorted(found[subdir].items())) for subdir in sorted(found)}


def _packages(store: Store, listing: Listing, chosen: _Chosen, progress: Progress) -> list[Entry]:
    """The packages to write, whose bytes are in the store then."""
    progress.phase("have packages", sum(map(len, chosen.values())), "packages")
    entries = []
    for subdir, found in chosen.items():
        for file_name in found:
            with store.database.read() as facts:
                channel, file = find_package(store, facts, listing, subdir, file_name)
            ensure_bytes(store, channel, file)
            size = store.blobs.size(file.sha256) or 0
            entries.append(Entry(path=f"{subdir}/{file_name}", sha256=file.sha256, size=size))
            progress.advance()
    return entries


def _entry(subdir: str, content: bytes) -> Entry:
    digest = hashlib.sha256(content).hexdigest()
    return Entry(path=f"{subdir}/{INDEX}", sha256=digest, size=len(content))


def _write(
    store: Store, path: Path, manifest: Manifest, indexes: Sequence[bytes], progress: Progress
) -> tuple[int, str]:
    """Write a bundle, and give its size and its SHA-256."""
    progress.phase("write", sum(entry.size for entry in manifest.packages), "bytes")
    with _whole(path) as file:
        # no member says when or by whom it was written: equal bundles are equal bytes
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]  # it needs no more of a file
            _add(tar, MANIFEST, encode_manifest(manifest))
            for entry, content in zip(manifest.indexes, indexes, strict=True):
                _add(tar, entry.path, content)
            for entry in manifest.packages:
                _add_package(store, tar, entry)
                progress.advance(entry.size)
        return file.tell(), file.digest.hexdigest()


def _add(tar: tarfile.TarFile, path: str, content: bytes) -> None:
    tar.addfile(_member(path, len(content)), BytesIO(content))


def _add_package(store: Store, tar: tarfile.TarFile, entry: Entry) -> None:
    with blob_file(store, entry.sha256) as path, path.open("rb") as source:
        found = hashlib.file_digest(source, "sha256").hexdigest()
        if found != entry.sha256:
            raise BlobDamaged(entry.sha256)
        source.seek(0)
        tar.addfile(_member(entry.path, entry.size), source)


def _member(path: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.size = size
    return member


class _Writing:
    """A file that is hashed while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        return self._file.write(content)

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def _whole(path: Path) -> Iterator[_Writing]:
    """A file that takes its place once it is whole. Raises BundleNotWritten."""
    beside = path.with_name(f".{path.name[:80]}.{os.urandom(4).hex()}")
    try:
        with beside.open("xb") as file:
            yield _Writing(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise BundleNotWritten(path, error.strerror or str(error)) from error
    finally:
        beside.unlink(missing_ok=True)


def _check_place(path: Path) -> None:
    """Find out before long work whether a bundle can be written. Raises BundleNotWritten."""
    if not path.parent.is_dir():
        raise BundleNotWritten(path, f"there is no folder {path.parent}")
    if path.exists() and not path.is_file():
        raise BundleNotWritten(path, "something else is there")
    if not os.access(path.parent, os.W_OK):
        raise BundleNotWritten(path, "permission denied")
