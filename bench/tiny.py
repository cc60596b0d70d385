"""Packages that are as small as packages can be, made by the thousand."""

import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import zstandard

_FORMAT = b'{"conda_pkg_format_version": 2}'


def tiny_package(
    folder: Path, name: str, version: str, *, subdir: str = "noarch", payload: bytes = b"tiny\n"
) -> Path:
    """Write a package of one file, `payload`, and give its path."""
    stem = f"{name}-{version}-0"
    installed = f"share/{name}.txt"
    paths = {
        "paths_version": 1,
        "paths": [
            {
                "_path": installed,
                "path_type": "hardlink",
                "sha256": hashlib.sha256(payload).hexdigest(),
                "size_in_bytes": len(payload),
            }
        ],
    }
    index = {
        "name": name, "version": version, "build": "0", "build_number": 0, "subdir": subdir,
        "depends": [], "license": "MIT", "timestamp": 1700000000000,
    }  # fmt: skip
    if subdir == "noarch":
        index |= {"noarch": "generic"}
    info = {"info/index.json": _json(index), "info/paths.json": _json(paths)}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{stem}.conda"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("metadata.json", _FORMAT)
        archive.writestr(f"pkg-{stem}.tar.zst", _packed({installed: payload}))
        archive.writestr(f"info-{stem}.tar.zst", _packed(info))
    return file


def _packed(members: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for path, content in members.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return zstandard.ZstdCompressor(level=1).compress(written.getvalue())


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
