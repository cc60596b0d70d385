"""Ids of names that files know only by name: of those who are known, or from a file of ids."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from condarium.errors import BadInput
from condarium.governance.files.state import SaidGrant
from condarium.model.document import Document
from condarium.model.governance.projects import Person, Project, with_id

_W = TypeVar("_W", bound=Project | Person)
_EXPECTED = 'a JSON object of names and ids, such as {"ada": 123, "lab/tool-feedstock": 456}'


class BadIds(BadInput):
    """A file does not say which ids names have."""

    def __init__(self, source: str, found: str) -> None:
        self.source, self.found = source, found
        super().__init__(
            f"{source}: found {found}; expected {_EXPECTED}",
            hint="https://api.github.com/users/LOGIN and …/repos/OWNER/NAME say them.",
        )


@dataclass(frozen=True)
class Ids:
    """Ids by names in small letters, such as `github:ada` and `github:lab/tool-feedstock`."""

    known: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, grants: Iterable[SaidGrant]) -> "Ids":
        """Those that some grants name, but for a name that has two of them."""
        found: dict[str, set[str]] = {}
        for who in everybody(grants):
            if who.id is not None:
                found.setdefault(str(who).lower(), set()).add(who.id)
        return cls({name: ids.pop() for name, ids in found.items() if len(ids) == 1})

    @classmethod
    def read(cls, document: Document) -> "Ids":
        """Read a file of ids: logins, and OWNER/NAME of repositories. Raises BadIds."""
        try:
            plain = json.loads(document.content, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise BadIds(document.name, f"what is not JSON ({error})"[:200]) from error
        if not isinstance(plain, dict):
            raise BadIds(document.name, f"a {type(plain).__name__}")
        return cls(dict(_read(document.name, key, value) for key, value in plain.items()))

    def fill(self, grant: SaidGrant) -> SaidGrant:
        """The grant with an id wherever one is known and it has none."""
        conditions = grant.lending.conditions
        people = conditions.people
        conditions = replace(
            conditions,
            people=None if people is None else tuple(map(self.identify, people)),
            trusted_forks=tuple(map(self.identify, conditions.trusted_forks)),
        )
        lending = replace(grant.lending, conditions=conditions)
        return replace(grant, project=self.identify(grant.project), lending=lending)

    def identify(self, who: _W) -> _W:
        if who.id is not None:
            return who
        return replace(who, id=self.known.get(str(who).lower()))


def everybody(grants: Iterable[SaidGrant]) -> Iterable[Project | Person]:
    """All projects and people that grants name, each once."""
    found: dict[str, Project | Person] = {}
    for grant in grants:
        conditions = grant.lending.conditions
        named: list[Project | Person] = [grant.project, *conditions.trusted_forks]
        named += conditions.people or ()
        found |= {with_id(who): who for who in named}
    return found.values()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _read(source: str, name: str, value: object) -> tuple[str, str]:
    parse: Callable[[str], Project | Person] = Project.parse if "/" in name else Person.parse
    text = name if ":" in name else f"github:{name}"
    identifier = str(value) if isinstance(value, int | str) and value is not True else ""
    try:
        who = parse(f"{text}#{identifier}")
    except BadInput:
        raise BadIds(source, f"{name[:80]!r}: {str(value)[:80]!r}") from None
    return str(who).lower(), identifier
