"""Reading a package: as a stream, in bounded memory, and with nothing written anywhere."""

import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from condarium.channels.validation.compression import CHUNK, unbz2, unzstd
from condarium.channels.validation.conda_zip import CondaZip
from condarium.channels.validation.contents import Contents
from condarium.channels.validation.index import MEMBER as INDEX
from condarium.channels.validation.index import read_index
from condarium.channels.validation.limits import Limits, Meter
from condarium.channels.validation.listing import check_listing
from condarium.channels.validation.metadata import check_link, read_about, read_run_exports
from condarium.channels.validation.refusal import Fault, PackageRefused
from condarium.channels.validation.strict_json import parse
from condarium.model.package import BadPackageName, Package, PackageFileName

_FORMAT = "metadata.json"
_LARGEST_FORMAT = 64 * 1024


def read_package(
    path: Path, file_name: str, *, now: datetime, limits: Limits | None = None
) -> Package:
    """Read what a package says of itself, and check it against its bytes.

    `file_name` is what it is published as, `now` with a time zone. Raises PackageRefused with the
    first rule that it breaks.
    """
    try:
        name = PackageFileName.parse(file_name)
        with path.open("rb") as file:
            return _read(file, name, now, limits or Limits())
    except BadPackageName as bad:
        raise PackageRefused(
            file_name, member=None, rule=bad.rule, found=bad.found, expected=bad.expected
        ) from bad
    except Fault as fault:
        raise PackageRefused(
            file_name,
            member=fault.member,
            rule=fault.rule,
            found=fault.found,
            expected=fault.expected,
        ) from fault


def _read(file: BinaryIO, name: PackageFileName, now: datetime, limits: Limits) -> Package:
    size = os.fstat(file.fileno()).st_size
    contents = Contents(Meter(limits, size))
    if name.suffix == ".conda":
        record, warnings = _read_conda(file, size, name, now, contents)
    else:
        contents.add(unbz2(file), name=None, part=None)
        record, warnings = _record(contents, name, now)
    contents.check_tree()
    check_listing(contents, subdir=record["subdir"], legacy=name.suffix == ".tar.bz2")
    check_link(contents.info, record.get("noarch"))
    about, doubts = read_about(contents.info)
    if run_exports := read_run_exports(contents.info):
        record["run_exports"] = run_exports
    sha256, md5 = _digests(file)
    record |= {"sha256": sha256, "md5": md5, "size": size}
    return Package(
        file_name=str(name),
        subdir=record["subdir"],
        name=name.name,
        version=name.version,
        build=name.build,
        build_number=record["build_number"],
        sha256=sha256,
        md5=md5,
        size=size,
        record=record,
        about=about,
        warnings=(*warnings, *doubts),
    )


def _read_conda(
    file: BinaryIO, size: int, name: PackageFileName, now: datetime, contents: Contents
) -> tuple[dict[str, Any], list[str]]:
    """Read the metadata first: most packages that are refused are so before their bulk is read."""
    archive = CondaZip(file, size=size, stem=name.stem)
    _check_format(archive)
    contents.add(unzstd(archive.open(archive.info)), name=archive.info, part="info")
    record = _record(contents, name, now)
    contents.add(unzstd(archive.open(archive.pkg)), name=archive.pkg, part="pkg")
    return record


def _check_format(archive: CondaZip) -> None:
    if archive.size(_FORMAT) > _LARGEST_FORMAT:
        found = f"{archive.size(_FORMAT):,} bytes"
        raise Fault("metadata-size", _FORMAT, found=found, expected=f"at most {_LARGEST_FORMAT:,}")
    version = parse(archive.open(_FORMAT).read(_LARGEST_FORMAT), _FORMAT).get(
        "conda_pkg_format_version"
    )
    if version != 2 or isinstance(version, bool):
        found = f"conda_pkg_format_version: {version!r}"
        raise Fault("format-version", _FORMAT, found=found, expected="2")


def _record(
    contents: Contents, name: PackageFileName, now: datetime
) -> tuple[dict[str, Any], list[str]]:
    if INDEX not in contents.info:
        raise Fault("metadata-missing", INDEX, found="no such member", expected="it")
    return read_index(contents.info[INDEX], name, now)


def _digests(file: BinaryIO) -> tuple[str, str]:
    """Hash a file from its begin: SHA-256 and MD5, in hex."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    file.seek(0)
    while content := file.read(CHUNK):
        sha256.update(content)
        md5.update(content)
    return sha256.hexdigest(), md5.hexdigest()
