"""Fetching packages into the package store and linking them into a prefix, with rattler."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rattler import MatchSpec, RepoDataRecord, Subdir, install
from rattler.networking import Client

from condarium.engine.event_loop import run
from condarium.model.progress import Progress


@dataclass
class InstallTimes:
    """Seconds that fetching and linking took; they overlap, since a package is linked once here."""

    fetch: float = 0.0
    link: float = 0.0
    fetched: list[str] = field(default_factory=list)


def install_records(
    records: Sequence[RepoDataRecord],
    *,
    prefix: Path,
    packages: Path,
    platform: str,
    client: Client,
    requested: Sequence[str],
    link_scripts: bool,
    progress: Progress,
) -> InstallTimes:
    """Make `prefix` hold exactly `records`, through the package cache at `packages`.

    Raises what rattler raises; see `engine.install_errors` for words.
    """
    reporter = _Reporter(records, progress)
    run(
        install(
            records=list(records),
            target_prefix=prefix,
            cache_dir=packages,
            installed_packages=[],
            platform=Subdir(platform),
            execute_link_scripts=link_scripts,
            show_progress=False,
            client=client,
            requested_specs=[MatchSpec(spec) for spec in requested],
            reporter=reporter,
        )
    )
    return reporter.times


class _Reporter:
    """Turns rattler's callbacks, which come from its threads, into phases and times."""

    def __init__(self, records: Sequence[RepoDataRecord], progress: Progress) -> None:
        self.times = InstallTimes()
        self._progress = progress
        self._lock = threading.Lock()
        self._total = len(records)
        self._names: dict[int, str] = {}
        self._caching = 0
        self._cached = 0
        self._linked = 0
        self._seen: dict[int, int] = {}
        self._fetch_started = 0.0
        self._link_started = 0.0
        self._bytes = sum(record.size or 0 for record in records)

    def on_transaction_start(self, total_operations: int) -> None:
        self._fetch_started = time.perf_counter()
        self._progress.phase("fetch", self._total, "packages")

    def on_populate_cache_start(self, operation: int, package_name: str) -> int:
        with self._lock:
            self._caching += 1
            self._names[self._caching] = package_name
            return self._caching

    def on_download_start(self, cache_entry: int) -> int:
        with self._lock:
            self.times.fetched.append(self._names[cache_entry])
        return cache_entry

    def on_populate_cache_complete(self, cache_entry: int) -> None:
        with self._lock:
            self._cached += 1
            self.times.fetch = time.perf_counter() - self._fetch_started
            last = self._cached == self._total
        self._progress.advance()
        if last:
            self._progress.phase("link", self._total, "packages")
            self._progress.advance(self._linked)

    def on_link_start(self, operation: int, package_name: str) -> int:
        with self._lock:
            self._link_started = self._link_started or time.perf_counter()
        return operation

    def on_link_complete(self, index: int) -> None:
        with self._lock:
            self._linked += 1
            self.times.link = time.perf_counter() - self._link_started
            fetched = self._cached == self._total
        if fetched:
            self._progress.advance()

    def on_validate_start(self, cache_entry: int) -> int:
        return cache_entry

    def on_validate_complete(self, validate_idx: int) -> None: ...

    def on_download_progress(self, download_idx: int, progress: int, total: int | None) -> None: ...

    def on_download_completed(self, download_idx: int) -> None: ...

    def on_unlink_start(self, operation: int, package_name: str) -> int:
        return operation

    def on_unlink_complete(self, index: int) -> None: ...

    def on_transaction_operation_start(self, operation: int) -> None: ...

    def on_transaction_operation_complete(self, operation: int) -> None: ...

    def on_transaction_complete(self) -> None: ...

    def on_post_link_start(self, package_name: str, script_path: str) -> int:
        return 0

    def on_post_link_complete(self, index: int, success: bool) -> None: ...

    def on_pre_unlink_start(self, package_name: str, script_path: str) -> int:
        return 0

    def on_pre_unlink_complete(self, index: int, success: bool) -> None: ...
