"""An environment as it was solved: exactly which files, on which platform."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class LockedPackage:
    """One package of a lock; `sha256` is lower-case hex, `size` is in bytes."""

    kind: Literal["conda", "pypi"]
    name: str
    version: str
    build: str = ""
    subdir: str = ""
    channel: str = ""
    url: str
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    depends: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The packages of every platform that was solved, sorted by name within a platform."""

    channels: tuple[str, ...]
    packages: Mapping[str, tuple[LockedPackage, ...]] = field(default_factory=dict)

    @property
    def platforms(self) -> tuple[str, ...]:
        return tuple(self.packages)


@dataclass(frozen=True, kw_only=True)
class PypiPackage:
    """One package from a Python package index, or from a git repository at a commit.

    `url` is where its file is, or `git+<repository>#<commit>`, which has no `sha256`. `size` is in
    bytes. `requires_dist` and `requires_python` are those of its core metadata (PEP 508, PEP 440).
    """

    name: str
    version: str
    url: str
    sha256: str | None = None
    size: int | None = None
    requires_dist: tuple[str, ...] = ()
    requires_python: str | None = None
    filename: str = ""

    @property
    def is_wheel(self) -> bool:
        return self.filename.endswith(".whl")

    @property
    def is_git(self) -> bool:
        return self.url.startswith("git+")


def without_credentials(url: str) -> str:
    """Take the user, the password and a `/t/<token>/` out of a URL; anything else stays."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme == "file":
        return url
    host, slash, path = rest.partition("/")
    path = re.sub(r"^t/[^/]+/", "", path)
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def normal_pypi_name(name: str) -> str:
    """Write a PyPI name the one way (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
