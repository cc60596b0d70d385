"""The core metadata of wheels: beside the file where the index has it (PEP 658), else from it."""

import io
import json
import tempfile
import zipfile
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from condarium.engine.network.guard import guard_for
from condarium.engine.network.http import system_tls
from condarium.model.lock import PypiPackage


def with_metadata(
    packages: Sequence[PypiPackage], *, cache_dir: Path, environ: Mapping[str, str]
) -> list[PypiPackage]:
    """Add `requires_dist` and `requires_python` to wheels.

    What was read once is kept in `cache_dir` under the wheel's hash. They stay empty where a server
    gives neither the metadata nor a part of a file; raises httpx.TransportError where it cannot be
    reached.
    """
    cache = cache_dir / "condarium-metadata"
    cache.mkdir(parents=True, exist_ok=True)
    with (
        httpx.Client(
            verify=system_tls(),
            follow_redirects=True,
            timeout=30,
            auth=_auth(environ),
            proxy=guard_for(environ),
        ) as client,
        ThreadPoolExecutor(max_workers=8) as pool,
    ):
        return list(pool.map(lambda package: _with_one(package, cache, client), packages))


def _with_one(package: PypiPackage, cache: Path, client: httpx.Client) -> PypiPackage:
    if not package.is_wheel or package.sha256 is None:
        return package
    kept = cache / f"{package.sha256}.json"
    try:
        found = json.loads(kept.read_bytes())
    except (OSError, ValueError):
        found = _parse(_fetch(package, client))
        if found is not None:
            _write(kept, json.dumps(found))
    if found is None:
        return package
    return replace(
        package,
        requires_dist=tuple(found["requires_dist"]),
        requires_python=found["requires_python"],
    )


def _write(path: Path, text: str) -> None:
    # Several may write the same file at once; a name of its own for each keeps it whole.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)


def _fetch(package: PypiPackage, client: httpx.Client) -> bytes | None:
    if package.url.startswith("file:"):
        return _from_wheel(Path(unquote(urlsplit(package.url).path)))
    answer = client.get(f"{package.url}.metadata")
    if answer.is_success:
        return answer.content
    try:
        return _from_wheel(io.BufferedReader(_RemoteFile(package.url, client)))
    except (zipfile.BadZipFile, _NoRanges):
        return None


def _from_wheel(file: Path | io.BufferedIOBase) -> bytes | None:
    with zipfile.ZipFile(file) as wheel:
        names = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        return wheel.read(names[0]) if names else None


class _NoRanges(Exception):
    """The server does not give parts of files."""


class _RemoteFile(io.RawIOBase):
    """A file behind HTTP, of which only what is read is fetched.

    A wheel's directory and metadata are at its end, so its last part usually is all.
    """

    _TAIL = 65536

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._url, self._client, self._at = url, client, 0
        self._tail, self._size = self._fetch(f"-{self._TAIL}")

    def _fetch(self, wanted: str) -> tuple[bytes, int]:
        headers = {"Range": f"bytes={wanted}", "Accept-Encoding": "identity"}
        with self._client.stream("GET", self._url, headers=headers) as answer:
            total = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if answer.status_code != httpx.codes.PARTIAL_CONTENT or not total.isdigit():
                raise _NoRanges
            return answer.read(), int(total)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._at + len(buffer), self._size)
        if self._at >= end:
            return 0
        start = self._size - len(self._tail)
        if self._at >= start:
            part = self._tail[self._at - start : end - start]
        else:
            part, _ = self._fetch(f"{self._at}-{end - 1}")
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def _parse(metadata: bytes | None) -> dict[str, object] | None:
    if metadata is None:
        return None
    raw, _ = parse_email(metadata)
    python = raw.get("requires_python")
    return {
        "requires_dist": [r for r in raw.get("requires_dist", ()) if _is_requirement(r)],
        "requires_python": python if python and _is_specifier(python) else None,
    }


def _is_requirement(text: str) -> bool:
    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def _is_specifier(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


class _IndexAuth(httpx.Auth):
    """The credentials of an index's URL, for files on the same host."""

    def __init__(self, known: Mapping[str, httpx.BasicAuth]) -> None:
        self.known = known

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        found = self.known.get(request.url.host)
        if found is None:
            yield request
        else:
            yield from found.auth_flow(request)


def _auth(environ: Mapping[str, str]) -> httpx.Auth:
    names = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")
    known = {}
    for word in " ".join(environ.get(name, "") for name in names).split():
        url = urlsplit(word.partition("=")[2] if "=" in word.partition("://")[0] else word)
        if url.hostname and url.username:
            user, password = unquote(url.username), unquote(url.password or "")
            known[url.hostname] = httpx.BasicAuth(user, password)
    return _IndexAuth(known)
