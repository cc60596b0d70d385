"""Channels to test with: a real one made from PyPI, and tiny ones made of anything.

The session's fixture `channel` (tests/conftest.py) is a folder with real packages: python, pip,
numpy, pandas, rich and what they require. It is shared by all tests: only read it.

    def test_something(channel: Path) -> None:
        url = channel.as_uri()

`make_channel` writes a channel of packages that a test describes::

    url = make_channel(tmp_path / "channel", [
        Made("tool", "2.0", depends=["lib >=1"], files={"bin/tool": f"#!{PREFIX}/bin/sh\\n"}),
        Made("lib", files={"lib/a.txt": "a", "lib/b.txt": Link("a.txt")}),
        Made("app", noarch="python", entry_points=["app = app:main"],
             files={"site-packages/app.py": "def main(): ..."}),
    ]).as_uri()

Text (str) with PREFIX in it has the prefix written into it by clients; so have bytes, as a binary.
Files in bin/ and python-scripts/ can be run; so can link scripts: `bin/.tool-post-link.sh`.
"""

import fcntl
import hashlib
import os
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, Literal

import condarium.channels.making
import condarium.engine.packages.packaging
from condarium.channels.making.static import index_channel, make_static_channel
from condarium.engine.packages.packaging import (
    PLACEHOLDER,
    PackageFile,
    PackageMetadata,
    write_package,
)

PREFIX = PLACEHOLDER
"""Write this where a file of a package holds the prefix."""

REQUIREMENTS = ("pip", "numpy", "pandas", "rich")


@dataclass(frozen=True)
class Link:
    """A symbolic link in a package."""

    target: str


@dataclass(frozen=True)
class Made:
    """A package to make; one without a `subdir` is in noarch."""

    name: str
    version: str = "1.0"
    _: KW_ONLY
    build: str = "0"
    build_number: int = 0
    subdir: str = "noarch"
    noarch: Literal["python", "generic"] | None = None
    depends: Sequence[str] = ()
    constrains: Sequence[str] = ()
    files: Mapping[str, str | bytes | Link] = field(default_factory=dict)
    entry_points: Sequence[str] = ()
    timestamp: int | None = None
    license: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def make_channel(folder: Path, packages: Sequence[Made] = ()) -> Path:
    """Write a channel of these packages, added to those it has, with its indexes."""
    for package in packages:
        make_package(package, into=folder)
    index_channel(folder)
    return folder


def make_package(package: Made, *, into: Path) -> Path:
    """Write one package into a channel's folder, and leave its indexes as they are."""
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".making-") as scratch:
        files = [
            _file(Path(scratch) / str(number), path, content)
            for number, (path, content) in enumerate(sorted(package.files.items()))
        ]
        return write_package(_metadata(package), files, into=into, compression=1)


def _metadata(package: Made) -> PackageMetadata:
    return PackageMetadata(
        name=package.name,
        version=package.version,
        build=package.build,
        build_number=package.build_number,
        subdir=package.subdir,
        noarch=package.noarch or ("generic" if package.subdir == "noarch" else None),
        depends=package.depends,
        constrains=package.constrains,
        entry_points=package.entry_points,
        timestamp=package.timestamp,
        license=package.license,
        extra=package.extra,
    )


def _file(source: Path, path: str, content: str | bytes | Link) -> PackageFile:
    if isinstance(content, Link):
        source.symlink_to(content.target)
        return PackageFile(path=path, source=source)
    data = content.encode() if isinstance(content, str) else content
    source.write_bytes(data)
    source.chmod(0o755 if path.startswith(("bin/", "python-scripts/")) else 0o644)
    mode: Literal["text", "binary"] = "text" if isinstance(content, str) else "binary"
    return PackageFile(path=path, source=source, mode=mode if PREFIX.encode() in data else None)


def real_channel(root: Path, requirements: Sequence[str] = REQUIREMENTS) -> Path:
    """Give the folder of a channel made from PyPI, kept under `root` for the next time.

    Any number of processes may ask at once: one makes it. It is made anew where the code that
    makes packages, the Python or the requirements are others.
    """
    folder = root / f"channel-{_key(requirements)}"
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root / f"{folder.name}.lock"):
        if not (folder / ".complete").exists():
            make_static_channel(folder, requirements, cache=root / "wheels")
            (folder / ".complete").touch()
    return folder


def _key(requirements: Sequence[str]) -> str:
    digest = hashlib.sha256(repr((platform.python_version(), *requirements)).encode())
    channels = sorted(Path(next(iter(condarium.channels.making.__path__))).glob("*.py"))
    for path in (*channels, Path(condarium.engine.packages.packaging.__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cache_root(basetemp: Path) -> Path:
    """Say where made channels are kept between runs: CONDARIUM_TEST_CACHE, or pytest's own folder.

    `basetemp` is pytest's for this process; a worker of xdist has one within that of the run.
    """
    if chosen := os.environ.get("CONDARIUM_TEST_CACHE"):
        return Path(chosen)
    run = basetemp.parent if "PYTEST_XDIST_WORKER" in os.environ else basetemp
    return run.parent / "condarium-channels"
