"""Every operation, by people of every role, on things of their own, of others, hidden and absent.

What is expected comes from a table in `tests/support/permission.py`, which knows nothing of the
code under test.
"""

import functools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.permission import (
    ABSENT,
    CHANNEL,
    HIDDEN,
    NAMESPACE,
    NEEDS,
    OTHER,
    OWN,
    PEOPLE,
    PLATFORM,
    PUBLIC,
    RESOURCE,
    SOMEWHERE,
    TOLD_WHAT_THEY_MAY_KNOW,
    is_enough,
    names,
)

from condarium.app import App, operations
from condarium.errors import CondariumError, NoSuchNamespace, NotPermitted
from condarium.model.access.permissions import ThingKind
from condarium.model.actor import Actor
from condarium.model.document import Document
from condarium.model.governance.resources import ResourceKind, ResourceName
from condarium.model.governance.resources import Settings as LentSettings
from condarium.model.hosting.hosted import ChannelKind, HostedChannel
from condarium.model.names import EnvironmentName
from condarium.model.upload import Upload
from condarium.model.view import ChannelName, View
from condarium.operation import Operation, Where
from condarium.settings import Settings
from condarium.storage.governance.resources import NoSuchResource
from condarium.storage.hosting.channels import NoSuchChannel
from condarium.storage.store import Store

ALLOWED, REFUSED, UNKNOWN = "allowed", "refused", "unknown"
_READS = {
    *names(NAMESPACE["viewer"]),
    *names(CHANNEL["reader"]),
    *names(RESOURCE["borrower"]),
} - {"env run"}  # which needs another permission than to read
_JOBS = {"channel verify"}
"""What strangers may not even do to what everybody may read."""
_TABLES = {
    ThingKind.NAMESPACE: NAMESPACE,
    ThingKind.CHANNEL: CHANNEL,
    ThingKind.RESOURCE: RESOURCE,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("matrix") / "store"
    store = Store(Settings.read({"HOME": str(folder)}, store=folder))
    now = store.now()
    with store.database.note() as facts:
        for name in (OWN, OTHER, HIDDEN):
            facts.environments.ensure(EnvironmentName(name, "fit"), at=now, actor="setup")
        for name in (OWN, OTHER, HIDDEN, PUBLIC):
            facts.channels.create(
                HostedChannel(
                    id=0,
                    name=ChannelName(name),
                    kind=ChannelKind.LOCAL,
                    public=name == PUBLIC,
                    description="",
                    created_at=now,
                    created_by="setup",
                    head=0,
                )
            )
            settings = LentSettings(kind=ResourceKind.QUEUE, public=name == PUBLIC)
            facts.resources.add(name, settings, at=now, by="setup")
    yield store
    store.close()


def test_the_table_has_every_operation() -> None:
    somewhere = {name for row in SOMEWHERE.values() for name in names(row)}
    assert {*NEEDS, *somewhere, *names(TOLD_WHAT_THEY_MAY_KNOW)} == set(operations())


everybody = pytest.mark.parametrize("actor", PEOPLE, ids=lambda actor: actor.name)


@everybody
@pytest.mark.parametrize("kind", _TABLES)
def test_a_thing_is_for_those_who_have_a_role_on_it(
    store: Store, actor: Actor, kind: ThingKind
) -> None:
    """And to everybody else what is hidden is like what is not there."""
    public = [] if kind is ThingKind.NAMESPACE else [PUBLIC]
    for name in names(", ".join(_TABLES[kind].values())):
        told = {}
        for thing in (OWN, OTHER, HIDDEN, ABSENT, *public):
            found, told[thing] = _outcome(store, actor, name, thing)
            assert (name, thing, found) == (name, thing, _expected(actor, name, thing))
        if actor.name != "administrator":
            assert _said(told[HIDDEN], HIDDEN) == _said(told[ABSENT], ABSENT)


@everybody
def test_the_platform_is_for_those_who_have_a_role_on_it(store: Store, actor: Actor) -> None:
    held = actor.name if actor.name in ("auditor", "administrator") else None
    for name in names(", ".join(PLATFORM.values())):
        expected = ALLOWED if is_enough(held, NEEDS[name]) else REFUSED
        assert (name, _outcome(store, actor, name)[0]) == (name, expected)


@everybody
def test_what_is_about_no_thing_is_for_those_who_have_a_role_anywhere(
    store: Store, actor: Actor
) -> None:
    strangers = ("anybody", "newcomer", "auditor", "token-that-reads", "token-of-a-resource")
    asks = actor.name not in strangers
    solves = actor.name in ("editor", "admin", "administrator", "token-of-a-namespace")
    for name in names(SOMEWHERE["viewer reader"]):
        assert _outcome(store, actor, name)[0] == (ALLOWED if asks else REFUSED)
    assert _outcome(store, actor, "lock")[0] == (ALLOWED if solves else REFUSED)


def _expected(actor: Actor, name: str, thing: str) -> str:
    needs = NEEDS[name]
    held = _held(actor, needs.kind, thing)
    public = thing == PUBLIC and needs.kind is not ThingKind.NAMESPACE
    reads = public and needs.role in ("reader", "borrower")
    if actor.name == "token-that-reads" and name not in _READS and (held or public):
        return REFUSED
    if actor.name == "anybody" and name in _JOBS and public:
        return REFUSED
    if is_enough(held, needs) or reads:
        return ALLOWED
    return REFUSED if held or public else UNKNOWN


def _held(actor: Actor, kind: ThingKind, thing: str) -> str | None:
    """The role of one of the people on a thing, as the head of the table says it."""
    if actor.name == "administrator":
        return "administrator"
    if actor.name in ("anybody", "newcomer", "auditor"):
        return None
    weakest, *_, strongest = _TABLES[kind]
    if actor.name == f"token-of-a-{kind}":
        return strongest if thing == OWN else None
    if actor.name.startswith("token-of-a"):
        return None
    if thing == OTHER:
        return weakest
    if thing != OWN:
        return None
    if actor.name == "token-that-reads":
        return strongest
    return actor.name if actor.name in _TABLES[kind] else None


def _outcome(
    store: Store, actor: Actor, name: str, thing: str = ""
) -> tuple[str, CondariumError | None]:
    """Try it; what asks before it begins does not begin, and what asks inside stumbles later."""
    operation = operations()[name]
    if operation.where is not Where.INSIDE:
        operation = replace(operation, function=_idle(operation))
    try:
        App(store.settings, actor=actor, store=store).call(operation, _arguments(operation, thing))
    except NotPermitted as error:
        return REFUSED, error
    except (NoSuchNamespace, NoSuchChannel, NoSuchResource) as error:
        return (UNKNOWN, error) if actor.name != "administrator" else (ALLOWED, error)
    except CondariumError as error:
        return ALLOWED, error
    return ALLOWED, None


def _idle(operation: Operation) -> Any:
    @functools.wraps(operation.function)
    def nothing(**_: Any) -> None:
        return None

    return nothing


_DUMMIES: dict[Any, Any] = {
    str: "x",
    int: 1,
    Document: Document("x.yml", b"name: x"),
    Upload: Upload("x.conda", Path("x.conda")),
}


def _arguments(operation: Operation, thing: str) -> dict[str, Any]:
    """What an operation needs, and the thing where it takes one."""
    found: dict[str, Any] = {}
    for parameter in operation.parameters:
        value = _DUMMIES.get(parameter.type)
        if thing and parameter.type is EnvironmentName:
            value = EnvironmentName(thing, "fit")
        elif thing and parameter.type is ChannelName and not parameter.many:
            value = ChannelName(thing)
        elif thing and parameter.type is View:
            value = View(channel=ChannelName(thing))
        elif thing and parameter.type is ResourceName and parameter.required:
            value = ResourceName(thing)
        elif parameter.type is ResourceName and parameter.required:
            value = ResourceName("made")
        elif parameter.type is ChannelName and parameter.required:
            value = ChannelName("made")
        elif not parameter.required:
            continue
        found[parameter.name] = (value,) if parameter.many else value
    if operation.name == "env archive":
        found["keep_last"] = 1
    return found


def _said(error: CondariumError | None, name: str) -> tuple[object, ...]:
    assert error is not None
    return type(error), error.message.replace(name, "IT"), (error.hint or "").replace(name, "IT")
