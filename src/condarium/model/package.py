"""What a package file is called, and what it says of itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from condarium.errors import BadName

SUFFIXES = (".conda", ".tar.bz2")
LONGEST_PART, LONGEST_FILE_NAME = 64, 211

_NAME = re.compile(r"([a-z0-9]|[a-z0-9_](?!_))[._-]?([a-z0-9]+([._-]|$))*")
_VERSION = re.compile(r"[0-9a-z._+!]+")
_BUILD = re.compile(r"[a-zA-Z0-9_.+]+")


class BadPackageName(BadName):
    """A file is not called as packages are; `rule` names the rule of CEP 26 that it breaks."""

    def __init__(self, rule: str, *, found: str, expected: str) -> None:
        self.rule, self.found, self.expected = rule, found, expected
        super().__init__(f"found {found}; expected {expected}")


@dataclass(frozen=True, kw_only=True)
class PackageFileName:
    """A package's file name, `NAME-VERSION-BUILD.conda` or `….tar.bz2` (CEP 26).

    >>> PackageFileName.parse("ca-certificates-2024.2.2-h0_0.conda").name
    'ca-certificates'
    """

    name: str
    version: str
    build: str
    suffix: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises BadPackageName."""
        suffix = next((each for each in SUFFIXES if text.endswith(each)), None)
        if suffix is None:
            raise BadPackageName("file-suffix", found=repr(text), expected=" or ".join(SUFFIXES))
        if len(text) > LONGEST_FILE_NAME:
            raise BadPackageName(
                "file-name-length",
                found=f"{len(text)} characters",
                expected=f"at most {LONGEST_FILE_NAME}",
            )
        parts = text.removesuffix(suffix).rsplit("-", 2)
        if len(parts) != 3:
            raise BadPackageName(
                "file-name-parts", found=repr(text), expected=f"NAME-VERSION-BUILD{suffix}"
            )
        _check_part("name", parts[0], _NAME, "lower-case letters, digits and single '-', '_', '.'")
        _check_part("version", parts[1], _VERSION, "digits, lower-case letters, '.', '_', '+', '!'")
        _check_part("build", parts[2], _BUILD, "letters, digits, '.', '_', '+'")
        return cls(name=parts[0], version=parts[1], build=parts[2], suffix=suffix)

    @property
    def stem(self) -> str:
        return f"{self.name}-{self.version}-{self.build}"

    def __str__(self) -> str:
        return self.stem + self.suffix


def _check_part(what: str, text: str, pattern: re.Pattern[str], expected: str) -> None:
    if len(text) > LONGEST_PART:
        found, expected = f"{len(text)} characters", f"at most {LONGEST_PART}"
    elif pattern.fullmatch(text):
        return
    else:
        found = repr(text)
    raise BadPackageName(f"package-{what}", found=f"the {what} {found}", expected=expected)


@dataclass(frozen=True, kw_only=True)
class Package:
    """What a package file says of itself, checked against its bytes.

    `sha256` and `md5` are hex, `size` is in bytes. `record` is its record for repodata:
    index.json, with keys that we do not know, `sha256`, `md5` and `size`, and `run_exports`
    (CEP 12, as a dict) where it has any. `about` has those keys of about.json that channeldata.json
    (CEP 38) and pages show. `warnings` are sentences about what is odd, but no reason to refuse it.
    """

    file_name: str
    subdir: str
    name: str
    version: str
    build: str
    build_number: int
    sha256: str
    md5: str
    size: int
    record: Mapping[str, Any]
    about: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
