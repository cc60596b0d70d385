"""Texts of patch rules with fields of the record in them: `numpy <${next_version}`."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template as _Template
from typing import Any

OLD = "old"
FIELDS = (
    "name",
    "version",
    "build",
    "build_number",
    "subdir",
    "next_version",
    "major_version",
    "minor_version",
    "patch_version",
)
_PLACES = {"major_version": 0, "minor_version": 1, "patch_version": 2}


class NoValue(Exception):
    """The record has no such field; the change is left out."""


@dataclass(frozen=True)
class Subject:
    """A record that is being patched, and the subdir that it lies in."""

    record: Mapping[str, Any]
    subdir: str


class Template:
    """A text that may have fields; `fields` names them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._template = _Template(text)
        self.is_valid = self._template.is_valid()
        self.fields = frozenset(self._template.get_identifiers()) if self.is_valid else frozenset()

    def fill(self, subject: Subject, *, old: str | None = None) -> str:
        """Put a record's values in; `old` is the text that is being replaced.

        Raises NoValue where the record lacks a field, or has no number to count on from.
        """
        if "$" not in self.text:
            return self.text
        return self._template.substitute(
            {each: old if each == OLD else _value(subject, each) for each in self.fields}
        )


def _value(subject: Subject, field: str) -> str:
    if field == "subdir":
        return subject.subdir
    own = "version" if field == "next_version" or field in _PLACES else field
    if own not in subject.record:
        raise NoValue(own)
    value = str(subject.record[own])
    if field in _PLACES:
        parts = value.split(".")
        return parts[_PLACES[field]] if _PLACES[field] < len(parts) else "0"
    return _next(value) if field == "next_version" else value


def _next(version: str) -> str:
    """The version after this one, at its last place: 1.2.3 → 1.2.4."""
    head, dot, last = version.rpartition(".")
    if not last.isdecimal():
        raise NoValue(version)
    return f"{head}{dot}{int(last) + 1}"
