"""info/index.json (CEP 34): what becomes a package's record."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from condarium.channels.validation.paths import normal_path
from condarium.channels.validation.refusal import Fault
from condarium.channels.validation.strict_json import check_values, parse
from condarium.engine.packages.readable import (
    dependency_advice,
    dependency_problem,
    index_problem,
    version_problem,
)
from condarium.model.package import PackageFileName
from condarium.model.subdirs import SUBDIRS, likely_subdir

MEMBER = "info/index.json"

_SUBDIR = re.compile(r"noarch|[a-z0-9]+-[a-z0-9]+")
_LONGEST_SUBDIR = 32
_SLACK = timedelta(hours=24)
"""How far ahead a build machine's clock may be."""

_OPTIONAL = (str, type(None))
_TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "version": (str,),
    "build": (str,),
    "build_number": (int,),
    "depends": (list,),
    "constrains": (list,),
    "subdir": (str,),
    "noarch": (str, bool, type(None)),
    "timestamp": (int, type(None)),
    "license": _OPTIONAL,
    "license_family": _OPTIONAL,
    "arch": _OPTIONAL,
    "platform": _OPTIONAL,
    "features": _OPTIONAL,
    "track_features": (str, list, type(None)),
    "python_site_packages_path": _OPTIONAL,
    "legacy_bz2_md5": (str,),
    "legacy_bz2_size": (int,),
    "schema_version": (int,),
    "purls": (list, type(None)),
}
_REQUIRED = ("name", "version", "build", "build_number")
# What only a channel can say, or what is said elsewhere in the package.
_NOT_ITS_OWN = ("indexed_timestamp", "sha256", "md5", "size", "run_exports")
_ARCHITECTURES = {"x86_64": "64", "x86": "32", "AMD64": "64"}


def read_index(
    content: bytes, name: PackageFileName, now: datetime
) -> tuple[dict[str, Any], list[str]]:
    """Read the record that a package of this file name gives itself, and warnings. Raises Fault."""
    record: dict[str, Any] = parse(content, MEMBER)
    check_values(record, MEMBER)
    for key in _NOT_ITS_OWN:
        record.pop(key, None)
    _check_types(record)
    record.setdefault("depends", [])
    record["subdir"] = _subdir(record)
    _check_name(record, name)
    _check_noarch(record)
    for key in ("depends", "constrains"):
        check_dependencies(record.get(key, ()), MEMBER, key)
    if record.get("python_site_packages_path"):
        normal_path(record["python_site_packages_path"])
    if problem := index_problem(json.dumps(record)):
        raise Fault("index-readable", MEMBER, found=problem, expected="what rattler can read")
    return record, [*_clock_warnings(record, now), *_warnings(record)]


def check_dependencies(dependencies: Iterable[Any], member: str, key: str) -> None:
    """Refuse what is no MatchSpec."""
    for dependency in dependencies:
        if not isinstance(dependency, str):
            raise Fault(
                "json-type", member, found=f"{dependency!r:.200} in {key}", expected="MatchSpecs"
            )
        if problem := dependency_problem(dependency):
            raise Fault(
                "dependency-readable",
                member,
                found=f"{dependency!r:.200} in {key} ({problem})",
                expected="a MatchSpec",
            )


def _check_types(record: dict[str, Any]) -> None:
    for key in _REQUIRED:
        if key not in record:
            raise Fault("json-type", MEMBER, found=f"no {key}", expected="one")
    for key, types in _TYPES.items():
        value = record.get(key)
        if key not in record or (isinstance(value, types) and _no_bool(value, types)):
            continue
        expected = " or ".join("null" if each is type(None) else each.__name__ for each in types)
        raise Fault("json-type", MEMBER, found=f"{key}: {value!r:.200}", expected=expected)
    for key in ("build_number", "timestamp", "legacy_bz2_size"):
        if (record.get(key) or 0) < 0:
            raise Fault("json-type", MEMBER, found=f"{key}: {record[key]}", expected="0 or more")


def _no_bool(value: object, types: tuple[type, ...]) -> bool:
    """True is an int in Python, and none in JSON."""
    return not isinstance(value, bool) or bool in types


def _subdir(record: dict[str, Any]) -> str:
    """Its subdir, which packages of old conda-builds only say as platform and architecture."""
    subdir = record.get("subdir")
    if subdir is None:
        platform, arch = record.get("platform"), record.get("arch")
        subdir = f"{platform}-{_ARCHITECTURES.get(arch or '', arch)}" if platform else None
        subdir = "noarch" if record.get("noarch") else subdir
    if not subdir or len(subdir) > _LONGEST_SUBDIR or not _SUBDIR.fullmatch(subdir):
        raise Fault(
            "subdir", MEMBER, found=f"the subdir {subdir!r}", expected="noarch or OS-ARCHITECTURE"
        )
    return str(subdir)


def _check_name(record: dict[str, Any], name: PackageFileName) -> None:
    for key, expected in (("name", name.name), ("version", name.version), ("build", name.build)):
        if record[key] != expected:
            raise Fault(
                "file-name-agrees",
                MEMBER,
                found=f"the {key} {record[key]!r}",
                expected=f"{expected!r}, as the file name says",
            )
    if problem := version_problem(name.version):
        raise Fault(
            "version-readable",
            MEMBER,
            found=f"the version {name.version!r} ({problem})",
            expected="one that can be ordered",
        )


def _check_noarch(record: dict[str, Any]) -> None:
    """`noarch: python` in a platform's subdir is for any Python there (CEP 20)."""
    noarch, subdir = record.get("noarch"), record["subdir"]
    if noarch not in (None, False, True, "python", "generic"):
        raise Fault(
            "noarch-agrees", MEMBER, found=f"noarch: {noarch!r}", expected="python or generic"
        )
    if subdir != "noarch" and noarch in (True, "generic"):
        raise Fault(
            "noarch-agrees",
            MEMBER,
            found=f"noarch: {noarch!r} in the subdir {subdir}",
            expected="it in noarch",
        )


def _clock_warnings(record: dict[str, Any], now: datetime) -> list[str]:
    """Refuse a timestamp that no clock can excuse. Old packages have seconds, new ones ms."""
    timestamp = record.get("timestamp") or 0
    seconds = timestamp / 1000 if timestamp > 253_402_300_799 else timestamp
    ahead = timedelta(seconds=min(seconds - now.timestamp(), 10**9))
    if ahead > _SLACK:
        raise Fault(
            "timestamp-in-future",
            MEMBER,
            found=f"the timestamp {timestamp}, {ahead.days} days ahead",
            expected=f"one before {(now + _SLACK).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        )
    if ahead > timedelta(0):
        return [f"its timestamp, {timestamp}, is {ahead.total_seconds():.0f} s in the future"]
    return []


def _warnings(record: dict[str, Any]) -> list[str]:
    found = []
    if (subdir := record["subdir"]) not in (*SUBDIRS, "noarch"):
        likely = likely_subdir(subdir)
        meant = f"; did it mean {likely}?" if likely else ""
        found.append(f"no platform is known whose subdir is {subdir}{meant}")
    for key in ("depends", "constrains"):
        for dependency in record.get(key, ()):
            if advice := dependency_advice(dependency):
                found.append(f"{key} has {dependency!r}: {advice}")
    return found
