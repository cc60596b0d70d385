"""What is in a prefix, by its conda-meta: a JSON file per package, as conda and rattler write."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class InstalledFile:
    """A file that a package brought; `path` is relative to the prefix.

    `sha256` is that of the file as it should be in the prefix: None for links to other files, and
    for files whose package did not say.
    """

    path: str
    package: str
    kind: str
    sha256: str | None
    size: int | None


@dataclass(frozen=True, kw_only=True)
class PrefixSummary:
    """`manifest` digests what lists the files: conda-meta, and the RECORDs of pip packages."""

    packages: int
    files: int
    manifest: str


def installed_files(prefix: Path) -> Iterator[InstalledFile]:
    """Every file of every package, in the order of the packages' names."""
    for path in _records(prefix):
        record = json.loads(path.read_bytes())
        for entry in record.get("paths_data", {}).get("paths", ()):
            yield _file(entry, str(record["name"]))


def summary(prefix: Path, others: Sequence[Path] = ()) -> PrefixSummary:
    """Digest the records as they lie on disk, without parsing them.

    `others` are more files that list what was installed: the RECORDs of pip packages.
    """
    digest = hashlib.sha256()
    records = _records(prefix)
    for path in sorted(others):
        digest.update(str(path.relative_to(prefix)).encode() + b"\0" + path.read_bytes())
    files = 0
    for path in records:
        content = path.read_bytes()
        files += content.count(b'"_path"')
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(content).digest())
    return PrefixSummary(packages=len(records), files=files, manifest=digest.hexdigest())


def _records(prefix: Path) -> list[Path]:
    return sorted((prefix / "conda-meta").glob("*.json"))


def _file(entry: dict[str, Any], package: str) -> InstalledFile:
    kind = entry.get("path_type", "hardlink")
    linked = kind == "softlink"
    return InstalledFile(
        path=entry["_path"],
        package=package,
        kind=kind,
        sha256=None if linked else entry.get("sha256_in_prefix") or entry.get("sha256"),
        size=entry.get("size_in_bytes"),
    )
