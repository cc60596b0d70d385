"""Who principals are elsewhere: facts that an account there is one here."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from condarium.errors import Conflict
from condarium.model.governance.projects import Person, PersonKind
from condarium.storage.tables import identities, principals
from condarium.storage.upsert import insert_if_new

_HERE = f"{PersonKind.USER}:"


class IdentityTaken(Conflict):
    """Somebody else here is this person elsewhere."""

    def __init__(self, person: Person, other: str) -> None:
        self.person, self.other = str(person), other
        super().__init__(
            f"{person} is {other} here already",
            hint=f"If that is wrong: condarium user unlink {other} {person}#{person.id}",
        )


class Identities:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def link(self, person: Person, principal: str, *, at: datetime, by: str) -> bool:
        """Note who a principal is elsewhere; False where that was known, by the same name.

        They must have an id there; a name that was changed is noted anew. Raises IdentityTaken.
        """
        assert person.key is not None
        row = {"person": person.key, "principal_id": principal, "name": person.name}
        if insert_if_new(self._connection, identities, {**row, "at": at, "by": by}):
            return True
        found = self._locked(person.key)
        if found.principal_id != principal:
            raise IdentityTaken(person, found.holder)
        renamed = identities.update().where(identities.c.person == person.key)
        self._connection.execute(renamed.values(name=person.name))
        return bool(found.name != person.name)

    def unlink(self, key: str, principal: str) -> bool:
        """Forget that a principal is somebody elsewhere; False where that was not known."""
        linked = (identities.c.person == key) & (identities.c.principal_id == principal)
        return bool(self._connection.execute(identities.delete().where(linked)).rowcount)

    def of(self, principal: str) -> list[Person]:
        """Who a principal is elsewhere."""
        query = select(identities).where(identities.c.principal_id == principal)
        rows = self._connection.execute(query.order_by(identities.c.person))
        return [_person(row) for row in rows]

    def principal_of(self, key: str) -> str | None:
        """The id of the principal who is this person; None where nobody here is known to be."""
        if not key.startswith(_HERE):
            return self.holder(key)
        query = select(principals.c.id).where(principals.c.id == key.removeprefix(_HERE))
        found: str | None = self._connection.scalar(query)
        return found

    def holder(self, key: str) -> str | None:
        """The id of the principal who was linked with this person, be it another one's account."""
        query = select(identities.c.principal_id).where(identities.c.person == key)
        found: str | None = self._connection.scalar(query)
        return found

    def _locked(self, key: str) -> Row[Any]:
        query = (
            select(identities, principals.c.name.label("holder"))
            .join(principals, principals.c.id == identities.c.principal_id)
            .where(identities.c.person == key)
            .with_for_update()
        )
        return self._connection.execute(query).one()


def _person(row: Row[Any]) -> Person:
    kind, _, identifier = row.person.partition(":")
    return Person(kind=PersonKind(kind), name=row.name, id=identifier)
