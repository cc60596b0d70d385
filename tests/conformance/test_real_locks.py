"""The lock files of public projects read, and are written again as they were."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from condarium.engine.lockfiles.document import LockDocument
from condarium.engine.lockfiles.lockfile import read_lock, write_lock
from condarium.errors import BadLock

pytestmark = pytest.mark.data

# What cannot be installed, and why; everything else can, on each platform it is locked for.
REFUSED = {
    "Deltares+Ribasim/pixi.lock.zst": r"ribasim \(./python/ribasim\) cannot be verified",
    "ESMValGroup+ESMValTool/pixi.lock.zst": r"esmvaltool \(./\) cannot be verified",
    "HaoZeke+eOn/pixi.lock.zst": "jinja2 .* cannot be verified",
    "HaoZeke+eOn/condaEnvs/docs.conda-lock.yml": "typing-extensions .* cannot be verified",
    "conda+conda-lock/pixi.lock.zst": r"conda-lock \(./\) cannot be verified",
    "dask+distributed/pixi.lock.zst": "dask-core .* is a source package",
}


def _folder() -> Path:
    default = Path(__file__).parents[2] / "../shared/data"
    return Path(os.environ.get("CONDARIUM_DATA", default)) / "environments"


def _files() -> list[str]:
    patterns = ("pixi.lock*", "*conda-lock.yml*", "conda-linux-64.lock")
    return sorted(
        str(path.relative_to(_folder()))
        for pattern in patterns
        for path in _folder().rglob(pattern)
    )


def _read(name: str) -> bytes:
    path = _folder() / name
    if path.suffix != ".zst":
        return path.read_bytes()
    if shutil.which("zstd") is None:
        pytest.skip("there is no zstd to unpack it with")
    done = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True, timeout=60)
    return done.stdout


def _rewritten(document: LockDocument) -> bytes:
    # The names that pixi gives to variants of a platform (p1) are its own; pip packages that are
    # not files are not what condarium locks.
    chosen = {name: of for name, of in document.packages.items() if name == of.subdir}
    return write_lock(
        channels=document.channels,
        conda={name: of.records for name, of in chosen.items()},
        pypi={
            name: [p for p in of.pypi if p.sha256 and "://" in p.url] for name, of in chosen.items()
        },
    )


def _identity(document: LockDocument) -> dict[str, list[tuple[object, ...]]]:
    return {
        name: [
            (p.kind, p.name, p.version, p.build, p.subdir, p.url, p.sha256, p.md5, p.size)
            for p in document.lock.packages[name]
            if p.kind == "conda" and p.url.endswith((".conda", ".bz2"))
        ]
        for name, of in document.packages.items()
        if name == of.subdir
    }


@pytest.mark.skipif(not _folder().is_dir(), reason="the real data is not here")
@pytest.mark.parametrize("name", _files())
def test_a_real_lock_is_read_and_written_again_the_same(name):
    data = _read(name)
    first = read_lock(data, source=name)
    for environment in first.environments[:4]:
        document = read_lock(data, source=name, environment=environment)
        written = _rewritten(document)
        again = read_lock(written, source="again")
        assert _rewritten(again) == written
        assert _identity(again) == _identity(document)


@pytest.mark.skipif(not _folder().is_dir(), reason="the real data is not here")
@pytest.mark.parametrize("name", _files())
def test_a_real_lock_can_be_installed_or_says_why_not(name):
    document = read_lock(_read(name), source=name)
    if expected := REFUSED.get(name):
        with pytest.raises(BadLock, match=expected):
            _install(document)
        return
    assert _install(document) > 0


def _install(document: LockDocument) -> int:
    return sum(
        len(document.records(platform)) + len(document.pypi(platform))
        for platform in document.platforms
    )
