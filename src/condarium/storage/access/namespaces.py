"""Namespaces: what owns environments, and how much of everything they may have."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.exc import IntegrityError

from condarium.errors import Conflict, NoSuchNamespace
from condarium.model.access.report import Namespace
from condarium.model.environment import BuildStatus
from condarium.model.jobs import JobStatus
from condarium.model.quotas import Quota, Use, check_quota
from condarium.storage.tables import builds, environments, generations, jobs, namespaces, prefixes
from condarium.storage.upsert import insert_new


class NamespaceExists(Conflict):
    """There is a namespace of this name already."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        super().__init__(
            f"there is a namespace {namespace} already",
            hint=f"`condarium namespace show {namespace}` shows it; give the new one another name.",
        )


class NamespaceNotEmpty(Conflict):
    """The namespace has environments."""

    def __init__(self, namespace: str, environments: int) -> None:
        self.namespace, self.environments = namespace, environments
        super().__init__(
            f"the namespace {namespace} has {environments} environments; expected none",
            hint=f"`condarium env list --namespace {namespace}` shows them; remove them first.",
        )


def ensure_namespace(connection: Connection, name: str, *, at: datetime, actor: str) -> None:
    """Have a namespace: the first environment in it makes one where there is none."""
    insert_new(connection, namespaces, [{"name": name, "created_at": at, "created_by": actor}])


def namespace_id(connection: Connection, name: str) -> int:
    """Raises NoSuchNamespace."""
    found = connection.scalar(select(namespaces.c.id).where(namespaces.c.name == name))
    if found is None:
        raise NoSuchNamespace(name)
    return int(found)


class Namespaces:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, name: str, *, at: datetime, by: str) -> None:
        """Raises NamespaceExists."""
        values = {"name": name, "created_at": at, "created_by": by}
        try:
            self._connection.execute(namespaces.insert().values(values))
        except IntegrityError as error:
            raise NamespaceExists(name) from error

    def get(self, name: str, *, lock: bool = False) -> Namespace:
        """A namespace; with `lock`, nobody else checks its quota meanwhile.

        Raises NoSuchNamespace.
        """
        query = select(namespaces).where(namespaces.c.name == name)
        row = self._connection.execute(query.with_for_update() if lock else query).first()
        if row is None:
            raise NoSuchNamespace(name)
        return _namespace(row)

    def id(self, name: str) -> int:
        """Raises NoSuchNamespace."""
        return namespace_id(self._connection, name)

    def ids(self, names: Collection[str] | None = None) -> list[int]:
        """Those of these names that are there, or of all."""
        query = select(namespaces.c.id)
        if names is not None:
            query = query.where(namespaces.c.name.in_(names))
        return list(self._connection.scalars(query))

    def is_there(self, name: str) -> bool:
        query = select(namespaces.c.id).where(namespaces.c.name == name)
        return self._connection.scalar(query) is not None

    def all(
        self, *, names: Collection[str] | None = None, after: str = "", limit: int | None = None
    ) -> list[Namespace]:
        """Namespaces by name, or those of these names; those behind the name `after`."""
        query = select(namespaces).where(namespaces.c.name > after).order_by(namespaces.c.name)
        if names is not None:
            query = query.where(namespaces.c.name.in_(names))
        return [_namespace(row) for row in self._connection.execute(query.limit(limit))]

    def remove(self, name: str) -> None:
        """Remove a namespace, and the bindings on it. Raises NamespaceNotEmpty."""
        self.get(name, lock=True)
        if held := self._environments(name):
            raise NamespaceNotEmpty(name, held)
        self._connection.execute(namespaces.delete().where(namespaces.c.name == name))

    def quota(self, name: str) -> Quota:
        """What a namespace may have; one that is not there has no limits."""
        row = self._connection.execute(select(namespaces).where(namespaces.c.name == name)).first()
        return _quota(row) if row else Quota()

    def set_quota(self, name: str, quota: Quota) -> None:
        """Raises NoSuchNamespace."""
        values = {f"most_{what}": limit for what, limit in vars(quota).items()}
        changed = namespaces.update().where(namespaces.c.name == name).values(values)
        if not self._connection.execute(changed).rowcount:
            raise NoSuchNamespace(name)

    def check(self, name: str, wanted: Use, *, at: datetime, lives: Callable[[int], bool]) -> None:
        """Raise QuotaExceeded where what is wanted does not fit, in a unit of work that takes it.

        Until that ends, nobody else takes from the namespace. `lives` is as in `use`.
        """
        if self.quota(name) == Quota():
            return
        quota = self.get(name, lock=True).quota
        check_quota(name, quota, self.use(name, at=at, lives=lives), wanted)

    def use(self, name: str, *, at: datetime, lives: Callable[[int], bool]) -> Use:
        """What a namespace has.

        `lives` tells by a build's number whether a process of this machine still works on it: the
        builds of killed ones, which are noted as running, count for nothing.
        """
        running = self._running(name, lives)
        return Use(
            bytes=self._bytes(name),
            environments=self._environments(name),
            builds=len(running),
            build_minutes=self._minutes(name, at, running),
        )

    def holds(self, name: str, prefix: str) -> bool:
        """Whether a generation in this namespace wants a prefix on disk already."""
        chosen = _prefixes(name).where(generations.c.prefix == prefix).limit(1)
        return self._connection.execute(chosen).first() is not None

    def _environments(self, name: str) -> int:
        counted = select(func.count()).where(environments.c.namespace == name)
        return self._connection.scalar(counted) or 0

    def _bytes(self, name: str) -> int:
        wanted = select(func.sum(prefixes.c.bytes)).where(prefixes.c.id.in_(_prefixes(name)))
        return int(self._connection.scalar(wanted) or 0)

    def _running(self, name: str, lives: Callable[[int], bool]) -> frozenset[int]:
        rows = self._connection.execute(
            select(builds.c.id, builds.c.job, jobs.c.status.label("of_job"))
            .outerjoin(jobs, jobs.c.id == builds.c.job)
            .where(builds.c.namespace == name, builds.c.status == BuildStatus.RUNNING)
            .order_by(builds.c.id)
        ).all()
        in_jobs = {row.job: row.id for row in rows if row.of_job == JobStatus.RUNNING}
        alone = {row.id for row in rows if row.job is None and lives(row.id)}
        return frozenset(alone | set(in_jobs.values()))  # of a job's builds only the last one runs

    def _minutes(self, name: str, at: datetime, running: frozenset[int]) -> int:
        """Of this month's builds, begun ones in full; what was interrupted counts by its phases."""
        at = at.astimezone(UTC)
        month = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        columns = (builds.c.id, builds.c.status, builds.c.started_at, builds.c.ended_at)
        rows = self._connection.execute(
            select(*columns, builds.c.phases).where(
                builds.c.namespace == name, builds.c.started_at >= month
            )
        )
        seconds = [_seconds(row, at, running) for row in rows]
        return int(sum(seconds) // 60)


def _seconds(row: Any, at: datetime, running: frozenset[int]) -> float:
    if row.status in (BuildStatus.SUCCEEDED, BuildStatus.FAILED) and row.ended_at:
        return float((row.ended_at - row.started_at).total_seconds())
    if row.id in running:
        return float((at - row.started_at).total_seconds())
    return float(sum(row.phases.values()))


def _prefixes(namespace: str) -> Any:
    return (
        select(generations.c.prefix)
        .join(environments, environments.c.id == generations.c.environment_id)
        .where(
            environments.c.namespace == namespace,
            generations.c.archived_at.is_(None),
            generations.c.prefix.is_not(None),
        )
    )


def _namespace(row: Row[Any]) -> Namespace:
    return Namespace(
        name=row.name,
        created_at=row.created_at,
        created_by=row.created_by,
        quota=_quota(row),
    )


def _quota(row: Row[Any]) -> Quota:
    return Quota(
        bytes=row.most_bytes,
        environments=row.most_environments,
        builds=row.most_builds,
        build_minutes=row.most_build_minutes,
    )
