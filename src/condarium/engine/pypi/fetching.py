"""Fetching wheels: in parallel, verified, and kept for the next time."""

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from condarium.engine.hashing import file_sha256
from condarium.engine.network.guard import guard_for
from condarium.engine.network.http import system_tls
from condarium.engine.pypi.metadata import _auth
from condarium.errors import BadInput, Failed
from condarium.model.lock import PypiPackage
from condarium.model.progress import Progress

_WAITS = (0.5, 2.0, 5.0, None)
"""Seconds after each try that failed; after the last one there is no other."""


class NoWheel(BadInput):
    """A package has no wheel."""

    def __init__(self, package: PypiPackage) -> None:
        self.package = package
        super().__init__(
            f"{package.name} {package.version} has no wheel for this platform, only {package.url}",
            hint="Ask for a version that has one.",
        )


class WheelNotFetched(Failed):
    """A wheel could not be fetched."""

    def __init__(self, package: PypiPackage, reason: str) -> None:
        self.package = package
        super().__init__(
            f"the wheel of {package.name} {package.version} could not be fetched: {reason}",
            hint="Try again; the network or the index failed.",
        )


def fetch_wheels(
    packages: Sequence[PypiPackage],
    *,
    cache_dir: Path,
    environ: Mapping[str, str],
    progress: Progress,
) -> list[Path]:
    """Fetch the wheels of resolved packages, in their order; those in `cache_dir` are taken.

    Raises NoWheel, and WheelNotFetched also where a file has not the hash that its index gave.
    """
    progress.phase("fetch wheels", len(packages), "wheels")
    with (
        httpx.Client(
            verify=system_tls(),
            follow_redirects=True,
            timeout=60,
            auth=_auth(environ),
            proxy=guard_for(environ),
        ) as client,
        ThreadPoolExecutor(max_workers=8) as pool,
    ):

        def fetch(package: PypiPackage) -> Path:
            path = _fetch(package, cache_dir / "condarium-wheels", client)
            progress.advance()
            return path

        return list(pool.map(fetch, packages))


def _fetch(package: PypiPackage, cache: Path, client: httpx.Client) -> Path:
    if not package.is_wheel or package.sha256 is None:
        raise NoWheel(package)
    kept = cache / package.sha256 / package.filename
    if kept.is_file() and file_sha256(kept) == package.sha256:
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        part = Path(scratch) / package.filename
        _transfer(package, part, client)
        found = file_sha256(part)
        if found != package.sha256:
            raise WheelNotFetched(package, f"its SHA-256 is {found}; expected {package.sha256}")
        return part.replace(kept)


def _transfer(package: PypiPackage, part: Path, client: httpx.Client) -> None:
    """Bring a file here; a network that fails for a moment is given time to recover."""
    url = urlsplit(package.url)
    for wait in _WAITS:
        try:
            if url.scheme == "file":
                shutil.copyfile(unquote(url.path), part)
            else:
                _download(package.url, part, client)
            return
        except (httpx.HTTPError, OSError) as error:
            if wait is None or not _may_pass(error):
                raise WheelNotFetched(package, str(error) or type(error).__name__) from error
            time.sleep(wait)


def _download(url: str, part: Path, client: httpx.Client) -> None:
    with client.stream("GET", url) as answer, part.open("wb") as file:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            file.write(piece)


def _may_pass(error: Exception) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code == 429
    return isinstance(error, httpx.TransportError)
