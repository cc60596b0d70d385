"""A record of a channel elsewhere as a file of a channel here."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import msgspec

from condarium.model.hosting.hosted import HostedFile
from condarium.model.package import BadPackageName, PackageFileName

_encoder = msgspec.json.Encoder(order="sorted")

_NAMED_BY = {"https": ("https",), "http": ("http", "https"), "file": ("file", "http", "https")}


class Unfit(Exception):  # a reason, which is counted and never leaves the room
    """A record cannot be taken over."""


class Known(msgspec.Struct):
    """What clients read of a record, and refuse a whole index for where it has another type."""

    name: str
    version: str
    build: str
    build_number: Annotated[int, msgspec.Meta(ge=0)]
    depends: list[str] = []
    constrains: list[str] = []
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] | None = None
    md5: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")] | None = None
    size: Annotated[int, msgspec.Meta(ge=0)] | None = None
    subdir: str | None = None
    noarch: str | bool | None = None
    timestamp: int | None = None
    license: str | None = None
    url: str | None = None


def check(subdir: str, file_name: str, record: Any) -> Known:
    """Raises Unfit."""
    known = _known(record)
    _check_names(subdir, file_name, known)
    return known


def take(
    subdir: str,
    file_name: str,
    record: Any,
    *,
    base_url: str,
    indexed_at: int,
    run_exports: Mapping[str, Any],
) -> HostedFile:
    """Take a record over as it is, but for its `indexed_timestamp`, which is ours.

    `sha256` of the file is empty where the record has none. Raises Unfit.
    """
    known = check(subdir, file_name, record)
    taken = {**record, "subdir": subdir, "indexed_timestamp": indexed_at}
    if file_name in run_exports:
        taken.setdefault("run_exports", run_exports[file_name])
    return _hosted(subdir, file_name, taken, known, base_url=base_url, indexed_at=indexed_at)


def proxied(
    subdir: str, file_name: str, record: Mapping[str, Any], *, base_url: str, now: int
) -> HostedFile:
    """Have a proxy's file be just what upstream says of it. Raises Unfit."""
    known = check(subdir, file_name, record)
    indexed_at = record.get("indexed_timestamp") or now  # told, as the record; cooldowns ask r1
    return _hosted(subdir, file_name, record, known, base_url=base_url, indexed_at=indexed_at)


def _hosted(
    subdir: str,
    file_name: str,
    record: Mapping[str, Any],
    known: Known,
    *,
    base_url: str,
    indexed_at: int,
) -> HostedFile:
    return HostedFile(
        subdir=subdir,
        file_name=file_name,
        name=known.name,
        version=known.version,
        build=known.build,
        build_number=known.build_number,
        sha256=known.sha256 or "",
        md5=known.md5,
        size=known.size,
        indexed_at=indexed_at,
        record=_encoder.encode(record),
        source=_source(known.url, base_url, file_name),
    )


def with_sha256(file: HostedFile, sha256: str) -> HostedFile:
    """Say what the SHA-256 of a file turned out to be."""
    if file.sha256:
        return file
    record = {**msgspec.json.decode(file.record), "sha256": sha256}
    return replace(file, sha256=sha256, record=_encoder.encode(record))


def _known(record: Any) -> Known:
    try:
        return msgspec.convert(record, Known)
    except msgspec.ValidationError as error:
        raise Unfit(f"the record is not as it must be: {error}") from error


def _check_names(subdir: str, file_name: str, known: Known) -> None:
    try:
        said = PackageFileName.parse(file_name)
    except BadPackageName as error:
        raise Unfit(f"the file name breaks a rule of CEP 26: {error.rule}") from error
    if (said.name, said.version, said.build) != (known.name, known.version, known.build):
        raise Unfit("name, version and build are not those of the file name")
    if known.subdir not in (None, subdir):
        raise Unfit("the record is of another subdir")


def _source(url: str | None, base_url: str, file_name: str) -> str:
    """Where the bytes are. What is fetched over a network may not name files of this machine."""
    if url is None:
        return base_url + quote(file_name)
    if not may_name(base_url, url):
        raise Unfit(f"its bytes are at a URL of {urlsplit(url).scheme}://")
    return url


def may_name(url: str, other: str) -> bool:
    """Whether what is read from a URL may send readers to another.

    Only a file of this machine may name files of this machine, and nothing that came over TLS may
    name what does not.
    """
    return urlsplit(other).scheme in _NAMED_BY.get(urlsplit(url).scheme, ())
