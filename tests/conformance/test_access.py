"""Accounts, roles and tokens as facts, on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from tests.support.accounts import make_user, quick_passwords
from tests.support.people import Caller, Clock, someone, store_with_administrator, user

from condarium.access import passwords
from condarium.access.administrators import LastAdministrator
from condarium.access.identities import BadToken, actor_of_token
from condarium.access.provider_accounts import Claims, actor_of_claims
from condarium.access.signing_in import sign_in
from condarium.errors import (
    NoSuchNamespace,
)
from condarium.model.names import EnvironmentName
from condarium.model.secret import Secret
from condarium.operating.backing_up import one_at_a_time
from condarium.storage.access.memberships import NoSuchGroup
from condarium.storage.access.namespaces import NamespaceNotEmpty
from condarium.storage.access.principals import NameTaken, NoSuchPrincipal
from condarium.storage.hosting.channels import NoSuchChannel
from condarium.storage.store import Store

PASSWORD = "correct horse battery"


@pytest.fixture
def owner(store: Store) -> Caller:
    return store_with_administrator(store)


@pytest.mark.parametrize("name", ["Ada", "ADA", "ada"])
def test_a_name_that_reads_like_another_one_is_taken(owner: Caller, name: str) -> None:
    owner("user create", name="ada")
    with pytest.raises(NameTaken):
        owner("user create", name=name)
    with pytest.raises(NameTaken):
        owner("service-account create", name=name)


def test_roles_come_through_groups_and_go_with_them(owner: Caller, store: Store) -> None:
    owner("namespace create", name="lab")
    user(owner, "ada")
    owner("group create", name="team")
    owner("access bind", subject="group:team", role="viewer", namespace="lab")
    owner("group add-member", name="team", member="ada")
    ada = someone(store, "ada")
    assert [each.name for each in ada("namespace list")] == ["lab"]
    assert ada("whoami").groups == ("team",)
    owner("group remove-member", name="team", member="ada")
    assert someone(store, "ada")("namespace list").items == ()
    owner("group add-member", name="team", member="ada")
    owner("group remove", name="team")
    assert someone(store, "ada")("namespace list").items == ()
    with pytest.raises(NoSuchGroup):
        owner("group show", name="team")


def test_what_is_bound_must_be_there(owner: Caller) -> None:
    owner("user create", name="ada")
    for where, error in (
        ({"namespace": "gone", "role": "viewer"}, NoSuchNamespace),
        ({"channel": "gone", "role": "reader"}, NoSuchChannel),
    ):
        with pytest.raises(error):
            owner("access bind", subject="ada", **where)
    owner("namespace create", name="lab")
    for subject in ("bo", "group:team"):
        with pytest.raises((NoSuchPrincipal, NoSuchGroup)):
            owner("access bind", subject=subject, role="viewer", namespace="lab")


def test_a_role_on_a_namespace_does_not_outlive_it(owner: Caller, store: Store) -> None:
    owner("namespace create", name="lab")
    user(owner, "ada", lab="admin")
    owner("namespace remove", name="lab")
    owner("namespace create", name="lab")
    assert someone(store, "ada")("namespace list").items == ()


def test_a_namespace_with_environments_stays(owner: Caller, store: Store) -> None:
    with store.database.note() as facts:
        facts.environments.ensure(EnvironmentName("lab", "fit"), at=store.now(), actor="ada")
    with pytest.raises(NamespaceNotEmpty):
        owner("namespace remove", name="lab")
    assert owner("namespace show", name="lab").use.environments == 1


def test_the_last_administrator_stays(owner: Caller) -> None:
    for name, arguments in (
        ("access unbind", {"subject": "root0", "role": "administrator", "platform": True}),
        ("user disable", {"name": "root0"}),
    ):
        with pytest.raises(LastAdministrator):
            owner(name, **arguments)
    owner("user create", name="ada")
    owner("group create", name="admins")
    owner("group add-member", name="admins", member="ada")
    owner("access bind", subject="group:admins", role="administrator", platform=True)
    owner("user disable", name="root0")
    for name, arguments in (
        ("group remove", {"name": "admins"}),
        ("group remove-member", {"name": "admins", "member": "ada"}),
        ("user disable", {"name": "ada"}),
    ):
        with pytest.raises(LastAdministrator):
            owner(name, **arguments)
    assert owner("whoami").id is None


def test_two_who_go_at_once_do_not_both_go(owner: Caller, store: Store) -> None:
    names = ["root0", "ada", "bo"]
    for name in names[1:]:
        owner("user create", name=name)
        owner("access bind", subject=name, role="administrator", platform=True)

    def go(name: str) -> str:
        try:
            Caller(store)("user disable", name=name)
        except LastAdministrator:
            return "stays"
        return "gone"

    with ThreadPoolExecutor(3) as threads:
        assert sorted(threads.map(go, names)) == ["gone", "gone", "stays"]


def test_a_token_is_its_holder_until_it_ends(owner: Caller, store: Store, clock: Clock) -> None:
    user(owner, "ada")
    made = someone(store, "ada")("token create", name="ci", expires="30d")
    actor = actor_of_token(store, made.secret, address="192.0.2.7")
    assert (actor.name, actor.token, actor.address) == ("ada", made.token.id, "192.0.2.7")
    clock.now += timedelta(days=30)
    with pytest.raises(BadToken, match="expired"):
        actor_of_token(store, made.secret)
    assert someone(store, "ada")("token list").items == ()
    assert len(someone(store, "ada")("token list", for_="ada", all_=True)) == 1


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("token revoke", {}),
        ("user disable", {"name": "ada"}),
        ("access revoke-all", {"principal": "ada"}),
    ],
)
def test_a_token_ends_at_once(
    owner: Caller, store: Store, operation: str, given: dict[str, str]
) -> None:
    user(owner, "ada")
    made = owner("token create", for_="ada")
    actor_of_token(store, made.secret)
    owner(operation, **(given or {"id_": made.token.id}))
    with pytest.raises(BadToken):
        actor_of_token(store, made.secret)


@pytest.mark.parametrize("secret", ["", "condarium_", "condarium_" + "x" * 43, "\udcff", "é" * 9])
def test_what_is_no_token_is_nobody(owner: Caller, store: Store, secret: str) -> None:
    with pytest.raises(BadToken, match="not known"):
        actor_of_token(store, secret)


def test_a_use_is_noted_once_a_minute(owner: Caller, store: Store, clock: Clock) -> None:
    owner("user create", name="ada")
    made = owner("token create", for_="ada")
    first = clock.now
    for _ in range(3):
        actor_of_token(store, made.secret)
        clock.now += timedelta(seconds=15)
    store.closing.close()  # waits for what is noted beside requests
    assert owner("token list", for_="ada")[0].last_used_at == first
    clock.now += timedelta(seconds=30)
    actor_of_token(store, made.secret)
    store.closing.close()
    assert owner("token list", for_="ada")[0].last_used_at == clock.now


def test_keys_rotate_and_older_ones_verify_for_a_while(
    owner: Caller, store: Store, clock: Clock
) -> None:
    with store.database.note() as facts:
        first = facts.signing_keys.ensure(at=clock.now)
        assert facts.signing_keys.ensure(at=clock.now) == first
    clock.now += timedelta(hours=1)
    second = owner("access rotate-keys", grace="2h").key
    with store.database.read() as facts:
        assert [key.id for key in facts.signing_keys.valid(at=clock.now)] == [second, first.id]
        later = clock.now + timedelta(hours=2)
        assert [key.id for key in facts.signing_keys.valid(at=later)] == [second]


def test_lists_come_in_pages_that_neither_repeat_nor_hide(owner: Caller) -> None:
    for number in range(5):
        owner("user create", name=f"u{number}x")
        owner("group create", name=f"g{number}x")
        owner("namespace create", name=f"n{number}x")
        owner("access bind", subject=f"u{number}x", role="auditor", platform=True)
        owner("token create", for_=f"u{number}x")
    for name, given in (
        ("user list", {}),
        ("group list", {}),
        ("namespace list", {}),
        ("access list", {}),
        ("token list", {}),
    ):
        whole = owner(name, **given).items
        pages, cursor = [], None
        while True:
            page = owner(name, **given, limit=2, cursor=cursor)
            assert len(page) <= 2
            pages += page.items
            cursor = page.next
            if cursor is None:
                break
        assert tuple(pages) == whole
        assert len(whole) >= 5


def claims(*groups: str, subject: str = "1") -> Claims:
    return Claims(issuer="https://provider.example", subject=subject, name="eve", groups=groups)


def test_groups_by_claims_are_audited_where_they_change(owner: Caller, store: Store) -> None:
    for name in ("staff", "admins"):
        owner("group create", name=name)
    for said in (claims("staff"), claims("staff"), claims("admins", "unknown"), claims()):
        actor_of_claims(store, said, address=None)
    with store.database.read() as facts:
        found = [
            (each.action.removeprefix("group "), each.target, each.detail["issuer"])
            for each in facts.audit.all()
            if each.actor == "eve" and each.action.startswith("group")
        ]
    issuer = "https://provider.example"
    assert found == [
        ("add-member", "staff", issuer),
        ("add-member", "admins", issuer),
        ("remove-member", "staff", issuer),
        ("remove-member", "admins", issuer),
    ]


def test_claims_rule_the_platform_only_where_the_server_says_so(
    owner: Caller, store: Store
) -> None:
    for name in ("rulers", "others"):
        owner("group create", name=name)
        owner("access bind", subject=f"group:{name}", role="administrator", platform=True)
    said = claims("rulers", "others")
    assert not actor_of_claims(store, said, address=None).bindings
    assert len(actor_of_claims(store, said, address=None, ruling=["rulers"]).bindings) == 1
    assert not actor_of_claims(store, said, address=None).bindings


def test_who_signs_in_for_the_first_time_twice_at_once_is_one(store: Store) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(
            threads.map(lambda _: actor_of_claims(store, claims(), address=None), range(4))
        )
    assert len({actor.who.id for actor in found}) == 1


def test_signing_in_keeps_a_password_as_strongly_as_is_usual_now(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with quick_passwords():
        identifier = make_user(store, "ada", PASSWORD)
        hasher = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)
        monkeypatch.setattr(passwords, "_hasher", lambda: hasher)
        for _ in range(2):
            sign_in(store, "ada", Secret(PASSWORD), address=None)
        with store.database.read() as facts:
            kept = facts.principals.password(identifier)
    assert kept is not None
    assert not hasher.check_needs_rehash(kept)


def test_one_backup_at_a_time_whatever_the_machine(store: Store, tmp_path: Path) -> None:
    if not store.settings.database:
        pytest.skip("SQLite's facts are on one machine")
    other = Store(replace(store.settings, store=tmp_path / "other"))
    with closing(other), ThreadPoolExecutor(1) as thread:
        with one_at_a_time(store):
            waiting = thread.submit(enter, one_at_a_time(other))
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
        waiting.result(timeout=20)


def enter(context: AbstractContextManager[None]) -> None:
    with context:
        pass
