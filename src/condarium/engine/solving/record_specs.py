"""MatchSpecs, asked of records as an index has them."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from rattler import MatchSpec, PackageRecord, Subdir
from rattler.exceptions import InvalidVersionError
from rattler.package.build_string import BuildString


class RecordSpec:
    """A MatchSpec whose name may have `*` in it; `search_problem` says whether a text is one."""

    def __init__(self, text: str) -> None:
        self._spec = MatchSpec(text, exact_names_only=False)
        self._name_only = not any(
            (self._spec.version, self._spec.build, self._spec.build_number, self._spec.subdir,
             self._spec.md5, self._spec.sha256)
        ) and "[" not in text  # fmt: skip
        self.name = str(self._spec.name.normalized) if self._spec.name else "*"

    def is_for(self, name: str) -> bool:
        """Whether any record of a package of this name may fit."""
        return fnmatchcase(name, self.name)

    def fits(self, record: Mapping[str, Any], subdir: str) -> bool:
        """Whether a record of a subdir fits. One whose version conda cannot read never does,
        unless only its name is asked for."""
        if not self.is_for(record["name"]):
            return False
        if self._name_only:
            return True
        if self._spec.subdir not in (None, subdir):
            return False
        try:
            return self._spec.matches(_package_record(record))
        except InvalidVersionError:
            return False


def _package_record(record: Mapping[str, Any]) -> PackageRecord:
    return PackageRecord(
        name=record["name"],
        version=record["version"],
        build=BuildString.new_unchecked(record.get("build", "")),
        build_number=record.get("build_number", 0),
        subdir=Subdir("noarch"),  # compared above: rattler does not know all of them
        sha256=_digest(record.get("sha256")),
        md5=_digest(record.get("md5")),
        license=record.get("license"),
        size=record.get("size"),
    )


def _digest(text: str | None) -> bytes | None:
    return bytes.fromhex(text) if text else None
