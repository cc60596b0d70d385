"""Terms of service: versioned documents, and the facts that people accepted them."""

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, literal, select
from sqlalchemy.exc import IntegrityError

from condarium.errors import Conflict, NotFound
from condarium.model.governance.projects import Person, PersonKind
from condarium.model.governance.resources import Acceptance, Terms
from condarium.storage.tables import acceptances, identities, terms
from condarium.storage.upsert import insert_if_new


class NoSuchTerms(NotFound):
    """There are no terms of this name, or no such version of them."""

    def __init__(self, name: str, version: int | None = None) -> None:
        self.name, self.version = name, version
        of = "" if version is None else f"version {version} of "
        super().__init__(
            f"there is no {of}terms {name[:80]}" if of else f"there are no terms {name[:80]}",
            hint="`condarium terms list` shows those there are; `condarium terms publish` makes "
            "the next version.",
        )


class PublishedMeanwhile(Conflict):
    """Somebody else published the next version of the terms."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"somebody else published terms {name} at the same time",
            hint=f"Look at theirs first: condarium terms show {name}",
        )


class TermsVersions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def publish(self, name: str, text: str, *, at: datetime, by: str) -> Terms:
        """Append the next version, or give the one that holds where it has the same text.

        Raises PublishedMeanwhile.
        """
        last = self.find(name)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if last is not None and last.digest == digest:
            return last
        version = 1 if last is None else last.version + 1
        values = {
            "name": name,
            "version": version,
            "text": text,
            "digest": digest,
            "published_at": at,
            "published_by": by,
        }
        try:
            self._connection.execute(terms.insert().values(values))
        except IntegrityError as error:
            raise PublishedMeanwhile(name) from error
        return Terms(**values)  # type: ignore[arg-type]  # the same names

    def get(self, name: str, version: int | None = None) -> Terms:
        """A version, or the one that holds. Raises NoSuchTerms."""
        found = self.find(name, version)
        if found is None:
            raise NoSuchTerms(name, version)
        return found

    def find(self, name: str, version: int | None = None) -> Terms | None:
        """A version, or the one that holds; None where there is none."""
        query = select(terms).where(terms.c.name == name).order_by(terms.c.version.desc())
        if version is not None:
            query = query.where(terms.c.version == version)
        row = self._connection.execute(query.limit(1)).first()
        return _terms(row) if row else None

    def all(self, *, after: str = "", limit: int | None = None) -> list[Terms]:
        """The versions that hold, by name, those behind `after`."""
        newest = (
            select(terms.c.name, func.max(terms.c.version).label("version"))
            .where(terms.c.name > after)
            .group_by(terms.c.name)
            .order_by(terms.c.name)
            .limit(limit)
            .subquery()
        )
        same = (terms.c.name == newest.c.name) & (terms.c.version == newest.c.version)
        query = select(terms).join(newest, same).order_by(terms.c.name)
        return [_terms(row) for row in self._connection.execute(query)]

    def accept(
        self, person: Person, name: str, version: int, *, at: datetime, through: str | None = None
    ) -> bool:
        """Note that somebody accepted a version; False where they had. They must have an id.

        `through` is the principal who did so for a linked account of theirs; whoever accepts
        without that needs no link any more.
        """
        assert person.key is not None
        key = {"terms": name, "version": version, "person": person.key}
        row = {**key, "name": person.name, "at": at, "through": through}
        new = insert_if_new(self._connection, acceptances, row)
        if not new and through is None:
            linked = [acceptances.c[column] == value for column, value in key.items()]
            linked.append(acceptances.c.through.is_not(None))
            self._connection.execute(acceptances.update().where(*linked).values(through=None))
        return new

    def end_through(self, key: str, principal: str) -> int:
        """Forget what a principal accepted for this person; give how many versions that were."""
        gone = (acceptances.c.person == key) & (acceptances.c.through == principal)
        return self._connection.execute(acceptances.delete().where(gone)).rowcount

    def accepted(
        self, name: str | None = None, people: Collection[str] | None = None
    ) -> frozenset[tuple[str, int, str]]:
        """Terms, version and key of who accepted: all, or of some terms, or by some people."""
        if name is None and people is not None:
            rows = self._connection.execute(_ACCEPTED_BY, {"people": list(people)})
            return frozenset((row.terms, row.version, row.person) for row in rows)
        query = select(acceptances.c.terms, acceptances.c.version, acceptances.c.person)
        if name is not None:
            query = query.where(acceptances.c.terms == name)
        if people is not None:
            query = query.where(acceptances.c.person.in_(list(people)))
        return frozenset((row.terms, row.version, row.person) for row in self._rows(query))

    def acceptances(
        self,
        name: str,
        version: int | None = None,
        *,
        after: tuple[int, str] = (0, ""),
        limit: int | None = None,
    ) -> list[Acceptance]:
        """Who accepted terms, by version and key, those behind `after`."""
        order = (acceptances.c.version, acceptances.c.person)
        behind = (order[0] > after[0]) | ((order[0] == after[0]) & (order[1] > after[1]))
        query = select(acceptances).where(acceptances.c.terms == name, behind).order_by(*order)
        if version is not None:
            query = query.where(acceptances.c.version == version)
        return [_acceptance(row) for row in self._rows(query.limit(limit))]

    def counts(self, name: str) -> dict[int, int]:
        """How many people accepted each version; accounts that are linked are one person's."""
        linked = literal(f"{PersonKind.USER}:") + identities.c.principal_id
        people = func.count(func.coalesce(linked, acceptances.c.person).distinct())
        query = (
            select(acceptances.c.version, people.label("people"))
            .outerjoin(identities, identities.c.person == acceptances.c.person)
            .where(acceptances.c.terms == name)
            .group_by(acceptances.c.version)
            .order_by(acceptances.c.version)
        )
        return {row.version: row.people for row in self._rows(query)}

    def _rows(self, query: Any) -> list[Row[Any]]:
        return list(self._connection.execute(query))


def _terms(row: Row[Any]) -> Terms:
    return Terms(**row._mapping)


def _acceptance(row: Row[Any]) -> Acceptance:
    kind, _, identifier = row.person.partition(":")
    person = Person(kind=PersonKind(kind), name=row.name, id=identifier)
    return Acceptance(terms=row.terms, version=row.version, person=person, at=row.at)


# to make a statement takes longer than to carry it out: those of every webhook are made once
_ACCEPTED_BY = select(acceptances.c.terms, acceptances.c.version, acceptances.c.person).where(
    acceptances.c.person.in_(bindparam("people", expanding=True))
)
