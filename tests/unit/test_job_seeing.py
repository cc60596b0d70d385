"""Who may see a job, and who may end it."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conformance.test_jobs import order
from tests.support.workers import jobs_of
from tests.unit.test_choosing import job

from condarium.errors import NotPermitted
from condarium.jobs.asking.seeing import changeable, may_see, seen
from condarium.model.access.permissions import Permission, Role, ThingKind
from condarium.model.access.principals import (
    Binding,
    Principal,
    PrincipalKind,
    Scope,
    SubjectKind,
)
from condarium.model.actor import NOBODY_IN_PARTICULAR, Actor

ON_LAB = job(1, principal="ada")
ON_CHANNEL = job(2, kind="channel", resource="lab", principal="ada")
ON_NOTHING = job(3, kind=None, resource=None, principal="ada")
ALL = (ON_LAB, ON_CHANNEL, ON_NOTHING)


def actor(name: str, *roles: tuple[Role, ThingKind, str], scope: Scope = Scope()) -> Actor:  # noqa: B008 - a frozen value
    bindings = tuple(
        Binding(subject_kind=SubjectKind.PRINCIPAL, subject=name, role=role, kind=kind, thing=on)
        for role, kind, on in roles
    )
    who = Principal(kind=PrincipalKind.USER, id=name, name=name, scope=scope)
    return Actor(name=name, principal=who, bindings=bindings)


def scope_for(*permissions: Permission) -> Scope:
    return Scope(permissions=frozenset(permissions))


NAMESPACE, CHANNEL, PLATFORM = ThingKind.NAMESPACE, ThingKind.CHANNEL, ThingKind.PLATFORM


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        (Actor(name="owner of the store"), ALL),
        (actor("ada"), ALL),
        (actor("ada", scope=Scope(namespaces=frozenset({"lab"}))), (ON_LAB,)),
        (actor("ada", scope=scope_for(Permission.QUERY_ASK)), ()),
        (actor("ada", scope=scope_for(Permission.ENVIRONMENT_BUILD)), ALL),
        (actor("ada", scope=scope_for(Permission.ENVIRONMENT_READ)), (ON_LAB,)),
        (actor("ben"), ()),
        (actor("ben", (Role.VIEWER, NAMESPACE, "lab")), (ON_LAB,)),
        (actor("ben", (Role.VIEWER, NAMESPACE, "la")), ()),
        (actor("ben", (Role.READER, CHANNEL, "lab")), ()),
        (actor("ben", (Role.PUBLISHER, CHANNEL, "lab")), (ON_CHANNEL,)),
        (actor("ben", (Role.AUDITOR, PLATFORM, "")), (ON_NOTHING,)),
        (actor("ben", (Role.ADMINISTRATOR, PLATFORM, "")), ALL),
        (NOBODY_IN_PARTICULAR, ()),
    ],
)
def test_a_job_is_seen_by_who_asked_and_who_works_on_the_same(
    who: Actor, seen: tuple[object, ...]
) -> None:
    assert tuple(each for each in ALL if may_see(who, each)) == seen


def test_a_job_of_the_stores_owner_is_not_everybodys() -> None:
    assert not may_see(NOBODY_IN_PARTICULAR, job(1, kind=None, resource=None, principal=None))


@pytest.mark.parametrize(
    ("scope", "changes"),
    [
        (Scope(), True),
        (scope_for(Permission.ENVIRONMENT_BUILD), True),
        (scope_for(Permission.ENVIRONMENT_READ, Permission.CHANNEL_READ), False),
    ],
)
def test_a_token_changes_what_it_could_ask_for(tmp_path: Path, scope: Scope, changes: bool) -> None:
    with jobs_of(tmp_path) as jobs:
        ada = actor("ada", (Role.EDITOR, NAMESPACE, "lab"))
        with jobs.store.database.note() as facts:
            number = facts.jobs.add(order(principal="ada"), at=jobs.store.now())
        narrowed = replace(ada, principal=replace(ada.who, scope=scope))
        assert seen(jobs.store, number, narrowed).id == number
        with nullcontext() if changes else pytest.raises(NotPermitted):
            changeable(jobs.store, number, narrowed)
