"""Who asks for machines: projects, and the people behind their jobs, by ids that never change.

A name at GitHub can be changed, and be somebody else's tomorrow. So a name is only for people to
read; what decides is the id, and what has none is nobody.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from condarium.errors import BadInput


class BadProject(BadInput):
    """A text names no project."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"found {found[:80]!r}; expected a project such as github:conda-forge/numpy-feedstock "
            "or namespace:lab",
            hint="Behind a repository's name may stand its id: github:OWNER/NAME#123.",
        )


class BadPerson(BadInput):
    """A text names no person."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"found {found[:80]!r}; expected a person such as github:ada or user:ada",
            hint="Behind a login at GitHub may stand the account's id: github:ada#123.",
        )


class ProjectKind(StrEnum):
    GITHUB = "github"
    """A repository: `owner/name`."""
    NAMESPACE = "namespace"
    """A namespace of environments here."""


class PersonKind(StrEnum):
    GITHUB = "github"
    USER = "user"
    """A principal here."""


_TEXT = re.compile(r"([a-z]+):([^#]+)(?:#([A-Za-z0-9_-]{1,64}))?", re.ASCII)
_NAMES = {
    "github-project": re.compile(r"[A-Za-z0-9_-]{1,39}/[A-Za-z0-9._-]{1,100}", re.ASCII),
    "namespace-project": re.compile(r"[a-z0-9_][a-z0-9_.-]{0,63}", re.ASCII),
    "github-person": re.compile(r"[A-Za-z0-9_-]{1,39}(\[bot\])?", re.ASCII),
    "user-person": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}", re.ASCII),
}


@dataclass(frozen=True, kw_only=True)
class _Identified:
    """Something with a name for readers, and an id where that is known."""

    kind: StrEnum
    name: str
    id: str | None = None

    @property
    def key(self) -> str | None:
        """What it is compared by."""
        return None if self.id is None else f"{self.kind}:{self.id}"

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, kw_only=True)
class Project(_Identified):
    """A repository or a namespace. `id` is None where it is not known: then it may use nothing."""

    kind: ProjectKind

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `github:owner/name`, `github:owner/name#id` or `namespace:name`.

        Raises BadProject.
        """
        kind, name, identifier = _split(text, "project", BadProject)
        return cls(kind=ProjectKind(kind), name=name, id=identifier)

    @property
    def account(self) -> str:
        """What the ledger and shares have it as: also one whose id is not known is one."""
        return self.key or str(self)


@dataclass(frozen=True, kw_only=True)
class Person(_Identified):
    """Somebody at GitHub, or a principal. `id` is None where it is not known: that is nobody."""

    kind: PersonKind

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `github:login`, `github:login#id` or `user:name`. Raises BadPerson."""
        kind, name, identifier = _split(text, "person", BadPerson)
        return cls(kind=PersonKind(kind), name=name, id=identifier)


def with_id(value: Project | Person) -> str:
    """The text with its id: what `parse` reads back."""
    return f"{value}#{value.id}" if value.id is not None else str(value)


def _split(
    text: str, what: str, error: type[BadProject] | type[BadPerson]
) -> tuple[str, str, str | None]:
    found = _TEXT.fullmatch(text.strip())
    if not found:
        raise error(text)
    pattern = _NAMES.get(f"{found[1]}-{what}")
    if pattern is None or not pattern.fullmatch(found[2]):
        raise error(text)
    return found[1], found[2], found[3]
