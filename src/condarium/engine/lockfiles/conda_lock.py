"""Read a conda-lock.yml (version 1), as conda-lock writes it.

rattler reads most of them, but none whose pip packages have no hash or whose dependencies it
cannot parse, and it leaves out which of two platforms a package's dependencies are for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from rattler import RepoDataRecord

from condarium.engine.lockfiles.formats import record_of
from condarium.errors import BadLock
from condarium.model.lock import PypiPackage, normal_pypi_name

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_CATEGORIES = ("main", "dev")
"""What `conda-lock install` installs when nobody asks for other categories by name."""


@dataclass(frozen=True, kw_only=True)
class CondaLock:
    """What a conda-lock.yml has, by platform; `left_out` are the categories that were not read."""

    channels: tuple[str, ...]
    conda: Mapping[str, list[RepoDataRecord]]
    pypi: Mapping[str, list[PypiPackage]]
    left_out: tuple[str, ...]


def read_conda_lock(text: str, source: str) -> CondaLock:
    """Read the packages of the categories `main` and `dev`; raises BadLock."""
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - it is a safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise BadLock(source, f"is not YAML: {error.problem}", line=line) from error
    try:
        return _read(document)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadLock(
            source,
            f"is not a conda-lock file of version 1: {error}",
            hint="Write it again with conda-lock, or lock the environment here.",
        ) from error


def _read(document: Any) -> CondaLock:
    if document.get("version", 1) != 1:
        raise ValueError(f"its version is {document['version']}")
    metadata = document["metadata"]
    conda: dict[str, dict[str, RepoDataRecord]] = {name: {} for name in metadata["platforms"]}
    pypi: dict[str, dict[str, PypiPackage]] = {name: {} for name in metadata["platforms"]}
    left_out = set()
    for package in document["package"]:
        category, platform, url = (
            package.get("category", "main"),
            package["platform"],
            package["url"],
        )
        if category not in _CATEGORIES:
            left_out.add(category)
        elif package["manager"] == "pip":
            pypi[platform][url] = _pypi(package)
        elif not package["name"].startswith("__"):  # conda-lock's stand-in for a virtual package
            conda[platform][url] = _conda(package)
    return CondaLock(
        channels=tuple(str(channel["url"]) for channel in metadata["channels"]),
        conda={name: list(found.values()) for name, found in conda.items()},
        pypi={name: list(found.values()) for name, found in pypi.items()},
        left_out=tuple(sorted(left_out)),
    )


def _conda(package: Mapping[str, Any]) -> RepoDataRecord:
    hashes = package["hash"] or {}
    return record_of(
        package["url"],
        sha256=hashes.get("sha256"),
        md5=hashes.get("md5"),
        depends=_dependencies(package),
    )


def _pypi(package: Mapping[str, Any]) -> PypiPackage:
    url, _, _ = package["url"].partition("#")
    return PypiPackage(
        name=normal_pypi_name(package["name"]),
        version=str(package["version"]),
        url=url,
        sha256=(package["hash"] or {}).get("sha256"),
        requires_dist=(),
        filename=url.rpartition("/")[2],
    )


def _dependencies(package: Mapping[str, Any]) -> list[str]:
    asked: Mapping[str, Any] = package.get("dependencies") or {}
    return [f"{name} {spec}".strip() for name, spec in asked.items()]
