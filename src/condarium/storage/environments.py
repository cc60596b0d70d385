"""Environments, their generations, and which generation was made active when."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, func, literal, select, tuple_

from condarium.errors import NoSuchEnvironment, NoSuchGeneration
from condarium.model.difference import ChangeCounts
from condarium.model.environment import Activation, Environment, Generation
from condarium.model.names import EnvironmentName
from condarium.storage.access.namespaces import ensure_namespace
from condarium.storage.tables import activations, environments, generations
from condarium.storage.upsert import upsert


@dataclass(frozen=True, kw_only=True)
class NewGeneration:
    """What a generation is made of, before it has a number."""

    spec: str | None
    lock: str
    platforms: Sequence[str]
    packages: int
    changes: ChangeCounts
    """Against the generation before; the first one added everything."""
    prefix: str | None
    reason: str


class Environments:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, namespace: str | None = None) -> list[Environment]:
        """All environments, or those of one namespace, by name."""
        query = _environments().order_by(environments.c.namespace, environments.c.name)
        if namespace is not None:
            query = query.where(environments.c.namespace == namespace)
        return [_environment(row) for row in self._connection.execute(query)]

    def page(
        self,
        namespaces: Collection[str] | None,
        *,
        after: Sequence[object] | None = None,
        limit: int | None = None,
    ) -> list[Environment]:
        """Environments by name, of all namespaces or of some, behind a namespace and a name."""
        query = _environments().order_by(environments.c.namespace, environments.c.name)
        if namespaces is not None:
            query = query.where(environments.c.namespace.in_(namespaces))
        if after is not None:
            key = tuple_(environments.c.namespace, environments.c.name)
            query = query.where(key > tuple_(*map(literal, after)))
        return [_environment(row) for row in self._connection.execute(query.limit(limit))]

    def find(self, name: EnvironmentName) -> Environment | None:
        row = self._connection.execute(_environments().where(_is(name))).first()
        return _environment(row) if row else None

    def get(self, name: EnvironmentName) -> Environment:
        """Raises NoSuchEnvironment."""
        found = self.find(name)
        if found is None:
            raise NoSuchEnvironment(name)
        return found

    def ensure(self, name: EnvironmentName, *, at: datetime, actor: str) -> int:
        """The environment's id; where there is none of this name, it is made.

        Nobody else adds a generation to it before this unit of work ends.
        """
        found = self._connection.scalar(
            select(environments.c.id).where(_is(name)).with_for_update()
        )
        if found is not None:
            return int(found)
        ensure_namespace(self._connection, name.namespace, at=at, actor=actor)
        statement = upsert(
            self._connection,
            environments,
            {"namespace": name.namespace, "name": name.name},
            at_first={"created_at": at, "created_by": actor},
        )
        return int(self._connection.scalar(statement.returning(environments.c.id)))

    def remove(self, name: EnvironmentName) -> None:
        """Raises NoSuchEnvironment."""
        if not self._connection.execute(environments.delete().where(_is(name))).rowcount:
            raise NoSuchEnvironment(name)

    def generations(self, name: EnvironmentName) -> list[Generation]:
        """The generations of an environment by number. Raises NoSuchEnvironment."""
        active = self.get(name).active
        rows = self._connection.execute(_generations().where(_is(name)))
        return [_generation(row, active=row.number == active) for row in rows]

    def changes(self, name: EnvironmentName) -> dict[int, ChangeCounts]:
        """What each generation changed against the one before, by its number."""
        table = generations.c
        query = select(table.number, table.added, table.removed, table.changed)
        rows = self._connection.execute(query.where(table.environment_id == self._id(name)))
        return {
            row.number: ChangeCounts(added=row.added, removed=row.removed, changed=row.changed)
            for row in rows
        }

    def all_generations(self, namespace: str | None = None) -> list[Generation]:
        """Every generation of every environment, or of those in one namespace."""
        active = {found.name: found.active for found in self.all(namespace)}
        query = _generations()
        if namespace is not None:
            query = query.where(environments.c.namespace == namespace)
        return [
            _generation(row, active=row.number == active[EnvironmentName(row.namespace, row.name)])
            for row in self._connection.execute(query)
        ]

    def generation(self, name: EnvironmentName, number: int | None = None) -> Generation:
        """One generation, by default the active one.

        Raises NoSuchEnvironment, or NoSuchGeneration, also where none is active yet.
        """
        wanted = self.get(name).active if number is None else number
        for found in self.generations(name):
            if found.number == wanted:
                return found
        raise NoSuchGeneration(name, number)

    def add_generation(
        self, environment_id: int, new: NewGeneration, *, at: datetime, actor: str
    ) -> int:
        """Append a generation to the environment that `ensure` gave, and give its number."""
        last = self._connection.scalar(
            select(func.max(generations.c.number)).where(
                generations.c.environment_id == environment_id
            )
        )
        number = (last or 0) + 1
        values = {**vars(new), **vars(new.changes), "platforms": list(new.platforms)}
        del values["changes"]
        self._connection.execute(
            generations.insert().values(
                environment_id=environment_id,
                number=number,
                created_at=at,
                created_by=actor,
                **values,
            )
        )
        return number

    def activate(
        self, name: EnvironmentName, number: int, *, at: datetime, actor: str, reason: str
    ) -> None:
        """Append the fact that a generation is the active one from now on."""
        self._connection.execute(
            activations.insert().values(
                environment_id=self._id(name), number=number, at=at, actor=actor, reason=reason
            )
        )

    def activations(self, name: EnvironmentName) -> list[Activation]:
        """When which generation became active, the oldest first."""
        rows = self._connection.execute(
            select(activations)
            .where(activations.c.environment_id == self._id(name))
            .order_by(activations.c.id)
        )
        return [
            Activation(number=row.number, at=row.at, actor=row.actor, reason=row.reason)
            for row in rows
        ]

    def archive(
        self, name: EnvironmentName, numbers: Collection[int], *, at: datetime | None
    ) -> None:
        """Note generations as archived at an instant, or as not archived (None)."""
        self._connection.execute(
            generations.update()
            .where(
                generations.c.environment_id == self._id(name), generations.c.number.in_(numbers)
            )
            .values(archived_at=at)
        )

    def live_prefixes(self) -> frozenset[str]:
        """The prefixes that some generation which is not archived wants on disk."""
        return frozenset(
            self._connection.scalars(
                select(generations.c.prefix)
                .where(generations.c.archived_at.is_(None), generations.c.prefix.is_not(None))
                .distinct()
            )
        )

    def blobs(self) -> frozenset[str]:
        """The specs and locks of all generations."""
        rows = self._connection.execute(select(generations.c.spec, generations.c.lock))
        return frozenset(digest for row in rows for digest in row if digest)

    def _id(self, name: EnvironmentName) -> int:
        found = self._connection.scalar(select(environments.c.id).where(_is(name)))
        if found is None:
            raise NoSuchEnvironment(name)
        return int(found)


def _is(name: EnvironmentName) -> Any:
    return and_(environments.c.namespace == name.namespace, environments.c.name == name.name)


@cache  # to put it together takes longer than to run it
def _environments() -> Select[Any]:
    """Environments with their active generation: the one that was activated last."""
    last = (  # asked for each environment, so that a page costs what it shows
        select(func.max(activations.c.id))
        .where(activations.c.environment_id == environments.c.id)
        .correlate(environments)
        .scalar_subquery()
    )
    counts = (
        select(func.count())
        .select_from(generations)
        .where(generations.c.environment_id == environments.c.id)
        .correlate(environments)
        .scalar_subquery()
    )
    active = generations.alias("active")
    return (
        select(
            environments,
            activations.c.number.label("active"),
            active.c.prefix,
            counts.label("generations"),
        )
        .outerjoin(activations, activations.c.id == last)
        .outerjoin(
            active,
            and_(
                active.c.environment_id == environments.c.id,
                active.c.number == activations.c.number,
            ),
        )
    )


@cache
def _generations() -> Select[Any]:
    return (
        select(generations, environments.c.namespace, environments.c.name)
        .join(environments, environments.c.id == generations.c.environment_id)
        .order_by(environments.c.namespace, environments.c.name, generations.c.number)
    )


def _environment(row: Any) -> Environment:
    return Environment(
        name=EnvironmentName(row.namespace, row.name),
        created_at=row.created_at,
        created_by=row.created_by,
        active=row.active,
        generations=row.generations,
        prefix=row.prefix,
    )


def _generation(row: Any, *, active: bool) -> Generation:
    return Generation(
        environment=EnvironmentName(row.namespace, row.name),
        number=row.number,
        spec=row.spec,
        lock=row.lock,
        platforms=tuple(row.platforms),
        packages=row.packages,
        prefix=row.prefix,
        created_at=row.created_at,
        created_by=row.created_by,
        reason=row.reason,
        archived_at=row.archived_at,
        active=active,
    )
