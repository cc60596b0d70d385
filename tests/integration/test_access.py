"""Who may do what, as people find it: names, roles, explanations."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support.people import Caller, Clock, someone, store_with_administrator, user

from condarium.access.passwords import verify_password
from condarium.access.signing_in import WrongPassword, sign_in
from condarium.errors import (
    BadArguments,
    BadName,
    CondariumError,
    NoSuchNamespace,
    NotPermitted,
)
from condarium.model.access.permissions import Permission
from condarium.model.actor import NOBODY_IN_PARTICULAR
from condarium.model.document import Document
from condarium.model.secret import Secret
from condarium.settings import Settings
from condarium.storage.access.principals import NameTaken, NoSuchPrincipal
from condarium.storage.store import Store

PASSWORD = "correct horse battery"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    settings = Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store")
    with closing(Store(settings, now=clock)) as store:
        yield store


@pytest.fixture
def owner(store: Store) -> Caller:
    return store_with_administrator(store)


def test_a_new_user_may_do_nothing_to_what_others_have(owner: Caller, store: Store) -> None:
    owner("namespace create", name="lab")
    user(owner, "ada")
    ada = someone(store, "ada")
    assert ada("whoami").bindings == ()
    assert ada("namespace list").items == ()
    with pytest.raises(NoSuchNamespace):
        ada("namespace show", name="lab")
    with pytest.raises(NotPermitted):
        ada("user list")


def test_a_name_means_nobody_but_who_has_it(owner: Caller) -> None:
    """However it is written, and though another one is too like it to be given away."""
    owner("user create", name="lan")
    assert owner("user show", name="LAN").account.name == "lan"
    with pytest.raises(NameTaken):
        owner("user create", name="Ian")
    with pytest.raises(NoSuchPrincipal):
        owner("access bind", subject="Ian", role="administrator", platform=True)
    with pytest.raises(BadName):
        owner("user create", name="l\u0430n")


def test_whoever_is_renamed_stays_who_they_are(owner: Caller, store: Store) -> None:
    owner("namespace create", name="lab")
    user(owner, "ada", lab="viewer")
    before = owner("user show", name="ada").account.id
    owner("user rename", name="ada", new_name="adele")
    assert owner("user show", name="adele").account.id == before
    assert someone(store, "adele")("namespace show", name="lab").namespace.name == "lab"
    with pytest.raises(NoSuchPrincipal):
        owner("user show", name="ada")


@pytest.mark.parametrize("other", ["aXb", "a_b", "A.b", "a.b.c", "a"])
def test_a_role_is_on_one_name_and_no_pattern(owner: Caller, store: Store, other: str) -> None:
    for name in ("a.b", other):
        owner("namespace create", name=name)
    user(owner, "ada", **{"a.b": "admin"})
    ada = someone(store, "ada")
    assert [each.name for each in ada("namespace list")] == ["a.b"]
    for name, arguments in (
        ("namespace show", {}),
        ("namespace remove", {}),
    ):
        with pytest.raises(NoSuchNamespace):
            ada(name, name=other, **arguments)
    with pytest.raises(NoSuchNamespace):
        ada("access bind", subject="ada", role="admin", namespace=other)
    with pytest.raises(NoSuchNamespace):
        ada("env remove", environment=f"{other}/fit")
    ada("namespace remove", name="a.b")


def test_an_admin_of_a_namespace_gives_roles_on_it_alone(owner: Caller, store: Store) -> None:
    for name in ("lab", "other"):
        owner("namespace create", name=name)
    user(owner, "ada", lab="admin", other="viewer")
    user(owner, "bo")
    ada = someone(store, "ada")
    assert ada("access bind", subject="bo", role="admin", namespace="lab").changed
    assert not ada("access bind", subject="bo", role="admin", namespace="lab").changed
    assert {each.subject for each in ada("access list", namespace="lab")} == {"ada", "bo"}
    for where in ({"namespace": "other"}, {"platform": True}):
        role = "viewer" if "namespace" in where else "auditor"
        with pytest.raises(NotPermitted):
            ada("access bind", subject="bo", role=role, **where)
    with pytest.raises(NotPermitted):
        ada("access list")
    with pytest.raises(NotPermitted):
        ada("namespace set-quota", name="lab", builds="none")
    assert ada("access unbind", subject="bo", role="admin", namespace="lab").changed
    with pytest.raises(NoSuchNamespace):
        someone(store, "bo")("namespace show", name="lab")


@pytest.mark.parametrize(
    ("role", "where"),
    [
        ("owner", {"namespace": "lab"}),
        ("viewer", {"platform": True}),
        ("viewer", {}),
        ("viewer", {"namespace": "lab", "platform": True}),
    ],
)
def test_a_role_is_bound_to_a_thing_that_has_it(
    owner: Caller, role: str, where: dict[str, Any]
) -> None:
    owner("namespace create", name="lab")
    owner("user create", name="ada")
    with pytest.raises(BadArguments):
        owner("access bind", subject="ada", role=role, **where)


def test_passwords_are_set_by_oneself_and_by_administrators(owner: Caller, store: Store) -> None:
    for name in ("ada", "bo"):
        assert "no password" in owner("user create", name=name).note
    document = Document("f", PASSWORD.encode())
    someone(store, "ada")("user set-password", password_file=document)
    with pytest.raises(BadArguments):
        owner("user set-password", password_file=document)
    with pytest.raises(NotPermitted):
        someone(store, "bo")("user set-password", name="ada", password_file=document)
    with store.database.read() as facts:
        account = facts.principals.get("ada")
        assert verify_password(facts.principals.password(account.id), Secret(PASSWORD))
        assert not any(PASSWORD in str(entry) for entry in facts.audit.all())
    owner("service-account create", name="ci")
    with pytest.raises(CondariumError, match="has no password"):
        owner("user set-password", name="ci", password_file=document)


def test_an_explanation_is_the_decision(owner: Caller, store: Store) -> None:
    owner("namespace create", name="lab")
    user(owner, "ada", lab="editor")
    explain = "access explain"
    yes = owner(explain, user="ada", operation_="env build", thing="lab/fit")
    assert (yes.allowed, yes.permission) == (True, Permission.ENVIRONMENT_BUILD)
    assert [each.role for each in yes.bindings] == ["editor"]
    no = owner(explain, user="ada", operation_="env remove", thing="namespace:lab")
    assert not no.allowed
    assert "needs the role admin" in " ".join(no.reasons)
    assert not owner(explain, user="anybody", operation_="env list", thing="lab").allowed
    assert owner(explain, user="anybody", operation_="channel list").allowed
    assert not owner(explain, user="anybody", operation_="env list").allowed
    assert not owner(explain, user="ada", operation_="user create").allowed
    assert owner(explain, user="root0", operation_="user create").allowed
    ada = someone(store, "ada")
    assert ada(explain, user="ada", operation_="env build", thing="lab").allowed
    assert not ada(explain, user="ada", operation_="env build", thing="hidden").allowed
    with pytest.raises(NotPermitted):
        ada(explain, user="root0", operation_="env build", thing="lab")
    with pytest.raises(BadArguments, match="no operation"):
        owner(explain, user="ada", operation_="env built")
    with pytest.raises(BadArguments, match="grants say") as refused:
        owner(explain, user="ada", operation_="use", thing="resource:gpu")
    assert "access check" in (refused.value.hint or "")


def test_every_change_is_in_the_audit_log(owner: Caller, store: Store) -> None:
    owner("namespace create", name="lab")
    user(owner, "ada", lab="viewer")
    owner("access unbind", subject="ada", role="viewer", namespace="lab")
    with store.database.read() as facts:
        said = [(each.action, each.target) for each in facts.audit.all()]
    assert said[2:] == [
        ("namespace create", "lab"),
        ("user create", "ada"),
        ("access bind", "lab"),
        ("access unbind", "lab"),
    ]


@pytest.mark.parametrize("name", ["whoami", "token list", "token create", "access list"])
def test_somebody_must_be_signed_in(store: Store, name: str) -> None:
    Caller(store)("user create", name="ada")
    with pytest.raises(NotPermitted):
        Caller(store, NOBODY_IN_PARTICULAR)(name)


def test_who_has_a_password_says_it_to_change_it(owner: Caller, store: Store) -> None:
    document = Document("f", PASSWORD.encode())
    owner("user create", name="ada", password_file=document)
    ada, given = someone(store, "ada"), {"password_file": Document("f", b"another horse battery")}
    ada("token create", name="old")
    with pytest.raises(CondariumError, match="password that ada has now"):
        ada("user set-password", **given)
    with pytest.raises(WrongPassword):
        ada("user set-password", **given, old_password_file=Document("f", b"wrong horse battery"))
    ada("user set-password", **given, old_password_file=document, revoke_tokens=True)
    assert not ada("token list").items
    assert sign_in(store, "ada", Secret("another horse battery"), address=None).name == "ada"
