"""Resources, the terms on which they are lent, and the budgets that pay for them."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, bindparam, exists, func, or_, select, text

from condarium.errors import Conflict, NotFound
from condarium.model.access.decisions import Thing
from condarium.model.access.permissions import ThingKind
from condarium.model.governance.amounts import Period
from condarium.model.governance.grants import GrantChange
from condarium.model.governance.resources import (
    Budget,
    Resource,
    ResourceKind,
    Settings,
    looks,
)
from condarium.model.jobs import DEFAULT_QUEUE
from condarium.model.plain import to_plain
from condarium.storage.numbered import insert
from condarium.storage.tables import budgets, grant_decisions, grants, resources, terms


class NoSuchResource(NotFound):
    """There is no resource of this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"there is no resource {name[:80]}",
            hint="`condarium resource list` shows those that there are.",
        )


class ResourceExists(Conflict):
    """There is a resource of this name, or one that jobs ask for by this label."""

    def __init__(self, name: str, other: str) -> None:
        self.name, self.other = name, other
        super().__init__(
            f"jobs that ask for {name} mean the resource {other} already",
            hint=f"`condarium resource change {other}` changes that one.",
        )


class LooksLikeAnother(Conflict):
    """A name or a label of a resource looks like one of another resource."""

    def __init__(self, name: str, alike: str, other: str) -> None:
        self.name, self.alike, self.other = name, alike, other
        of = "" if alike == other else f", which jobs ask for the resource {other} by"
        super().__init__(
            f"{name} looks like {alike}{of}",
            hint="Names and labels of resources differ in more than 0 and o, 1, l and i, or '-', "
            "'_' and '.': choose another one.",
        )


class NoSuchBudget(NotFound):
    """The resource has no budget of this number."""

    def __init__(self, resource: str, number: int) -> None:
        self.resource, self.number = resource, number
        super().__init__(
            f"the resource {resource} has no budget {number}",
            hint=f"`condarium resource show {resource}` shows those that it has.",
        )


class LentToAll(Conflict):
    """The queue `default` is for jobs that ask for nothing special: it cannot be lent."""

    def __init__(self) -> None:
        super().__init__(hint="Give the resource another name or label, and workers that queue.")


class Resources:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, name: str, settings: Settings, *, at: datetime, by: str) -> int:
        """Append a resource and give its number. Raises ResourceExists, LooksLikeAnother."""
        self._check_free(name, settings)
        values = {"name": name, "created_at": at, "created_by": by, **_values(name, settings, at)}
        return insert(self._connection, resources, values)

    def change(self, resource: Resource, settings: Settings, *, at: datetime) -> None:
        """Raises ResourceExists where another one has its label, LooksLikeAnother."""
        self._check_free(resource.name, settings, but=resource.id)
        values = _values(resource.name, settings, at)
        self._update(resource.id, **values)

    def retire(self, identifier: int, *, at: datetime | None) -> None:
        """End it, or with None begin again: facts about it stay."""
        self._update(identifier, retired_at=at)

    def get(self, name: str) -> Resource:
        """Raises NoSuchResource."""
        row = self._connection.execute(_GET, {"called": name}).first()
        if row is None:
            raise NoSuchResource(name)
        return self._whole([row])[0]

    def lock(self, name: str) -> Resource:
        """The same, and nobody else admits a job to it until the end of this unit of work."""
        self._connection.execute(_LOCK, {"called": name})
        return self.get(name)

    def hold(self, names: Iterable[str]) -> None:
        """Lock several, in the order of their names as `sorted` has it: whoever locks more than
        one does, so that no two wait for each other."""
        if self._connection.dialect.name == "postgresql":  # with SQLite, one writes at a time
            self._connection.execute(_HOLD, {"called": list(names)})

    def lock_all(self, names: Iterable[str]) -> list[Resource]:
        """The same as `lock` of each, in the order of their names."""
        if not (wanted := sorted(set(names))):
            return []
        self.hold(wanted)
        return self._whole(self._connection.execute(_GET_ALL, {"called": wanted}))

    def of_queues(self, queues: Iterable[str]) -> dict[str, Resource]:
        """The resources whose machines take the jobs of queues, retired or not, by queue."""
        is_queue = resources.c.settings["kind"].as_string() == str(ResourceKind.QUEUE)
        query = _resources().where(resources.c.label.in_(list(queues)), is_queue)
        found = self._whole(self._connection.execute(query))
        return {each.settings.label or each.name: each for each in found}

    def all(
        self,
        *,
        retired: bool = False,
        provider: str | None = None,
        terms: str | None = None,
        readable: Collection[str] | None = None,
        after: str = "",
        limit: int | None = None,
    ) -> list[Resource]:
        """Resources by name, those behind `after`; with `retired` also those of the past.

        Of a `provider`, or on some `terms`; where `readable` is given, those that are public or
        have one of these names.
        """
        query = _resources().where(resources.c.name > after)
        settings = resources.c.settings
        if not retired:
            query = query.where(resources.c.retired_at.is_(None))
        if provider is not None:
            query = query.where(resources.c.provider == provider)
        if terms is not None:
            query = query.where(settings["terms"].as_string() == terms)
        if readable is not None:
            named = resources.c.name.in_(list(readable))
            query = query.where(or_(settings["public"].as_boolean(), named))
        return self._whole(self._connection.execute(query.order_by(resources.c.name).limit(limit)))

    def thing(self, name: str) -> Thing:
        """What is decided about; one that is not there looks like one that is hidden."""
        query = select(resources.c.settings).where(resources.c.name == name)
        settings = self._connection.scalar(query)
        public = bool(settings and settings["public"])
        return Thing(kind=ThingKind.RESOURCE, name=name, public=public)

    def grants_in_force(self, resource: Resource, at: datetime) -> int:
        """How many grants of it were neither revoked nor have expired, to the second."""
        later = grant_decisions.alias()
        same = later.c.grant_id == grant_decisions.c.grant_id
        ends = grant_decisions.c.lending["expires_at"].as_string()
        query = (
            select(func.count())
            .select_from(grant_decisions)
            .join(grants, grants.c.id == grant_decisions.c.grant_id)
            .where(
                grants.c.resource_id == resource.id,
                ~exists().where(same, later.c.number > grant_decisions.c.number),
                grant_decisions.c.change != str(GrantChange.REVOKED),
                or_(ends.is_(None), ends > to_plain(at)),
            )
        )
        return self._connection.scalar(query) or 0

    def add_budget(self, resource: Resource, budget: Budget, *, at: datetime, by: str) -> int:
        """Append a budget and give its number; that of `budget` is not asked."""
        values = {
            "resource_id": resource.id,
            "donor": budget.donor,
            "amount": budget.amount,
            "period": str(budget.period),
            "starts_at": budget.starts_at,
            "ends_at": budget.ends_at,
            "created_at": at,
            "created_by": by,
        }
        return insert(self._connection, budgets, values)

    def end_budget(self, identifier: int, *, at: datetime) -> None:
        ended = budgets.update().where(budgets.c.id == identifier).values(ends_at=at)
        self._connection.execute(ended)

    def budget(self, resource: Resource, number: int) -> Budget:
        """Raises NoSuchBudget."""
        found = next((each for each in resource.budgets if each.id == number), None)
        if found is None:
            raise NoSuchBudget(resource.name, number)
        return found

    def _check_free(self, name: str, settings: Settings, but: int = 0) -> None:
        """Nobody else makes or changes a resource until the end of this unit of work."""
        if settings.kind is ResourceKind.QUEUE and (settings.label or name) == DEFAULT_QUEUE:
            raise LentToAll
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(text("LOCK TABLE resources IN SHARE ROW EXCLUSIVE MODE"))
        own = dict.fromkeys((name, settings.label or name))
        query = select(resources.c.name, resources.c.label).where(resources.c.id != but)
        for row in self._connection.execute(query.order_by(resources.c.id)):
            for mine, theirs in product(own, dict.fromkeys((row.name, row.label))):
                if mine == theirs:
                    raise ResourceExists(mine, row.name)
                if looks(mine) == looks(theirs):
                    raise LooksLikeAnother(mine, theirs, row.name)

    def _update(self, identifier: int, **values: Any) -> None:
        changed = resources.update().where(resources.c.id == identifier).values(values)
        self._connection.execute(changed)

    def _whole(self, rows: Iterable[Row[Any]]) -> list[Resource]:
        rows = list(rows)
        paid = self._budgets([row.id for row in rows])
        return [_resource(row, tuple(paid.get(row.id, ()))) for row in rows]

    def _budgets(self, of: list[int]) -> dict[int, list[Budget]]:
        found: dict[int, list[Budget]] = {}
        for row in self._connection.execute(_BUDGETS, {"resources": of}):
            found.setdefault(row.resource_id, []).append(_budget(row))
        return found


def resource_id(connection: Connection, name: str) -> int:
    """The number of a resource. Raises NoSuchResource."""
    found = connection.scalar(_ID, {"called": name})
    if found is None:
        raise NoSuchResource(name)
    return int(found)


def _resources() -> Select[Any]:
    newest = (
        select(func.max(terms.c.version))
        .where(terms.c.name == resources.c.settings["terms"].as_string())
        .scalar_subquery()
    )
    return select(resources, newest.label("terms_version"))


# to make a statement takes longer than to carry it out: those of every webhook are made once
_IS_CALLED = resources.c.name == bindparam("called")
_GET = _resources().where(_IS_CALLED)
_ID = select(resources.c.id).where(_IS_CALLED)
_LOCK = _ID.with_for_update()
_ARE_CALLED = resources.c.name.in_(bindparam("called", expanding=True))
_GET_ALL = _resources().where(_ARE_CALLED).order_by(resources.c.name)
_BY_BYTES = resources.c.name.collate("C")
_HOLD = select(resources.c.id).where(_ARE_CALLED).order_by(_BY_BYTES).with_for_update()
_BUDGETS = (
    select(budgets)
    .where(budgets.c.resource_id.in_(bindparam("resources", expanding=True)))
    .order_by(budgets.c.id)
)


def _values(name: str, settings: Settings, at: datetime) -> dict[str, Any]:
    return {
        "provider": settings.provider,
        "label": settings.label or name,
        "settings": to_plain(settings),
        "changed_at": at,
    }


def _resource(row: Row[Any], paid: tuple[Budget, ...]) -> Resource:
    return Resource(
        id=row.id,
        name=row.name,
        settings=_settings(row.settings),
        created_at=row.created_at,
        created_by=row.created_by,
        changed_at=row.changed_at,
        retired_at=row.retired_at,
        terms_version=row.terms_version,
        budgets=paid,
    )


def _settings(plain: dict[str, Any]) -> Settings:
    """Far quicker than `from_plain`: every job that asks reads them."""
    times = {name: timedelta(seconds=plain[name]) for name in _TIMES if name in plain}
    return msgspec.convert(plain | times, Settings)


_TIMES = ("longest_job", "unused_after")


def _budget(row: Row[Any]) -> Budget:
    return Budget(
        id=row.id,
        donor=row.donor,
        amount=row.amount,
        period=Period(row.period),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
    )
