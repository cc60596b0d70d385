"""Which files the pip packages of a prefix have, and what they should hold."""

import base64
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from condarium.model.lock import PypiPackage, normal_pypi_name


@dataclass(frozen=True, kw_only=True)
class PypiFile:
    """A file that a pip package put into a prefix.

    `path` is relative to the prefix. `sha256` (lower-case hex) and `size` (bytes) are None where
    the package's RECORD does not say them: for RECORD itself, and for compiled files.
    """

    package: str
    path: str
    sha256: str | None
    size: int | None


def pypi_files(prefix: Path, packages: Sequence[PypiPackage]) -> list[PypiFile]:
    """List the files of pip packages in a prefix, by their RECORD (PEP 376, PEP 627).

    A package whose RECORD is not there has one file: the folder of its metadata, which is missed.
    """
    folders = list(_dist_infos(prefix))
    files: list[PypiFile] = []
    for package in packages:
        found = [folder for folder in folders if _is_of(folder, package)]
        if not found or not (found[0] / "RECORD").is_file():
            files.append(_missed(package))
            continue
        files += _recorded(prefix, found[0], package.name)
    return files


def record_files(prefix: Path, packages: Sequence[PypiPackage]) -> list[Path]:
    """Give the RECORDs of pip packages: they name every file with its hash."""
    folders = list(_dist_infos(prefix))
    found = (folder for package in packages for folder in folders if _is_of(folder, package))
    return [folder / "RECORD" for folder in found if (folder / "RECORD").is_file()]


def _dist_infos(prefix: Path) -> Iterator[Path]:
    for pattern in ("lib/python3*/site-packages", "Lib/site-packages"):
        for site in sorted(prefix.glob(pattern)):
            yield from sorted(site.glob("*.dist-info"))


def _is_of(folder: Path, package: PypiPackage) -> bool:
    name = folder.name.removesuffix(".dist-info").partition("-")[0]
    return normal_pypi_name(name) == package.name


def _missed(package: PypiPackage) -> PypiFile:
    name = f"{package.name.replace('-', '_')}-{package.version}.dist-info/RECORD"
    return PypiFile(package=package.name, path=name, sha256=None, size=None)


def _recorded(prefix: Path, info: Path, package: str) -> Iterator[PypiFile]:
    site = info.parent.relative_to(prefix)
    with (info / "RECORD").open(encoding="utf-8", newline="") as record:
        for row in csv.reader(record):
            path, digest, size = (*row, "", "")[:3]
            yield PypiFile(
                package=package,
                path=_inside(site, path),
                sha256=_hex(digest),
                size=int(size) if size else None,
            )


def _inside(site: Path, path: str) -> str:
    """Resolve `../../../bin/tool`, as RECORD writes scripts, without asking the disk."""
    parts: list[str] = list(site.parts)
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _hex(digest: str) -> str | None:
    kind, _, value = digest.partition("=")
    if kind != "sha256":
        return None
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
