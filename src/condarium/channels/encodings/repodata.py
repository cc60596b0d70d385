"""repodata.json and run_exports.json of one subdir, written piece by piece (CEP 36, CEP 12)."""

import tempfile
from collections.abc import Iterable
from typing import Any, BinaryIO

import msgspec

from condarium.channels.encodings.output import Output
from condarium.channels.shard import Shard

_encode = msgspec.json.Encoder().encode
_IN_MEMORY = 16 << 20
"""In bytes: how much of the smaller section waits in memory for the larger one to be written."""


def write_repodata(
    subdir: str, shards: Iterable[tuple[str, Shard]], repodata: Output, run_exports: Output
) -> None:
    """Write both files of the shards of a subdir, which come by package name.

    Records lie in repodata.json without their run exports, which are those of run_exports.json.
    """
    removed: list[str] = []
    with _Sections(repodata) as records, _Sections(run_exports) as exports:
        records.begin({"subdir": subdir})
        exports.begin(_platform(subdir))
        for _, shard in shards:
            removed += shard.removed
            for is_conda in (True, False):
                chosen = {
                    file_name: record
                    for file_name, record in shard.records.items()
                    if file_name.endswith(".conda") is is_conda
                }
                if chosen:
                    exports.add(
                        {name: _exports(record) for name, record in chosen.items()}, is_conda
                    )
                    records.add(chosen, is_conda)
        records.end({"removed": sorted(set(removed)), "repodata_version": 1})
        exports.end({})


def _exports(record: Any) -> dict[str, Any]:
    """What a record exports; it is taken out of the record."""
    found = record.pop("run_exports", None)
    return {"run_exports": found} if found else {"run_exports": {}}


def _platform(subdir: str) -> dict[str, Any]:
    platform, _, arch = subdir.partition("-")
    named = {"64": "x86_64", "32": "x86"}.get(arch, arch) or None
    return {"platform": platform, "arch": named, "subdir": subdir, "version": 1}


class _Sections:
    """A JSON object with `info`, `packages.conda` and `packages`, each written while both grow."""

    def __init__(self, into: Output) -> None:
        self._conda = into
        self._bz2: BinaryIO = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # type: ignore[assignment]  # noqa: SIM115
        self._begun = {True: False, False: False}

    def __enter__(self) -> "_Sections":
        return self

    def __exit__(self, *raised: object) -> None:
        self._bz2.close()

    def begin(self, info: dict[str, Any]) -> None:
        self._conda.write(b'{"info":' + _encode(info) + b',"packages.conda":{')

    def add(self, entries: dict[str, Any], is_conda: bool) -> None:
        into: Any = self._conda if is_conda else self._bz2
        if self._begun[is_conda]:
            into.write(b",")
        self._begun[is_conda] = True
        into.write(_encode(entries)[1:-1])

    def end(self, rest: dict[str, Any]) -> None:
        self._conda.write(b'},"packages":{')
        self._conda.copy(self._bz2)
        self._conda.write(b"}" + (b"," + _encode(rest)[1:-1] if rest else b"") + b"}")
