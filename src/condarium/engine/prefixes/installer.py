"""Linking packages from the package store into a prefix, with rattler."""

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from rattler import PackageCache, RepoDataRecord, Subdir, ValidationMode, install
from rattler.exceptions import InstallerError, LinkError
from rattler.install import InstallerReporter

from condarium.engine.event_loop import run
from condarium.engine.packages.fetch_errors import (
    LinkFailed,
    LinkScriptFailed,
    PackagesAltered,
    say_unlinkable,
)
from condarium.engine.packages.fetcher import TEMPORARY, stem_of
from condarium.engine.packages.seal import altered
from condarium.engine.programs import only_told
from condarium.errors import CondariumError
from condarium.model.progress import Progress


def link_records(
    records: Sequence[RepoDataRecord],
    *,
    prefix: Path,
    packages: Path,
    platform: str,
    link_scripts: bool,
    progress: Progress,
    seen_as: Path | None = None,
    begun: float | None = None,
) -> None:
    """Make `prefix` hold exactly `records`, all of which are in the package store.

    rattler locks the first layer of its cache alone, so that gets an empty folder of this build's
    own: builds link at the same time. Meanwhile a thread looks whether the packages are as they
    were when they were fetched: rattler's own check would take the network, and not see much. Those
    that were fetched since the build has `begun` (Unix time) are taken as they are.

    conda-meta does not say which packages somebody asked for by name: a prefix is shared by all
    who have the same lock, whatever they asked for.

    With `seen_as`, files hold that path in the prefix's place: they are to be moved there.

    Raises PackagesAltered, LinkFailed, LinkScriptFailed, StoreFull, StoreReadOnly.
    """
    progress.phase("link", len(records), "packages")
    reporter = _Reporter(progress)  # type: ignore[abstract]  # the other methods have empty bodies
    failed: CondariumError | None = None
    with (
        ThreadPoolExecutor(1) as thread,
        TemporaryDirectory(prefix=TEMPORARY, dir=packages) as own,
        only_told() if link_scripts else nullcontext(),
    ):
        stems = [stem_of(record) for record in records]
        checked = thread.submit(altered, packages, stems, before=begun)
        cache = PackageCache.new_layered([own, packages], validation_mode=ValidationMode.skip())
        try:
            run(
                _to_its_end(
                    install(
                        records=list(records),
                        target_prefix=prefix,
                        alternative_target_prefix=seen_as,
                        package_cache=cache,
                        installed_packages=[],
                        platform=Subdir(platform),
                        execute_link_scripts=link_scripts,
                        show_progress=False,
                        reporter=reporter,
                    )
                )
            )
        except (InstallerError, LinkError, OSError) as error:
            failed = say_unlinkable(prefix, error)
            failed.__cause__ = error
    if (failed is None or isinstance(failed, LinkFailed)) and (found := checked.result()):
        raise PackagesAltered(found) from failed
    if failed:
        raise failed
    reporter.check()


async def _to_its_end(work: Coroutine[None, None, None]) -> None:
    """Wait for rattler also when that is cancelled: its threads link on into the prefix."""
    working = asyncio.ensure_future(work)
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise


class _Reporter(InstallerReporter):
    """Hears rattler's callbacks, which come from its threads."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._scripts: dict[int, str] = {}
        self._failed: list[str] = []

    def on_link_complete(self, index: int) -> None:
        self._progress.advance()

    def on_post_link_start(self, package_name: str, script_path: str) -> int:
        token = len(self._scripts)
        self._scripts[token] = package_name
        self._progress.log(f"the post-link script of {package_name} runs")
        return token

    def on_post_link_complete(self, index: int, success: bool) -> None:
        self._progress.log(f"the post-link script of {self._scripts[index]} ended")
        if not success:
            self._failed.append(self._scripts[index])

    def check(self) -> None:
        """Raises LinkScriptFailed: rattler itself passes over a script that fails."""
        if self._failed:
            raise LinkScriptFailed(sorted(self._failed))
