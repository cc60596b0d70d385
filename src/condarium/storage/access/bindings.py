"""Bindings: the facts that a principal, or a group, has a role on a thing."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, select

from condarium.model.access.accounts import Bound
from condarium.model.access.permissions import ROLES, Role, ThingKind
from condarium.model.access.principals import Binding, SubjectKind
from condarium.model.actor import Actor
from condarium.storage.access.namespaces import namespace_id
from condarium.storage.governance.resources import resource_id
from condarium.storage.hosting.channels import NoSuchChannel
from condarium.storage.tables import (
    bindings,
    channels,
    groups,
    memberships,
    namespaces,
    principals,
    resources,
)


class Bindings:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, principal: str) -> tuple[Binding, ...]:
        """The bindings of a principal and of its groups, by their ids."""
        return tuple(_binding(row) for row in self._connection.execute(self._of(principal)))

    def all_of(self, principal: str) -> list[Bound]:
        """The same with the names of both sides."""
        rows = self._connection.execute(self._of(principal))
        return [_bound(row) for row in rows]

    def add(self, binding: Binding, *, at: datetime, by: str) -> bool:
        """Bind a role; False where that is so already.

        Raises NoSuchNamespace, NoSuchChannel, NoSuchResource.
        """
        values = self._values(binding)
        if self._find(values) is not None:
            return False
        self._connection.execute(bindings.insert().values(**values, created_at=at, created_by=by))
        return True

    def add_creator(self, actor: Actor, kind: ThingKind, name: str, *, at: datetime) -> None:
        """Bind whoever makes a thing to its strongest role; the store's owner needs none."""
        if actor.who.id is not None:
            binding = Binding(
                subject_kind=SubjectKind.PRINCIPAL,
                subject=actor.who.id,
                role=ROLES[kind][-1],
                kind=kind,
                thing=name,
            )
            self.add(binding, at=at, by=actor.name)

    def remove(self, binding: Binding) -> bool:
        """Unbind a role; False where it was not bound.

        Raises NoSuchNamespace, NoSuchChannel, NoSuchResource.
        """
        found = self._find(self._values(binding))
        if found is None:
            return False
        self._connection.execute(bindings.delete().where(bindings.c.id == found))
        return True

    def all(
        self,
        *,
        subject: tuple[SubjectKind, str] | None = None,
        thing: tuple[ThingKind, str] | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> list[Bound]:
        """Bindings by number, those behind `after`: all, or a subject's (by id), or a thing's."""
        query = _named().where(bindings.c.id > after).order_by(bindings.c.id).limit(limit)
        if subject is not None:
            query = query.where(_subject_column(subject[0]) == subject[1])
        if thing is not None:
            query = query.where(_is_on(*thing))
        return [_bound(row) for row in self._connection.execute(query)]

    def _of(self, principal: str) -> Select[Any]:
        through = select(memberships.c.group_id).where(memberships.c.principal_id == principal)
        wanted = (bindings.c.principal_id == principal) | bindings.c.group_id.in_(through)
        return _named().where(wanted).order_by(bindings.c.id)

    def _find(self, values: dict[str, Any]) -> int | None:
        same = [bindings.c[name].is_not_distinct_from(value) for name, value in values.items()]
        found: int | None = self._connection.scalar(select(bindings.c.id).where(*same))
        return found

    def _values(self, binding: Binding) -> dict[str, Any]:
        is_group = binding.subject_kind is SubjectKind.GROUP
        namespace = channel = resource = None
        if binding.kind is ThingKind.NAMESPACE:
            namespace = namespace_id(self._connection, binding.thing)
        elif binding.kind is ThingKind.CHANNEL:
            channel = self._channel_id(binding.thing)
        elif binding.kind is ThingKind.RESOURCE:
            resource = resource_id(self._connection, binding.thing)
        return {
            "principal_id": None if is_group else binding.subject,
            "group_id": binding.subject if is_group else None,
            "role": str(binding.role),
            "namespace_id": namespace,
            "channel_id": channel,
            "resource_id": resource,
        }

    def _channel_id(self, name: str) -> int:
        found = self._connection.scalar(select(channels.c.id).where(channels.c.name == name))
        if found is None:
            raise NoSuchChannel(name)
        return int(found)


def _named() -> Select[Any]:
    return (
        select(
            bindings,
            namespaces.c.name.label("namespace"),
            channels.c.name.label("channel"),
            resources.c.name.label("resource"),
            groups.c.name.label("group_name"),
            principals.c.name.label("principal_name"),
        )
        .outerjoin(namespaces, namespaces.c.id == bindings.c.namespace_id)
        .outerjoin(channels, channels.c.id == bindings.c.channel_id)
        .outerjoin(resources, resources.c.id == bindings.c.resource_id)
        .outerjoin(groups, groups.c.id == bindings.c.group_id)
        .outerjoin(principals, principals.c.id == bindings.c.principal_id)
    )


def _subject_column(kind: SubjectKind) -> Any:
    return bindings.c.group_id if kind is SubjectKind.GROUP else bindings.c.principal_id


def _is_on(kind: ThingKind, name: str) -> Any:
    if kind is ThingKind.NAMESPACE:
        return namespaces.c.name == name
    if kind is ThingKind.CHANNEL:
        return channels.c.name == name
    if kind is ThingKind.RESOURCE:
        return resources.c.name == name
    things = (bindings.c.namespace_id, bindings.c.channel_id, bindings.c.resource_id)
    return and_(*(column.is_(None) for column in things))


def _thing(row: Row[Any]) -> tuple[ThingKind, str]:
    if row.namespace_id is not None:
        return ThingKind.NAMESPACE, row.namespace
    if row.channel_id is not None:
        return ThingKind.CHANNEL, row.channel
    if row.resource_id is not None:
        return ThingKind.RESOURCE, row.resource
    return ThingKind.PLATFORM, ""


def _binding(row: Row[Any]) -> Binding:
    kind, thing = _thing(row)
    is_group = row.group_id is not None
    return Binding(
        subject_kind=SubjectKind.GROUP if is_group else SubjectKind.PRINCIPAL,
        subject=row.group_id if is_group else row.principal_id,
        role=Role(row.role),
        kind=kind,
        thing=thing,
    )


def _bound(row: Row[Any]) -> Bound:
    kind, thing = _thing(row)
    is_group = row.group_id is not None
    return Bound(
        id=row.id,
        subject_kind=SubjectKind.GROUP if is_group else SubjectKind.PRINCIPAL,
        subject=row.group_name if is_group else row.principal_name,
        role=Role(row.role),
        kind=kind,
        thing=thing,
        created_at=row.created_at,
        created_by=row.created_by,
    )
