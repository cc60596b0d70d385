"""Package files: written as `.conda` archives, and listed in the indexes of a folder of them."""

import hashlib
import io
import json
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from condarium.engine import event_loop
from condarium.errors import BadInput

PLACEHOLDER = "/opt/" + ("condarium_placehold_" * 13)[:250]
"""What stands for the prefix in files that hold it: 255 characters, as conda expects."""


class BadPackage(BadInput):
    """A package cannot be made of this."""


@dataclass(frozen=True, kw_only=True)
class PackageMetadata:
    """What a package says of itself.

    `subdir` is where it is listed; a `noarch: python` package may be in a platform's (CEP 20).
    `entry_points` are `name = module:attribute`, which clients make scripts of where the package is
    noarch; `license_files` have a name and bytes; `timestamp` is in ms since 1970; `extra` goes
    into index.json as it is.
    """

    name: str
    version: str
    build: str
    subdir: str
    build_number: int = 0
    noarch: Literal["python", "generic"] | None = None
    depends: Sequence[str] = ()
    constrains: Sequence[str] = ()
    license: str | None = None
    license_files: Mapping[str, bytes] = field(default_factory=dict)
    summary: str | None = None
    home: str | None = None
    entry_points: Sequence[str] = ()
    timestamp: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}-{self.build}.conda"


@dataclass(frozen=True, kw_only=True)
class PackageFile:
    """A file of a package: where it is now, and its `path` in a prefix, relative and with slashes.

    `mode` says how a client replaces PLACEHOLDER in it; None where it does not hold it.
    """

    path: str
    source: Path
    mode: Literal["text", "binary"] | None = None


def write_package(
    metadata: PackageMetadata, files: Sequence[PackageFile], *, into: Path, compression: int = 3
) -> Path:
    """Write a package into `into/<subdir>/`; it is there whole or not at all.

    The same metadata, files and modes give the same bytes. `compression` is zstd's level, 1 to 9.
    Raises BadPackage where a path leaves the prefix, is there twice, or a name cannot be used.
    """
    _check(metadata, files)
    folder = into / metadata.subdir
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".packing-") as scratch:
        payload = _payload(metadata, files, Path(scratch), compression)
        info = _stored_zstd(_tar(_info(metadata, files)))
        made = Path(scratch) / metadata.file_name
        _archive(made, metadata.file_name.removesuffix(".conda"), payload, info)
        return made.replace(folder / metadata.file_name)


def index_folder(channel: Path) -> None:
    """Write repodata.json, its .zst and the shards (CEP 16) of every subdir of a channel folder."""
    from rattler.index import index_fs

    event_loop.run(index_fs(channel, write_zst=True, write_shards=True, force=True))


def _check(metadata: PackageMetadata, files: Sequence[PackageFile]) -> None:
    for part in (metadata.name, metadata.version, metadata.build):
        if not re.fullmatch(r"[\w.+!~-]+", part, re.ASCII):
            raise BadPackage(f"{part!r} cannot be in a package's file name")
    seen: set[str] = set()
    for file in files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or str(path) != file.path or "\\" in file.path:
            raise BadPackage(f"{metadata.name} has a file at {file.path!r}, outside of a prefix")
        if path.parts[0] == "info":
            raise BadPackage(
                f"{metadata.name} has a file at {file.path}, in the folder of metadata"
            )
        if file.path in seen:
            raise BadPackage(f"{metadata.name} has {file.path} twice")
        seen.add(file.path)


def _payload(
    metadata: PackageMetadata, files: Sequence[PackageFile], scratch: Path, compression: int
) -> bytes:
    """Have rattler-build compress the files; its own `info` is of no use.

    It cannot write link.json or placeholders, and lists everything that it is given in paths.json.
    """
    from rattler_build import FileEntry, assemble_package

    made = assemble_package(
        name="payload",
        version="0",
        target_platform="noarch",
        build_string="0",
        output_dir=scratch,
        files=[FileEntry.from_paths(file.source, file.path) for file in files],
        compression_level=compression,
        timestamp=_moment(metadata),
        detect_prefix=False,
    )
    with zipfile.ZipFile(made.path) as archive:
        return archive.read("pkg-payload-0-0.tar.zst")


def _moment(metadata: PackageMetadata) -> datetime:
    return datetime.fromtimestamp((metadata.timestamp or 315_532_800_000) / 1000, tz=UTC)


def _archive(path: Path, stem: str, payload: bytes, info: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (
            ("metadata.json", b'{"conda_pkg_format_version": 2}'),
            (f"pkg-{stem}.tar.zst", payload),
            (f"info-{stem}.tar.zst", info),
        ):
            archive.writestr(zipfile.ZipInfo(name), content)


def _info(metadata: PackageMetadata, files: Sequence[PackageFile]) -> dict[str, bytes]:
    """Make the files of `info/`, by name."""
    paths = sorted((_path_entry(file) for file in files), key=lambda entry: str(entry["_path"]))
    found = {
        "index.json": _json(_index(metadata)),
        "about.json": _json(_about(metadata)),
        "paths.json": _json({"paths": paths, "paths_version": 1}),
        "files": "".join(f"{entry['_path']}\n" for entry in paths).encode(),
    }
    if metadata.noarch:
        noarch: dict[str, Any] = {"type": metadata.noarch}
        if metadata.noarch == "python":
            noarch["entry_points"] = list(metadata.entry_points)
        found["link.json"] = _json({"noarch": noarch, "package_metadata_version": 1})
    for name, content in metadata.license_files.items():
        found[f"licenses/{name}"] = content
    return found


def _index(metadata: PackageMetadata) -> dict[str, Any]:
    platform, _, arch = metadata.subdir.partition("-")
    known = {
        "name": metadata.name,
        "version": metadata.version,
        "build": metadata.build,
        "build_number": metadata.build_number,
        "subdir": metadata.subdir,
        "depends": list(metadata.depends),
        "constrains": list(metadata.constrains),
        "noarch": metadata.noarch,
        "license": metadata.license,
        "timestamp": metadata.timestamp,
        "platform": platform if arch else None,
        "arch": {"64": "x86_64", "32": "x86"}.get(arch, arch) or None,
        **metadata.extra,
    }
    return {key: value for key, value in known.items() if value is not None}


def _about(metadata: PackageMetadata) -> dict[str, str]:
    known = {"home": metadata.home, "license": metadata.license, "summary": metadata.summary}
    return {key: value for key, value in known.items() if value}


def _path_entry(file: PackageFile) -> dict[str, Any]:
    """Describe a file as paths.json does; a link has the hash of what it leads to, if anything."""
    is_link = file.source.is_symlink()
    content = b"" if is_link and not file.source.is_file() else file.source.read_bytes()
    entry: dict[str, Any] = {
        "_path": file.path,
        "path_type": "softlink" if is_link else "hardlink",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_in_bytes": len(content),
    }
    if file.mode and not is_link:
        entry |= {"prefix_placeholder": PLACEHOLDER, "file_mode": file.mode}
    return entry


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode()


def _tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(f"info/{name}")
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _stored_zstd(content: bytes) -> bytes:
    """Frame bytes as zstd without compressing them (RFC 8878: raw blocks, a single segment).

    `info` is small, and Python has no zstd before 3.14.
    """
    block = 128 * 1024
    starts = range(0, len(content), block)
    frame = [b"\x28\xb5\x2f\xfd\xa0", len(content).to_bytes(4, "little")]
    for start in starts:
        part = content[start : start + block]
        last = int(start == starts[-1])
        frame += [(last | len(part) << 3).to_bytes(3, "little"), part]
    return b"".join(frame)
