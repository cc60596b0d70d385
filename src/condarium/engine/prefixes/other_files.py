"""What a build puts into a prefix beside the files of conda packages, written down in the prefix.

Those are pip packages' files, conda's own records, the variables, and what link scripts left. What
is there later can be compared with this: pip rewrites its RECORDs as it likes.
"""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from condarium.engine.hashing import file_sha256
from condarium.engine.pypi.files import PypiFile, pypi_files
from condarium.model.lock import PypiPackage

RECORDED = Path("conda-meta", "condarium-files")
"""JSON: `version`, and in `files` a list of package, path, SHA-256 and size in bytes of each."""

_MANAGED = """\
[externally-managed]
Error=This environment is made from a lock by condarium, and others may use it too.
 To add a package, write it into the environment.yml and run `condarium env build`.
"""


def refuse_pip(prefix: Path) -> None:
    """Let pip say what to do instead of installing into a prefix (PEP 668)."""
    for stdlib in prefix.glob("lib/python3*"):
        managed = stdlib / "EXTERNALLY-MANAGED"
        if stdlib.is_dir() and not stdlib.is_symlink() and not managed.exists():
            managed.write_text(_MANAGED)


def record_others(prefix: Path, pypi: Sequence[PypiPackage], more: Iterable[str] = ()) -> None:
    """Write down all files that no conda package brought; `more` are others of any content."""
    made = [*sorted(prefix.glob("lib/python3*/EXTERNALLY-MANAGED"))]
    made += sorted((prefix / "conda-meta").glob("*.json"))
    made += [path for path in [prefix / "conda-meta" / "state"] if path.exists()]
    files = [_hashed(prefix, file) for file in pypi_files(prefix, pypi)]
    files += [_whole(prefix, path) for path in made]
    known = {file.path for file in files}
    files += [
        PypiFile(package="", path=path, sha256=None, size=None)
        for path in sorted(more)
        if path not in known
    ]
    content = {
        "version": 1,
        "files": [[file.package, file.path, file.sha256, file.size] for file in files],
    }
    (prefix / RECORDED).write_text(json.dumps(content) + "\n")


def recorded_others(prefix: Path) -> list[PypiFile] | None:
    """Read that again; None where it cannot be read."""
    try:
        listed = json.loads((prefix / RECORDED).read_bytes())["files"]
        return [
            PypiFile(package=package, path=path, sha256=sha256, size=size)
            for package, path, sha256, size in listed
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _hashed(prefix: Path, file: PypiFile) -> PypiFile:
    """Hash what its RECORD does not: the RECORD itself."""
    path = prefix / file.path
    if file.sha256 or not path.is_file():
        return file
    return PypiFile(
        package=file.package,
        path=file.path,
        sha256=file_sha256(path),
        size=path.stat().st_size,
    )


def _whole(prefix: Path, path: Path) -> PypiFile:
    record = path.suffix == ".json"
    return PypiFile(
        package=path.stem.rsplit("-", 2)[0] if record else "",
        path=os.path.relpath(path, prefix),
        sha256=file_sha256(path),
        size=path.stat().st_size,
    )
