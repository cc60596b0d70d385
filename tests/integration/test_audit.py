"""The audit chain: gapless under concurrent writers, whole or found broken, and complete."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from tests.support.channel import Made, make_package
from tests.support.hosting import ADA, Clock, create, hosted_store
from tests.support.permission import person
from tests.support.postgresql import Server

from condarium.access.audit import BadDigest
from condarium.app import App, operations
from condarium.client import Client
from condarium.errors import CondariumError, NotPermitted
from condarium.model.access.permissions import Role, ThingKind
from condarium.model.access.principals import Binding, Principal, PrincipalKind, SubjectKind
from condarium.model.actor import NOBODY_IN_PARTICULAR, Actor
from condarium.model.audit import GENESIS, AuditEntry, AuditFilter, Outcome, chain, walk
from condarium.model.instants import BadInstant
from condarium.model.names import EnvironmentName
from condarium.model.paging import BadCursor
from condarium.model.upload import Upload
from condarium.model.view import ChannelName
from condarium.storage.store import Store

LAB = ChannelName("lab")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        with hosted_store(tmp_path) as store:
            yield store
        return
    server: Server = request.getfixturevalue("postgresql")
    with (
        server.new_database() as url,
        hosted_store(tmp_path, CONDARIUM_DATABASE=url) as store,
    ):
        yield store


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store to copy, which is quicker than to make one."""
    folder = tmp_path_factory.mktemp("fresh")
    with hosted_store(folder) as store:
        _ = store.database
    return folder / "store"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def local(fresh: Path, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    shutil.copytree(fresh, tmp_path / "store")
    with hosted_store(tmp_path, clock) as store:
        yield store


@pytest.fixture
def administrator(local: Store) -> Actor:
    """An administrator who has an account, at an address, with a token."""
    with local.database.note() as facts:
        account = facts.principals.add(PrincipalKind.USER, "ada", at=local.now(), by="setup")
        binding = Binding(
            subject_kind=SubjectKind.PRINCIPAL,
            subject=account.id,
            role=Role.ADMINISTRATOR,
            kind=ThingKind.PLATFORM,
        )
        facts.bindings.add(binding, at=local.now(), by="setup")
    made = call(local, ADA, "token create", name="laptop", for_="ada")
    return Actor(
        name="ada",
        principal=Principal(kind=PrincipalKind.USER, id=account.id, name="ada"),
        bindings=(binding,),
        token=made.token.id,
        address="192.0.2.7",
    )


def entries(store: Store) -> list[AuditEntry]:
    with store.database.read() as facts:
        return list(facts.audit.all())


def note(store: Store, target: str) -> None:
    with store.database.change(ADA, "channel edit", target):
        pass


def call(store: Store, actor: Actor, name: str, /, **arguments: Any) -> Any:
    return App(store.settings, actor=actor, store=store).call(operations()[name], arguments)


def test_concurrent_writers_leave_no_gap_and_no_fork(store: Store) -> None:
    _ = store.database
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: note(store, f"lab-{number}"), range(64)))
    found = entries(store)
    assert [entry.number for entry in found] == list(range(1, 65))
    assert {entry.target for entry in found} == {f"lab-{number}" for number in range(64)}
    assert call(store, ADA, "audit verify").ok


TAMPERING = {
    "changed": ("UPDATE audit SET actor = 'ben' WHERE id = 3", 3),
    "changed in its detail": ('UPDATE audit SET detail = \'{"why": "no"}\' WHERE id = 4', 4),
    "changed in its time": ("UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE id = 2", 2),
    "removed": ("DELETE FROM audit WHERE id = 3", 3),
    "the first removed": ("DELETE FROM audit WHERE id = 1", 1),
    "the last removed": ("DELETE FROM audit WHERE id = 5", 5),
    "all removed": ("DELETE FROM audit", 1),
    "inserted": (
        "INSERT INTO audit (id, at, actor, action, target, outcome, detail, digest) "
        "SELECT 6, at, actor, action, target, outcome, detail, digest FROM audit WHERE id = 5",
        6,
    ),
    "moved": (
        "UPDATE audit SET id = 9 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3; "
        "UPDATE audit SET id = 3 WHERE id = 9",
        2,
    ),
    "signed anew": ("UPDATE audit SET actor = 'ben', digest = 'SIGNED' WHERE id = 3", 4),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_an_entry_that_was_tampered_with_is_found(local: Store, how: str) -> None:
    for number in range(5):
        note(local, f"lab-{number}")
    statements, expected = TAMPERING[how]
    before = entries(local)
    signed = chain(before[1].digest, replace(before[2], actor="ben"))
    _tamper(local, statements.replace("SIGNED", signed))
    found = call(local, ADA, "audit verify")
    assert not found.ok
    assert (found.broken.entry, found.entries) == (expected, expected - 1)


def test_a_chain_that_was_made_anew_is_found_by_a_head_noted_before(local: Store) -> None:
    for number in range(5):
        note(local, f"lab-{number}")
    noted = call(local, ADA, "audit verify").head
    _forge(local)
    assert call(local, ADA, "audit verify").ok
    found = call(local, ADA, "audit verify", from_=noted)
    assert not found.ok
    assert noted in found.broken.expected


def test_a_head_noted_before_is_found_again(local: Store) -> None:
    note(local, "lab")
    noted = call(local, ADA, "audit verify").head
    note(local, "lab")
    assert call(local, ADA, "audit verify", from_=noted).entries == 2
    assert call(local, ADA, "audit verify", from_=GENESIS).ok
    with pytest.raises(BadDigest):
        call(local, ADA, "audit verify", from_=noted[:12])


def test_every_change_leaves_one_entry_that_says_who_from_where_and_with_what(
    local: Store, administrator: Actor, tmp_path: Path
) -> None:
    package = make_package(Made("tool", "1.0"), into=tmp_path)
    file = (Upload(path=package, name=package.name),)
    changes: list[tuple[str, dict[str, Any]]] = [
        ("channel create", {"channel": LAB}),
        ("channel edit", {"channel": LAB, "description": "the lab's"}),
        ("channel publish", {"channel": LAB, "file": file}),
        ("channel yank", {"channel": LAB, "spec": ("tool",)}),
        ("channel unyank", {"channel": LAB, "spec": ("tool",)}),
        ("channel label add", {"channel": LAB, "label": "dev", "spec": ("tool",)}),
        ("channel label copy", {"channel": LAB, "label": "dev", "to": "rc"}),
        ("channel label promote", {"channel": LAB, "label": "rc", "to": "gold"}),
        ("channel label remove", {"channel": LAB, "label": "dev", "spec": ("tool",)}),
        ("channel remove-package", {"channel": LAB, "spec": ("tool",)}),
        ("channel revert", {"channel": LAB, "revision": "r8"}),
        ("namespace create", {"name": "team"}),
        ("namespace set-quota", {"name": "team", "environments": "5"}),
        ("user create", {"name": "ben"}),
        ("group create", {"name": "people"}),
        ("group add-member", {"name": "people", "member": "ben"}),
        ("access bind", {"subject": "ben", "role": "viewer", "namespace": "team"}),
        ("token create", {"name": "ci"}),
        ("access unbind", {"subject": "ben", "role": "viewer", "namespace": "team"}),
        ("user disable", {"name": "ben"}),
        ("namespace remove", {"name": "team"}),
        ("channel remove", {"channel": LAB}),
    ]
    for name, arguments in changes:
        before = len(entries(local))
        call(local, administrator, name, **arguments)
        (entry,) = entries(local)[before:]
        assert (entry.action, entry.outcome) == (name, Outcome.DONE)
        assert (entry.actor, entry.principal) == ("ada", administrator.who.id)
        assert (entry.address, entry.token) == ("192.0.2.7", administrator.token)
    assert call(local, ADA, "audit verify").ok


def test_whoever_makes_a_thing_has_it(local: Store, administrator: Actor) -> None:
    call(local, administrator, "channel create", channel=LAB)
    call(local, administrator, "namespace create", name="team")
    with local.database.read() as facts:
        bound = facts.bindings.of(administrator.who.id or "")
    assert {(each.role, each.thing) for each in bound} == {
        (Role.ADMINISTRATOR, ""),
        (Role.OWNER, "lab"),
        (Role.ADMIN, "team"),
    }


REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("gc", {}, "platform"),
    ("channel remove", {"channel": LAB}, "lab"),
    ("channel show", {"channel": ChannelName("nothing")}, "nothing"),
    ("env remove", {"environment": EnvironmentName("lab", "fit")}, "lab"),
    ("env archive", {"all_namespaces": True, "keep_last": 1}, "platform"),
    ("channel create", {"channel": ChannelName("mine")}, "platform"),
]


@pytest.mark.parametrize(("name", "arguments", "target"), REFUSALS)
def test_every_refusal_leaves_one_entry(
    local: Store, name: str, arguments: dict[str, Any], target: str
) -> None:
    create(local, "lab", public=False)
    ben = person("ben")
    for _ in range(2):
        with pytest.raises(CondariumError):
            call(local, ben, name, **arguments)
    found = entries(local)
    assert [(entry.action, entry.target, entry.outcome) for entry in found] == [
        (name, target, Outcome.REFUSED)
    ] * 2
    assert {(entry.actor, entry.principal, entry.address) for entry in found} == {
        ("ben", ben.who.id, "192.0.2.7")
    }


def test_strangers_cannot_fill_the_log(local: Store, clock: Clock) -> None:
    for number in range(20):
        for address in ("192.0.2.1", "192.0.2.2"):
            stranger = replace(NOBODY_IN_PARTICULAR, address=address)
            with pytest.raises(CondariumError):
                call(local, stranger, "channel show", channel=ChannelName(f"x{number}"))
    assert [entry.address for entry in entries(local)] == ["192.0.2.1", "192.0.2.2"]
    clock.advance(timedelta(minutes=1))
    with pytest.raises(CondariumError):
        call(local, stranger, "channel show", channel=ChannelName("x"))
    assert len(entries(local)) == 3


def test_who_may_read_it(local: Store) -> None:
    for name in ("audit search", "audit verify", "audit export"):
        with pytest.raises(NotPermitted):
            call(local, person("ben", ("admin", ThingKind.NAMESPACE, "lab")), name)
        call(local, person("eve", ("auditor", ThingKind.PLATFORM, "")), name)


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["l_b", "lab", "lab/fit", "lab"]),
    ({"target": "lab"}, ["lab", "lab/fit", "lab"]),
    ({"target": "lab/fit"}, ["lab/fit"]),
    ({"target": "l_b"}, ["l_b"]),
    ({"target": "la"}, []),
    ({"action": "channel"}, ["l_b", "lab", "lab"]),
    ({"action": "channel edit"}, ["lab"]),
    ({"action": "chan"}, []),
    ({"action": "%"}, []),
    ({"actor_name": "ben"}, ["lab/fit"]),
    ({"token": "t0"}, ["lab/fit"]),
    ({"address": "192.0.2.7"}, ["lab/fit"]),
    ({"principal": "id-of-ben"}, ["lab/fit"]),
    ({"outcome": "done"}, ["l_b", "lab", "lab"]),
    ({"outcome": "refused"}, ["lab/fit"]),
    ({"since": "2026-03-01T14:00:00Z"}, ["l_b", "lab"]),
    ({"until": "2026-03-01T14:00:00Z"}, ["lab/fit", "lab"]),
    ({"since": "2h", "action": "channel yank"}, ["lab"]),
    ({"since": "2026-03-02"}, []),
]


@pytest.fixture
def filled(local: Store, clock: Clock) -> Store:
    ben = replace(person("ben"), token="t0")
    told = [
        (ADA, "channel edit", "lab", Outcome.DONE),
        (ben, "env remove", "lab/fit", Outcome.REFUSED),
        (ADA, "channel yank", "lab", Outcome.DONE),
        (ADA, "channel publish", "l_b", Outcome.DONE),
    ]
    for actor, action, target, outcome in told:
        with local.database.note() as facts:
            facts.audit.add(
                at=local.now(),
                actor=actor,
                action=action,
                target=target,
                detail={},
                outcome=outcome,
            )
        clock.advance(timedelta(hours=1))
    return local


@pytest.mark.parametrize(("given", "expected"), FILTERS)
def test_what_is_given_narrows_it(
    filled: Store, given: dict[str, Any], expected: list[str]
) -> None:
    found = call(filled, ADA, "audit search", **given)
    assert [entry.target for entry in found] == expected


def test_all_filters_at_once_are_one_question(filled: Store) -> None:
    with filled.database.read() as facts:
        assert list(facts.audit.all(AuditFilter(actor="ada", target="lab", action="env"))) == []


def test_pages_join_to_the_whole(filled: Store) -> None:
    found, cursor = [], None
    while True:
        page = call(filled, ADA, "audit search", limit=3, cursor=cursor)
        found += list(page)
        note(filled, "meanwhile")
        if (cursor := page.next) is None:
            break
    assert [entry.number for entry in found] == [4, 3, 2, 1]


@pytest.mark.parametrize("when", ["yesterday", "2026-03-01T09:00", "2026-13-01", "9999999999d", ""])
def test_a_time_that_says_nothing_is_refused(filled: Store, when: str) -> None:
    with pytest.raises(BadInstant):
        call(filled, ADA, "audit search", since=when)


def test_a_cursor_of_something_else_is_refused(filled: Store) -> None:
    with pytest.raises(BadCursor):
        call(filled, ADA, "audit search", cursor="bGFi")


def test_an_export_has_all_that_the_digests_are_made_of(filled: Store) -> None:
    lines = call(filled, ADA, "audit export").content.splitlines()
    told = [
        AuditEntry(**{**json.loads(line), "at": datetime.fromisoformat(json.loads(line)["at"])})
        for line in lines
    ]
    assert walk(told, (told[-1].number, told[-1].digest)).ok
    assert len(call(filled, ADA, "audit export", since="2026-03-01T14:00:00Z").content) < sum(
        map(len, lines)
    )


def test_it_is_there_from_python(filled: Store) -> None:
    with Client(filled.layout.root) as client:
        assert client.audit.verify().entries == 4


def _tamper(store: Store, statements: str) -> None:
    engine = create_engine(f"sqlite:///{store.layout.database}")
    with engine.begin() as connection:
        for statement in statements.split("; "):
            connection.execute(text(statement))
    engine.dispose()


def _forge(store: Store) -> None:
    """Change an entry, and make all digests after it anew, and the head."""
    digest = GENESIS
    for entry in entries(store):
        forged = replace(entry, actor="ben" if entry.number == 2 else entry.actor)
        digest = chain(digest, forged)
        _tamper(
            store,
            f"UPDATE audit SET actor = '{forged.actor}', digest = '{digest}' "
            f"WHERE id = {entry.number}; UPDATE audit_head SET digest = '{digest}'",
        )
