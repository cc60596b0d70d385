"""Fetching packages into the package store: in parallel, each once, whole or not at all.

rattler's installer fetches by itself, but it holds one lock on the whole cache from its first
download to its last link, so that one stalled server stops every build; and a replaced package
whose download fails leaves the new hash over the old content. So packages are fetched here, under a
lock for each, into the layout that rattler reads: `<stem>/` with the content, and `<stem>.lock`
with a revision (8 bytes) and the archive's SHA-256 (32 bytes). What is there is never written to:
a package comes by rename.
"""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import BinaryIO, Protocol, TypeVar
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from rattler import RepoDataRecord
from rattler.exceptions import ExtractError
from rattler.networking import Client
from rattler.package_streaming import download_and_extract, download_to_writer

from condarium.engine.event_loop import run
from condarium.engine.packages.cache import package_problem
from condarium.engine.packages.fetch_errors import (
    PackageCorrupt,
    PackageUnreadable,
    Stalled,
    is_about_the_disk,
    say_unfetchable,
    worth_another_try,
)
from condarium.engine.packages.seal import seal, sealed_md5
from condarium.model.progress import Progress
from condarium.model.secret import redact_url

T = TypeVar("T")

_REVISION = (1).to_bytes(8, "big")
_AT_ONCE = 24
"""Downloads under way at a time."""
TEMPORARY = ".fetch-"
"""How the names of unfinished downloads begin."""


class LockFactory(Protocol):
    """Makes the lock of a package: a context manager that is entered when nobody else holds it."""

    def __call__(self, stem: str) -> "TryLock": ...


class TryLock(Protocol):
    def acquire(self) -> bool:
        """Take the lock if nobody holds it."""

    def release(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """How to fetch: `silence` is how long a server may send nothing, in seconds.

    Archives whose SHA-256 is in `kept` are put into a file by `copy`, and verified as others are.
    """

    packages: Path
    client: Client
    lock: LockFactory
    progress: Progress
    silence: float = 60.0
    tries: int = 3
    kept: frozenset[bytes] = frozenset()
    copy: Callable[[bytes, Path], None] | None = None


@dataclass
class Fetched:
    """What a fetch did. `waiting` are packages that wait to replace others of the same name.

    A replacement is a `<stem>.lock` content and a folder that are ready, to be put in place while
    nobody links.
    """

    names: list[str] = field(default_factory=list)
    bytes: int = 0
    waiting: list["Replacement"] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Replacement:
    stem: str
    sha256: bytes
    folder: Path


def missing(records: Sequence[RepoDataRecord], packages: Path) -> list[RepoDataRecord]:
    """The records whose package the store does not have, or has with other bytes."""
    return [record for record in records if not has(packages, record)]


def has(packages: Path, record: RepoDataRecord) -> bool:
    """Whether the store has the package that was locked: by SHA-256, by MD5, or by name alone."""
    folder = packages / stem_of(record)
    kept = _locked_sha256(packages, stem_of(record))
    if kept is None or not (folder / "info" / "index.json").exists():
        return False
    if record.sha256 is not None:
        return kept == record.sha256
    return record.md5 is None or sealed_md5(folder) == record.md5.hex()


def stem_of(record: RepoDataRecord) -> str:
    return record.file_name.removesuffix(".conda").removesuffix(".tar.bz2")


def fetch(records: Sequence[RepoDataRecord], fetching: Fetching) -> Fetched:
    """Fetch packages that are missing; what another process fetches meanwhile is waited for.

    Raises PackageUnfetchable, PackageCorrupt, PackageUnreadable, StoreFull, StoreReadOnly: the
    first that happens, after the other downloads have been stopped. What was fetched until then
    stays.
    """
    fetched = Fetched()
    largest_first = sorted(records, key=lambda record: -(record.size or 0))
    run(_fetch_all(largest_first, fetching, fetched))
    return fetched


def put_in_place(packages: Path, replacement: Replacement) -> None:
    """Replace a package by another of the same name. Nobody may link from the store meanwhile."""
    aside = packages / f"{TEMPORARY}{uuid4().hex}"
    folder = packages / replacement.stem
    if folder.exists():
        folder.rename(aside)
    _lock_file(packages, replacement.stem).unlink(missing_ok=True)
    _publish(packages, replacement)
    shutil.rmtree(aside, ignore_errors=True)


async def _fetch_all(
    records: Sequence[RepoDataRecord], fetching: Fetching, fetched: Fetched
) -> None:
    slots = asyncio.Semaphore(_AT_ONCE)
    try:
        async with asyncio.TaskGroup() as tasks:
            for record in records:
                tasks.create_task(_fetch_one(record, fetching, fetched, slots))
    except BaseExceptionGroup as group:
        # All tasks are stopped by the first failure; that one is what there is to say.
        raise group.exceptions[0] from group.exceptions[0].__cause__


async def _fetch_one(
    record: RepoDataRecord, fetching: Fetching, fetched: Fetched, slots: asyncio.Semaphore
) -> None:
    async with _only_one(fetching.lock(stem_of(record)), slots):
        if has(fetching.packages, record):
            fetching.progress.advance(record.size or 0)
            return
        begun = monotonic()
        replacement = await _try_often(record, fetching)
        took = f"{record.size or 0:,} bytes in {monotonic() - begun:.1f} s"
        fetching.progress.log(f"fetched {record.file_name} ({took}) from {_place(record)}")
        if _lock_file(fetching.packages, replacement.stem).exists():
            fetched.waiting.append(replacement)
        else:
            _publish(fetching.packages, replacement)
        fetched.names.append(record.name.normalized)
        fetched.bytes += record.size or 0


def _place(record: RepoDataRecord) -> str:
    return redact_url(record.url).rpartition("/")[0]


@asynccontextmanager
async def _only_one(lock: TryLock, slots: asyncio.Semaphore) -> AsyncIterator[None]:
    """Hold a package's lock and a slot. Waiting for a lock takes no slot."""
    pause = 0.002
    while not lock.acquire():
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    try:
        async with slots:
            yield
    finally:
        lock.release()


async def _try_often(record: RepoDataRecord, fetching: Fetching) -> Replacement:
    """Try again what may pass: a connection that broke, a server that is busy, bytes cut short."""
    for again in range(1, fetching.tries + 1):
        counted = _Counted(fetching.progress.advance)
        folder = fetching.packages / f"{TEMPORARY}{uuid4().hex}"
        try:
            return await _fetch_to(record, folder, fetching, counted)
        except Exception as error:
            shutil.rmtree(folder, ignore_errors=True)
            if again == fetching.tries or not worth_another_try(error, again):
                raise say_unfetchable(record.url, record.name.normalized, error) from error
            counted.take_back()
            await asyncio.sleep(0.2 * 4 ** (again - 1))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    raise AssertionError("a package was tried no times")


async def _fetch_to(
    record: RepoDataRecord, folder: Path, fetching: Fetching, counted: "_Counted"
) -> Replacement:
    """Download, extract and verify into a folder of its own."""
    folder.mkdir()
    archive = folder / record.file_name
    content = folder / "content"
    if record.url.startswith("file://"):
        archive = Path(unquote(urlsplit(record.url).path))
        counted.add(record.size or 0)
    elif fetching.copy and record.sha256 in fetching.kept:
        copying = asyncio.to_thread(fetching.copy, record.sha256, archive)
        await _to_its_end(asyncio.ensure_future(copying))
        counted.add(record.size or 0)
    else:
        with archive.open("wb", buffering=0) as file:
            await _download(record, counted.into(file), fetching)
    sha256 = await _unpack(record, archive, content, fetching)
    if archive.parent == folder:
        archive.unlink()
    return Replacement(stem=stem_of(record), sha256=sha256, folder=content)


async def _download(record: RepoDataRecord, counted: "_Counted", fetching: Fetching) -> None:
    """Download, and give up when the server has been silent for too long."""
    task = asyncio.ensure_future(download_to_writer(fetching.client, record.url, counted))
    seen, since = counted.total, monotonic()
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=fetching.silence / 8)
            if counted.total != seen:
                seen, since = counted.total, monotonic()
            elif monotonic() - since > fetching.silence and not task.done():
                raise Stalled(record.url, fetching.silence)
        await task
    finally:
        task.cancel()


async def _to_its_end(working: asyncio.Future[T]) -> T:
    """Wait for what works in a thread and cannot be stopped: its folder may go only after it."""
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise


async def _unpack(
    record: RepoDataRecord, archive: Path, content: Path, fetching: Fetching
) -> bytes:
    """Extract, verify and seal; give the archive's SHA-256.

    Not with rattler's `extract`, which lets no other thread of Python run meanwhile. Raises
    PackageCorrupt, or PackageUnreadable where the channel's own package is at fault.
    """
    url = archive.absolute().as_uri()
    extracting = download_and_extract(fetching.client, url, content)
    try:
        sha256, md5 = await _to_its_end(asyncio.ensure_future(extracting))
    except (ExtractError, OSError, RuntimeError) as error:
        if is_about_the_disk(error):
            raise
        with archive.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").digest()
            file.seek(0)
            _verify(record, sha256, hashlib.file_digest(file, "md5").digest())
        raise PackageUnreadable(record.url, str(error)) from error
    _verify(record, sha256, md5)
    if problem := package_problem(content):
        raise PackageUnreadable(record.url, problem)
    seal(content, md5=md5)
    return sha256


def _verify(record: RepoDataRecord, sha256: bytes, md5: bytes) -> None:
    if record.sha256 is not None:
        expected, found = record.sha256, sha256
    elif record.md5 is not None:
        expected, found = record.md5, md5
    else:
        return
    if expected != found:
        raise PackageCorrupt(record.url, expected=expected.hex(), found=found.hex())


def _publish(packages: Path, ready: Replacement) -> None:
    """First the hash, then the folder: a folder without a hash would pass for any package."""
    lock = _lock_file(packages, ready.stem)
    fresh = ready.folder.with_name("lock")
    fresh.write_bytes(_REVISION + ready.sha256)
    leftover = packages / ready.stem
    if leftover.exists():
        leftover.rename(ready.folder.with_name("leftover"))
    fresh.rename(lock)
    ready.folder.rename(packages / ready.stem)
    shutil.rmtree(ready.folder.parent, ignore_errors=True)


def _locked_sha256(packages: Path, stem: str) -> bytes | None:
    try:
        content = _lock_file(packages, stem).read_bytes()
    except FileNotFoundError:
        return None
    return content[8:40] if len(content) >= 40 else None


def _lock_file(packages: Path, stem: str) -> Path:
    return packages / f"{stem}.lock"


class _Counted:
    """A writer that says how many bytes went through it."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance
        self._file: BinaryIO | None = None
        self.total = 0

    def into(self, file: BinaryIO) -> "_Counted":
        self._file = file
        return self

    def add(self, amount: int) -> None:
        self.total += amount
        self._advance(amount)

    def take_back(self) -> None:
        self._advance(-self.total)

    def write(self, content: bytes) -> int:
        assert self._file is not None
        view = memoryview(content)
        while view:
            view = view[self._file.write(view) :]
        self.add(len(content))
        return len(content)

    def flush(self) -> None: ...
