"""Taking a bundle in: all of it is verified before any of it is seen."""

import shutil
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from condarium.channels.blob_files import incoming_folder
from condarium.channels.bundles.bundle import (
    INDEX,
    MANIFEST,
    BadBundle,
    Entry,
    Manifest,
    decode_index,
    decode_manifest,
)
from condarium.channels.changing.publishing import (
    add_package,
    check_packages,
    check_taken,
    keep_packages,
)
from condarium.channels.remote.taking import Unfit, take
from condarium.channels.revising.draft import Draft, check_local, revise
from condarium.channels.validation.refusal import Fault
from condarium.channels.validation.tar import Kind, Member, read_members
from condarium.errors import BadName
from condarium.model.actor import Actor
from condarium.model.hosting.hosted import Record
from condarium.model.hosting.transfer import BundleImported
from condarium.model.package import BadPackageName, Package, PackageFileName
from condarium.model.progress import Progress
from condarium.model.subdirs import is_subdir
from condarium.model.upload import Upload
from condarium.model.view import ChannelName, check_label
from condarium.storage.store import Store

_PIECE = 1 << 20
_LARGEST = 512 << 20
"""In bytes: no manifest and no index is larger."""
_OWN = ("md5", "sha256", "size", "subdir")
"""What the bytes themselves say of a package."""


def import_bundle(
    store: Store,
    channel: ChannelName,
    upload: Upload,
    *,
    labels: Sequence[str] = (),
    reason: str = "",
    actor: Actor,
    progress: Progress,
) -> BundleImported:
    """Publish the packages of a bundle in one revision, with the records that it shows of them.

    They get the label of the view that was exported, unless others are named. Files that the
    channel has or had already keep their records. Raises BadBundle, PackageRefused, FileNameTaken,
    NoSuchChannel, NotALocalChannel.
    """
    labels = tuple(dict.fromkeys(check_label(label) for label in labels))
    with store.shared(), incoming_folder(store) as folder:
        check_local(store, channel, "import")
        bundle = _verified(upload, progress)
        labels = labels or (bundle.manifest.label,)
        packages = check_packages(store, list(_unpack(bundle, folder)), progress)
        packages = {path: _as_shown(package, bundle) for path, package in packages.items()}
        check_taken(store, channel, packages.values())
        keep_packages(store, packages, progress)
        progress.phase("publish")
        said = bundle.manifest
        reason = reason or f"bundle of {said.view} at {said.revision}"
        with revise(store, channel, "import", reason=reason, actor=actor) as draft:
            before = [_there(draft, each) for each in packages.values()]
            files = tuple(add_package(draft, each, labels) for each in packages.values())
    return BundleImported(
        channel=channel,
        labels=labels,
        source=said.view,
        source_revision=said.revision,
        revision=draft.revision.number if draft.revision else None,
        files=files,
        otherwise=tuple(
            f"{each.subdir}/{each.file_name}"
            for each, record in zip(packages.values(), before, strict=True)
            if record is not None and not _same(record, each.record)
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Bundle:
    """A bundle that is whole; `records` are by path."""

    name: str
    path: Path
    manifest: Manifest
    records: Mapping[str, Record]


def _verified(upload: Upload, progress: Progress) -> _Bundle:
    """Read a bundle from its begin to its end, and compare all of it with what it says it is."""
    progress.phase("verify", upload.path.stat().st_size, "bytes")
    members = _members(upload, progress)
    first = next(members, None)
    if first is None or first.path != MANIFEST:
        raise BadBundle(
            upload.name,
            found=f"{first.path!r} as its first member" if first else "an empty archive",
            expected=MANIFEST,
            hint="`condarium channel export` writes bundles.",
        )
    manifest = decode_manifest(first.content or b"", upload.name)
    _check_manifest(manifest, upload.name)
    indexes: dict[str, bytes] = {}
    for number, entry in enumerate(manifest.entries):
        member = next(members, None)
        _check_member(member, entry, upload.name)
        if member is not None and number < len(manifest.indexes):
            indexes[entry.path] = member.content or b""
    if (strange := next(members, None)) is not None:
        found = f"the member {strange.path!r}"
        raise BadBundle(upload.name, found=found, expected="only what its manifest names")
    return _Bundle(
        name=upload.name,
        path=upload.path,
        manifest=manifest,
        records=_records(manifest, indexes, upload.name),
    )


def _members(upload: Upload, progress: Progress) -> Iterator[Member]:
    try:
        yield from read_members(_pieces(upload.path, progress), name=upload.name, kept=_is_text)
    except Fault as fault:
        found = f"{fault.found} ({fault.member})" if fault.member else fault.found
        raise BadBundle(upload.name, found=found, expected=fault.expected) from fault


def _pieces(path: Path, progress: Progress) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            progress.advance(len(piece))
            yield piece


def _is_text(path: str, size: int) -> bool:
    return size <= _LARGEST and path.rpartition("/")[2] in (MANIFEST, INDEX)


def _check_manifest(manifest: Manifest, bundle: str) -> None:
    """Refuse paths that no channel has, before anything is done with them."""
    indexed = {_subdir_of_index(entry, bundle) for entry in manifest.indexes}
    for entry in manifest.packages:
        subdir, _, file_name = entry.path.partition("/")
        try:
            PackageFileName.parse(file_name)
        except BadPackageName as error:
            found = f"the package {entry.path!r} in its manifest"
            raise BadBundle(bundle, found=found, expected="SUBDIR/PACKAGE") from error
        if subdir not in indexed:
            raise BadBundle(bundle, found=f"{entry.path}, and no {subdir}/{INDEX}", expected="both")
    counts = Counter(entry.path for entry in manifest.entries)
    if twice := next((path for path, count in counts.items() if count > 1), None):
        raise BadBundle(bundle, found=f"{twice} twice in its manifest", expected="it once")
    try:
        check_label(manifest.label)
    except BadName as error:
        raise BadBundle(bundle, found=str(error), expected="a label") from error


def _subdir_of_index(entry: Entry, bundle: str) -> str:
    subdir, _, file_name = entry.path.partition("/")
    if file_name != INDEX or not is_subdir(subdir):
        found = f"the index {entry.path!r} in its manifest"
        raise BadBundle(bundle, found=found, expected=f"SUBDIR/{INDEX}")
    return subdir


def _check_member(member: Member | None, entry: Entry, bundle: str) -> None:
    if member is None:
        raise BadBundle(bundle, found=f"no {entry.path}", expected="all that its manifest names")
    if member.path != entry.path or member.kind is not Kind.FILE:
        found = f"{member.kind.value} {member.path!r}"
        raise BadBundle(bundle, found=found, expected=f"the file {entry.path}")
    if member.sha256 != entry.sha256:
        found = f"SHA-256 {member.sha256} of {entry.path}"
        raise BadBundle(bundle, found=found, expected=entry.sha256)


def _records(
    manifest: Manifest, indexes: Mapping[str, bytes], bundle: str
) -> dict[str, dict[str, Any]]:
    """The records of all packages by path: those of the indexes, which are of no other packages."""
    records = {
        f"{path.partition('/')[0]}/{file_name}": record
        for path, content in indexes.items()
        for file_name, record in decode_index(content, path, bundle).items()
    }
    packages = {entry.path: entry for entry in manifest.packages}
    if unlike := sorted(records.keys() ^ packages.keys()):
        found = f"{unlike[0]} in its manifest or its index"
        raise BadBundle(bundle, found=found, expected="it in both")
    for path, record in records.items():
        _check_record(path, record, packages[path], bundle)
    return records


def _check_record(path: str, record: dict[str, Any], entry: Entry, bundle: str) -> None:
    subdir, _, file_name = path.partition("/")
    try:
        known = take(subdir, file_name, record, base_url="", indexed_at=0, run_exports={})
    except Unfit as error:
        found = f"a record of {path} that no client could use ({error})"
        raise BadBundle(bundle, found=found, expected="a record as indexes have them") from error
    if known.sha256 != entry.sha256:
        found = f"the record of another file for {path} (SHA-256 {known.sha256})"
        raise BadBundle(bundle, found=found, expected=entry.sha256)


def _unpack(bundle: _Bundle, folder: Path) -> Iterator[Upload]:
    """Write the packages of a bundle that was verified into a folder, under numbers for names."""
    with tarfile.open(bundle.path, "r:") as tar:
        members = iter(tar)
        for _ in (MANIFEST, *bundle.manifest.indexes):
            next(members)
        for number, (member, entry) in enumerate(
            zip(members, bundle.manifest.packages, strict=True)
        ):
            path = folder / str(number)
            content = tar.extractfile(member)
            assert content is not None, "it was verified that all are files"
            with path.open("wb") as into:
                shutil.copyfileobj(content, into, _PIECE)
            yield Upload(entry.path.rpartition("/")[2], path)


def _as_shown(package: Package, bundle: _Bundle) -> Package:
    """A package with the record that the bundle shows of it."""
    path = f"{package.subdir}/{package.file_name}"
    record = bundle.records.get(path)
    if record is None or record["sha256"] != package.sha256:
        found = f"a package that says it is {path}"
        raise BadBundle(bundle.name, found=found, expected="it where its manifest says so")
    if record["build_number"] != package.build_number:
        found = f"the build number {record['build_number']} for {path}"
        raise BadBundle(
            bundle.name, found=found, expected=f"that of the package, {package.build_number}"
        )
    own = {key: package.record[key] for key in _OWN}
    return replace(package, record={**record, **own})


def _there(draft: Draft, package: Package) -> Record | None:
    """The record of a file that the channel has or had before."""
    there = draft.facts.holdings.file(draft.channel, package.subdir, package.file_name)
    return msgspec.json.decode(there.record) if there else None


def _same(record: Record, other: Record) -> bool:
    """Whether two records say the same, when they were indexed aside."""
    return _but_when(record) == _but_when(other)


def _but_when(record: Record) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "indexed_timestamp"}
