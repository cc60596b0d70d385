"""Byte-compiling the Python files of a prefix, each source once for all prefixes of a store.

Python sets a code object's file name when it imports it, so a .pyc does not depend on where its
source lies: it is kept by the hash of the source and the Python that made it, and linked into every
prefix that has that source. The files are of the "unchecked hash" kind (PEP 552): their bytes are
the same however often they are made, and Python does not look at the source's time to trust them.

Whoever writes into one alters it for every prefix that has it. So each ends with the SHA-256 of all
that is before, which shows whether it is whole; and all have the same time of change, which shows
in passing that nobody has written to one.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from condarium.engine.prefixes import compile_script
from condarium.engine.prefixes.linking import CANNOT_LINK
from condarium.engine.programs import told
from condarium.errors import CompileFailed

_TIME = 946_684_800
"""When all bytecode was changed last, by its own account: the beginning of 2000, in seconds."""

_ALONE = ("-I", "-S", "-B")
"""Python without the user's settings, and without bytecode of its own making: that would be of the
kind that depends on its source's time, in one prefix alone."""


class Source(Protocol):
    """A file that a package brought: `path` is relative to the prefix."""

    @property
    def path(self) -> str: ...

    @property
    def sha256(self) -> str | None: ...


class _Job(NamedTuple):
    """A source, where its bytecode is kept in the store, and where the prefix wants it.

    Texts rather than paths: there are tens of thousands in a large environment.
    """

    source: str
    kept: str
    wanted: str


def compile_prefix(prefix: Path, files: Iterable[Source], *, store: Path, workers: int) -> int:
    """Give every Python file of `files` that came without bytecode its .pyc; say how many.

    `files` are those that packages brought. Files that do not compile (templates, other Pythons'
    syntax) stay as they are, as conda does. Does nothing where the prefix has no Python.
    """
    python = prefix / "bin" / "python"
    sources = _without_bytecode(list(files))
    if not sources or not python.exists():
        return 0
    tag = _python_tag(python)
    jobs = [_job(prefix, file, store / tag, tag) for file in sources]
    missing = {job.kept: job.source for job in jobs if not _untouched(job.kept)}
    if missing:
        _compile(python, missing, workers, mode=prefix.stat().st_mode & 0o666)
    return _link_all(jobs)


def is_sound(bytecode: Path) -> bool:
    """Whether a .pyc that was made here is as it was made. Raises OSError."""
    content = bytecode.read_bytes()
    return hashlib.sha256(content[:-32]).digest() == content[-32:]


def source_of(path: str, sources: Mapping[str, Source]) -> Source | None:
    """Of which of `sources` (from `sources_by_module`) a .pyc was made here, if of any."""
    if "/__pycache__/" not in path or ".opt-" in path:
        return None
    return sources.get(_module(path))


def sources_by_module(files: Iterable[Source]) -> dict[str, Source]:
    """Those Python files that get bytecode here, by their paths without ending."""
    return {file.path.removesuffix(".py"): file for file in _without_bytecode(list(files))}


def drop_damaged(store: Path, sources: Iterable[Source]) -> None:
    """Take the bytecode of these sources out of the store where it is not as it was made."""
    for file in sources:
        digest = file.sha256 or ""
        for kept in store.glob(f"*/{digest[:2]}/{digest[2:]}-*.pyc"):
            with suppress(FileNotFoundError):
                if not is_sound(kept):
                    kept.unlink()


def _untouched(kept: str) -> bool:
    """Whether there is bytecode to which nobody has written; what was written to goes."""
    try:
        if os.stat(kept).st_mtime_ns == _TIME * 10**9:
            return True
        os.unlink(kept)
    except FileNotFoundError:
        pass
    return False


def _without_bytecode(files: Sequence[Source]) -> list[Source]:
    """The modules below lib/pythonX.Y that came without their .pyc."""
    compiled = {_module(file.path) for file in files if file.path.endswith(".pyc")}
    return [
        file
        for file in files
        if file.path.endswith(".py")
        and file.path.startswith("lib/python")
        and file.sha256
        and file.path.removesuffix(".py") not in compiled
    ]


def _module(path: str) -> str:
    """`a/b` for `a/__pycache__/b.cpython-311.pyc`."""
    folder, _, name = path.rpartition("/")
    return f"{folder.removesuffix('/__pycache__')}/{name.partition('.')[0]}"


def _python_tag(python: Path) -> str:
    """The name that this Python gives its .pyc files, such as `cpython-311`, with its version."""
    code = "import sys;print(sys.implementation.cache_tag, '%d.%d.%d' % sys.version_info[:3])"
    done = subprocess.run(
        [python, *_ALONE, "-c", code],
        env=told(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CompileFailed(done.stderr.strip().splitlines()[-1:] or ["no output"])
    return done.stdout.strip().replace(" ", "-")


def _job(prefix: Path, file: Source, store: Path, tag: str) -> _Job:
    folder, _, name = file.path.rpartition("/")
    stem = name.removesuffix(".py")
    digest = file.sha256 or ""
    return _Job(
        source=f"{prefix}/{file.path}",
        kept=f"{store}/{digest[:2]}/{digest[2:]}-{stem}.pyc",
        wanted=f"{prefix}/{folder}/__pycache__/{stem}.{tag.rpartition('-')[0]}.pyc",
    )


def _compile(python: Path, missing: dict[str, str], workers: int, *, mode: int) -> None:
    """Let the prefix's own Python compile, in several processes; each file is whole or absent."""
    for folder in {os.path.dirname(kept) for kept in missing}:
        os.makedirs(folder, exist_ok=True)
    jobs = json.dumps([[source, kept] for kept, source in missing.items()])
    done = subprocess.run(
        [python, *_ALONE, compile_script.__file__, str(workers), str(_TIME), str(mode)],
        env=told(os.environ),
        check=False,
        input=jobs,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise CompileFailed(done.stderr.strip().splitlines()[-1:] or ["no output"])


def _link_all(jobs: Sequence[_Job]) -> int:
    """Hard-link bytecode where the file system can, and copy it where it cannot."""
    for folder in {os.path.dirname(job.wanted) for job in jobs}:
        os.makedirs(folder, exist_ok=True)
    return sum(_link(job) for job in jobs)


def _link(job: _Job) -> bool:
    """Whether the source has bytecode now: one that does not compile has none."""
    try:
        os.link(job.kept, job.wanted)
    except FileNotFoundError:
        return False
    except FileExistsError:
        return True
    except OSError as error:
        if error.errno not in CANNOT_LINK:
            raise
        shutil.copyfile(job.kept, job.wanted)
    return True
