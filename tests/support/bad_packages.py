"""Packages made byte by byte, so that any of them can be wrong.

    Draft().conda()                              a good package, as the bytes of a .conda
    Draft(index={"build_number": -1}).conda()    one with another index.json
    Draft().with_member("../x", b"…").tar_bz2()  one with another member

`paths.json` describes the files unless it is given.
"""

import bz2
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import zstandard

from condarium.channels.validation import Limits

STEM = "tool-1.0-h0_0"
CONDA, BZ2 = f"{STEM}.conda", f"{STEM}.tar.bz2"


@dataclass(frozen=True)
class Entry:
    """A member of a tar archive: a file with content, or of another type with a target."""

    name: str
    content: bytes = b""
    kind: bytes = tarfile.REGTYPE
    target: str = ""
    pax: Mapping[str, str] = field(default_factory=dict)


def hard(name: str, target: str) -> Entry:
    return Entry(name, kind=tarfile.LNKTYPE, target=target)


def soft(name: str, target: str) -> Entry:
    return Entry(name, kind=tarfile.SYMTYPE, target=target)


def folder(name: str) -> Entry:
    return Entry(name, kind=tarfile.DIRTYPE)


def tar(entries: tuple[Entry, ...], *, form: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for entry in entries:
            member = tarfile.TarInfo(entry.name)
            member.type, member.linkname = entry.kind, entry.target
            member.size, member.pax_headers = len(entry.content), dict(entry.pax)
            archive.addfile(member, io.BytesIO(entry.content))
    return buffer.getvalue()


def stored(
    members: Mapping[str, bytes], *, method: int = zipfile.ZIP_STORED, comment: bytes = b""
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
        archive.comment = comment
    return buffer.getvalue()


_INDEX = {
    "name": "tool",
    "version": "1.0",
    "build": "h0_0",
    "build_number": 0,
    "subdir": "linux-64",
    "depends": ["python >=3.9", "__glibc >=2.17"],
    "constrains": ["other <2"],
    "license": "MIT",
    "timestamp": 1_700_000_000_000,
    "x_of_a_later_day": {"kept": [1]},
}
_FILES = (Entry("bin/tool", b"#!/bin/sh\n"), Entry("lib/data", b"d" * 3000), soft("lib/d", "data"))


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A package before it is packed: what its index.json has besides, its files, its metadata.

    A key of `index` that is None is left out. `info` are files of info/ by name, as bytes or as
    what JSON is made of.
    """

    index: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[Entry, ...] = _FILES
    info: Mapping[str, Any] = field(default_factory=dict)
    paths: Any = None

    def with_member(self, name: str, content: bytes = b"x") -> "Draft":
        return self.with_entry(Entry(name, content))

    def with_entry(self, *entries: Entry) -> "Draft":
        return replace(self, files=(*self.files, *entries))

    def with_path(self, **keys: Any) -> "Draft":
        """Say more, or something else, of the first path of paths.json; None takes a key away."""
        first, *rest = self.listing()["paths"]
        changed = {key: value for key, value in (first | keys).items() if value is not None}
        return replace(self, paths={"paths": [changed, *rest], "paths_version": 1})

    def listing(self) -> dict[str, Any]:
        entries = [_described(each) for each in self.files if each.kind != tarfile.DIRTYPE]
        return {"paths": entries, "paths_version": 1}

    def info_entries(self) -> tuple[Entry, ...]:
        merged = {**_INDEX, **self.index}
        index = {key: value for key, value in merged.items() if value is not None}
        paths = self.listing() if self.paths is None else self.paths
        documents = {"index.json": index, "paths.json": paths, **self.info}
        return tuple(
            Entry(f"info/{name}", each if isinstance(each, bytes) else json.dumps(each).encode())
            for name, each in documents.items()
            if each is not None
        )

    def parts(self) -> dict[str, bytes]:
        """The members of the .conda, in the order of writers."""
        return {
            "metadata.json": b'{"conda_pkg_format_version": 2}',
            f"pkg-{STEM}.tar.zst": zstandard.compress(tar(self.files)),
            f"info-{STEM}.tar.zst": zstandard.compress(tar(self.info_entries())),
        }

    def conda(self, **others: bytes | Callable[[bytes], bytes] | None) -> bytes:
        """Pack it; `metadata`, `pkg` and `info` are other bytes, or how to change them."""
        parts = self.parts()
        for name, change in others.items():
            member = next(each for each in parts if each.startswith(name))
            if change is None:
                del parts[member]
            else:
                parts[member] = change(parts[member]) if callable(change) else change
        return stored(parts)

    def tar_bz2(self) -> bytes:
        return bz2.compress(tar((*self.info_entries(), *self.files)))


def _described(entry: Entry) -> dict[str, Any]:
    if entry.kind == tarfile.SYMTYPE:
        return {"_path": entry.name, "path_type": "softlink"}
    if entry.kind != tarfile.REGTYPE:
        return {"_path": entry.name, "path_type": "hardlink"}
    return {
        "_path": entry.name,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(entry.content).hexdigest(),
        "size_in_bytes": len(entry.content),
    }


def bad_by_rule() -> dict[str, "Bad"]:
    """Every bad package by a name of its own; most rules have several."""
    from tests.support import bad_archives, bad_metadata

    return {**bad_archives.BAD, **bad_metadata.BAD}


@dataclass(frozen=True)
class Bad:
    """A bad package: its bytes, the rule that it breaks, and a part of what is said about it."""

    made: Callable[[], bytes]
    rule: str
    said: str
    file: str = CONDA
    limits: Limits = field(default_factory=Limits)
