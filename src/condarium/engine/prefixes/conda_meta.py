"""What is in a prefix, by its conda-meta: a JSON file per package, as conda and rattler write."""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from condarium.engine.prefixes.linking import CANNOT_LINK

_SIZE = re.compile(rb'"size_in_bytes":\s*(\d+)')
_PYPI_SIZE = re.compile(rb",(\d+)\r?$", re.MULTILINE)


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
    """`manifest` digests what lists the files: conda-meta, and the RECORDs of pip packages.

    `bytes` adds up the sizes that these say, which are those before a prefix is written into files.
    """

    packages: int
    files: int
    bytes: int
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
    files = size = 0
    for path in sorted(others):
        content = path.read_bytes()
        size += sum(map(int, _PYPI_SIZE.findall(content)))
        digest.update(str(path.relative_to(prefix)).encode() + b"\0" + content)
    for path in records:
        content = path.read_bytes()
        files += content.count(b'"_path"')
        size += sum(map(int, _SIZE.findall(content)))
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(content).digest())
    return PrefixSummary(
        packages=len(records), files=files, bytes=size, manifest=digest.hexdigest()
    )


def share_records(prefix: Path, kept: Path) -> None:
    """Let equal records of all prefixes be one file, which is in `kept` by the hash of its content.

    Most are the same in every prefix: a hundred environments would have a hundred copies of the
    lists of numpy's files. Where files cannot be linked, every prefix keeps its own. rattler makes
    them readable to their owner alone; all who may read the prefix may.
    """
    mode = stat.S_IMODE(prefix.stat().st_mode) & 0o666
    for path in _records(prefix):
        path.chmod(mode)
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        shared = kept / digest[:2] / digest[2:]
        try:
            if _holds(shared, content):
                _link_over(shared, path)
            else:
                shared.parent.mkdir(parents=True, exist_ok=True)
                _link_over(path, shared)
        except OSError as error:
            if error.errno not in CANNOT_LINK:
                raise


def _holds(path: Path, content: bytes) -> bool:
    """Whether it is that still: somebody may have written to it through a prefix."""
    try:
        return path.read_bytes() == content
    except (FileNotFoundError, PermissionError):
        return False


def _link_over(source: Path, target: Path) -> None:
    fresh = target.with_name(f".{uuid4().hex}")
    os.link(source, fresh)
    fresh.replace(target)


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
