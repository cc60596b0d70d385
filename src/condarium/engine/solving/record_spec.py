"""MatchSpecs that are asked of records one by one, without an index around them."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from rattler import MatchSpec, PackageRecord
from rattler.exceptions import InvalidMatchSpecError, InvalidVersionError
from rattler.package.build_string import BuildString

from condarium.engine.solving.matchspec import matchspec_problem
from condarium.errors import BadInput

_NAME = re.compile(r"\s*([^\s=<>!~\[]*)")
# Stands for `*` in a name where a text is checked as the MatchSpec of one package.
_ANYTHING = "any-thing"


class BadPackageSpec(BadInput):
    """This does not say which packages are meant."""

    def __init__(self, spec: str, problem: str) -> None:
        self.spec, self.problem = spec, problem
        super().__init__(f"{spec!r} does not say which packages are meant", hint=problem)


class RecordSpec:
    """A MatchSpec; `*` may be in its name, and `[subdir=…]` stands for any name.

    >>> RecordSpec.parse("[subdir=noarch]").name is None
    True
    """

    def __init__(self, text: str, spec: MatchSpec) -> None:
        self.text, self._spec = text, spec

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises BadPackageSpec."""
        bare = text.strip()
        whole = f"*{bare}" if bare.startswith("[") else bare
        if "::" in whole:
            raise BadPackageSpec(text, f"Leave {whole.partition('::')[0]}:: out.")
        if problem := _problem(whole):
            raise BadPackageSpec(text, problem)
        try:
            return cls(text, MatchSpec(whole, strict=False, exact_names_only=False))
        except InvalidMatchSpecError as error:
            raise BadPackageSpec(text, f"It cannot be read: {error}") from error

    @cached_property
    def name(self) -> str | None:
        """The name that a record must have; None where several will do."""
        name = self._spec.name
        text = name.normalized if name is not None else "*"
        return text if re.fullmatch(r"[\w.\-]+", text) else None

    @property
    def subdir(self) -> str | None:
        """The subdir that a record must be in; None where any will do."""
        return self._spec.subdir

    def fits(self, subdir: str, file_name: str, record: Mapping[str, Any]) -> bool:
        """Whether a record fits; rattler leaves subdir and file name to its caller."""
        if self._spec.subdir not in (None, subdir):
            return False
        if self._spec.file_name not in (None, file_name):
            return False
        try:
            return bool(self._spec.matches(_package_record(subdir, record)))
        except InvalidVersionError:
            return False


def _problem(text: str) -> str | None:
    name = _NAME.match(text)
    end = name.end() if name else 0
    problem = matchspec_problem(text[:end].replace("*", _ANYTHING) + text[end:])
    return problem.replace(_ANYTHING, "*") if problem else None


def _package_record(subdir: str, record: Mapping[str, Any]) -> PackageRecord:
    sha256, md5 = record.get("sha256"), record.get("md5")
    return PackageRecord(
        record["name"],
        record["version"],
        BuildString(record["build"]),
        record["build_number"],
        subdir,
        sha256=bytes.fromhex(sha256) if sha256 else None,
        md5=bytes.fromhex(md5) if md5 else None,
        license=record.get("license"),
    )
