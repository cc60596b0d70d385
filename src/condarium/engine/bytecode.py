"""Byte-compiling the Python files of a prefix, each source once for all prefixes of a store.

Python sets a code object's file name when it imports it, so a .pyc does not depend on where its
source lies: it is kept by the hash of the source and the Python that made it, and linked into every
prefix that has that source. The files are of the "unchecked hash" kind (PEP 552): their bytes are
the same however often they are made, and Python does not look at the source's time to trust them.
"""

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from condarium.engine import compile_script
from condarium.engine.conda_meta import InstalledFile
from condarium.errors import CompileFailed


@dataclass(frozen=True)
class _Job:
    """A source, where its bytecode is kept in the store, and where the prefix wants it."""

    source: Path
    kept: Path
    wanted: Path


def compile_prefix(
    prefix: Path, files: Iterable[InstalledFile], *, store: Path, workers: int
) -> int:
    """Give every Python file of `files` that came without bytecode its .pyc; say how many.

    `files` are those that packages brought. Files that do not compile (templates, other Pythons'
    syntax) stay as they are, as conda does. Does nothing where the prefix has no Python.
    """
    python = prefix / "bin" / "python"
    known = list(files)
    sources = _without_bytecode(known)
    if not sources or not python.exists():
        return 0
    tag = _python_tag(python)
    jobs = [_job(prefix, file, store / tag, tag) for file in sources]
    missing = {job.kept: job.source for job in jobs if not job.kept.exists()}
    if missing:
        _compile(python, missing, workers)
    return _link_all(jobs)


def _without_bytecode(files: Sequence[InstalledFile]) -> list[InstalledFile]:
    compiled = {file.path for file in files if file.path.endswith(".pyc")}
    folders = {path.rpartition("/__pycache__/")[0] for path in compiled}
    return [
        file
        for file in files
        if file.path.endswith(".py")
        and file.sha256
        and _importable(file.path)
        and not (
            file.path.rpartition("/")[0] in folders
            and any(name.startswith(_cache_stem(file.path)) for name in compiled)
        )
    ]


def _importable(path: str) -> bool:
    """Only what Python imports: modules below lib/pythonX.Y."""
    return path.startswith("lib/python")


def _cache_stem(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/__pycache__/{name.removesuffix('.py')}."


def _python_tag(python: Path) -> str:
    """The name that this Python gives its .pyc files, such as `cpython-311`, with its version."""
    code = "import sys;print(sys.implementation.cache_tag, '%d.%d.%d' % sys.version_info[:3])"
    done = subprocess.run(
        [python, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CompileFailed(done.stderr.strip().splitlines()[-1:] or ["no output"])
    return done.stdout.strip().replace(" ", "-")


def _job(prefix: Path, file: InstalledFile, store: Path, tag: str) -> _Job:
    folder, _, name = file.path.rpartition("/")
    stem = name.removesuffix(".py")
    cache_tag = tag.rpartition("-")[0]
    digest = file.sha256 or ""
    return _Job(
        source=prefix / file.path,
        kept=store / digest[:2] / f"{digest[2:]}-{stem}.pyc",
        wanted=prefix / folder / "__pycache__" / f"{stem}.{cache_tag}.pyc",
    )


def _compile(python: Path, missing: dict[Path, Path], workers: int) -> None:
    """Let the prefix's own Python compile, in several processes; each file is whole or absent."""
    for folder in {kept.parent for kept in missing}:
        folder.mkdir(parents=True, exist_ok=True)
    jobs = json.dumps([[str(source), str(kept)] for kept, source in missing.items()])
    done = subprocess.run(
        [python, "-I", "-S", compile_script.__file__, str(workers)],
        check=False,
        input=jobs,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise CompileFailed(done.stderr.strip().splitlines()[-1:] or ["no output"])


def _link_all(jobs: Iterable[_Job]) -> int:
    """Hard-link bytecode where the file system can, and copy it where it cannot."""
    count = 0
    made: set[Path] = set()
    for job in jobs:
        if job.wanted.parent not in made:
            job.wanted.parent.mkdir(exist_ok=True)
            made.add(job.wanted.parent)
        try:
            os.link(job.kept, job.wanted)
        except FileNotFoundError:
            continue
        except FileExistsError:
            pass
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
                raise
            shutil.copyfile(job.kept, job.wanted)
        count += 1
    return count
