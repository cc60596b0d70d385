"""The `then:` of a patch rule: what becomes of a record's dependencies.

Every change is of one list of texts: `depends`, `constrains`, or the words of `track_features`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from condarium.model.patches.globs import Glob, glob
from condarium.model.patches.pins import Bound, loosen, relax, tighten
from condarium.model.patches.templates import NoValue, Subject, Template

Edit = Callable[[list[str], Subject], list[str]]
"""Gives the list as it should be; never changes the one that it is given. May raise NoValue."""


@dataclass(frozen=True)
class Change:
    """One line of a `then:`: an edit of the list under `key`."""

    key: str
    edit: Edit

    def apply(self, record: dict[str, Any], subdir: str) -> dict[str, Any]:
        """Give the record as it should be: the same object where nothing changes."""
        before = texts(record, self.key)
        try:
            after = self.edit(before, Subject(record, subdir))
        except NoValue:
            return record
        return record if after == before else _with(record, self.key, after)


def texts(record: dict[str, Any], key: str) -> list[str]:
    """The list under a key; empty where there is none. `track_features` is a text of words."""
    value = record.get(key) or []
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _with(record: dict[str, Any], key: str, after: list[str]) -> dict[str, Any]:
    # A list that is empty now goes, except for the one that every record must have.
    if not after and key != "depends":
        return {name: value for name, value in record.items() if name != key}
    return record | {key: " ".join(after) if key == "track_features" else after}


def add(templates: tuple[Template, ...]) -> Edit:
    """Append what is not there yet."""

    def edit(before: list[str], subject: Subject) -> list[str]:
        new = dict.fromkeys(each.fill(subject) for each in templates)
        return [*before, *(each for each in new if each not in before)]

    return edit


def remove(templates: tuple[Template, ...]) -> Edit:
    """Leave out what matches one of the patterns."""

    def edit(before: list[str], subject: Subject) -> list[str]:
        patterns = [_pattern(each, subject) for each in templates]
        return [each for each in before if not any(glob.matches(each) for glob in patterns)]

    return edit


def reset(templates: tuple[Template, ...]) -> Edit:
    """Put other texts in the place of all."""
    return lambda _before, subject: [each.fill(subject) for each in templates]


def replace(old: Template, new: Template) -> Edit:
    """Put another text in the place of each that matches `old`, once: the rest of them go."""

    def edit(before: list[str], subject: Subject) -> list[str]:
        after = list(before)
        for each in _pattern(old, subject).among(before):
            other = new.fill(subject, old=each)
            if other not in after:
                after[after.index(each)] = other
            elif other != each:
                after.remove(each)
        return after

    return edit


def rename(old: Template, new: Template) -> Edit:
    """Give the dependencies on a package to another one, version and build as they are."""

    def edit(before: list[str], subject: Subject) -> list[str]:
        name, other = old.fill(subject), new.fill(subject)
        return [other + each[len(name) :] if _name(each) == name else each for each in before]

    return edit


def relax_exact(package: Template, places: int | None) -> Edit:
    """Let an exact version (`name 1.2 build`) be a lower bound."""
    return _each_of(package, lambda each, _subject: relax(each, places))


def tighten_upper(package: Template, bound: "BoundTemplate") -> Edit:
    """Lower the upper bounds on the packages that match."""
    return _each_of(package, lambda each, subject: tighten(each, bound.fill(subject)))


def loosen_upper(package: Template, bound: "BoundTemplate | None") -> Edit:
    """Raise the upper bounds on the packages that match; without `bound`, drop them."""

    def change(dependency: str, subject: Subject) -> str:
        return loosen(dependency, None if bound is None else bound.fill(subject))

    return _each_of(package, change)


@dataclass(frozen=True, kw_only=True)
class BoundTemplate:
    """An upper bound whose version may have fields; raises NoValue where they give no numbers."""

    version: Template | None = None
    places: int | None = None

    def fill(self, subject: Subject) -> Bound:
        version = None if self.version is None else self.version.fill(subject)
        if version is not None and not version.replace(".", "").isdecimal():
            raise NoValue(version)
        return Bound(version=version, places=self.places)


def _each_of(package: Template, change: Callable[[str, Subject], str]) -> Edit:
    def edit(before: list[str], subject: Subject) -> list[str]:
        pattern = _pattern(package, subject)
        return [change(each, subject) if pattern.matches(_name(each)) else each for each in before]

    return edit


def _name(dependency: str) -> str:
    return dependency.partition(" ")[0]


def _pattern(template: Template, subject: Subject) -> Glob:
    return glob(template.fill(subject))
