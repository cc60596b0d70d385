"""Tokens: within the rights of who mints them, and no secret of theirs kept."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.hosting import create, host
from tests.support.people import Caller, Clock, someone, store_with_administrator, user

from condarium.access.identities import BadToken, actor_of_token
from condarium.access.minting import TokenWouldLastLonger
from condarium.errors import (
    BadArguments,
    CondariumError,
    NoSuchNamespace,
    NotPermitted,
)
from condarium.model.document import Document
from condarium.model.instants import say_instant
from condarium.settings import Settings
from condarium.storage.access.tokens import NoSuchToken
from condarium.storage.hosting.channels import NoSuchChannel
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


def test_nobody_gives_more_than_their_token_holds(owner: Caller, store: Store) -> None:
    owner("namespace create", name="lab")
    user(owner, "ada", lab="admin")
    secret = someone(store, "ada")(
        "token create", permission=["namespace:manage", "environment:read"]
    ).secret
    ada = Caller(store, actor_of_token(store, secret))
    with pytest.raises(NotPermitted, match="does not hold"):
        ada("access bind", subject="ada", role="editor", namespace="lab")


def test_a_token_that_was_disabled_works_again_when_its_holder_does(
    owner: Caller, store: Store
) -> None:
    owner("service-account create", name="ci")
    secret = owner("token create", for_="ci").secret
    owner("service-account disable", name="ci")
    with pytest.raises(BadToken, match="disabled"):
        actor_of_token(store, secret)
    owner("service-account enable", name="ci")
    assert actor_of_token(store, secret).name == "ci"


def test_a_token_is_minted_within_the_rights_of_who_mints_it(
    owner: Caller, store: Store, clock: Clock
) -> None:
    owner("namespace create", name="lab")
    user(owner, "ada", lab="admin")
    user(owner, "bo")
    ada = someone(store, "ada")
    with pytest.raises(NotPermitted):
        ada("token create", for_="bo")
    some = ["signed-in", "environment:read"]
    narrow = ada("token create", permission=some, expires="10d")
    minter = Caller(store, actor_of_token(store, narrow.secret))
    for given in ({}, {"permission": ["environment:build"]}, {"namespace": ["lab"]}):
        with pytest.raises(NotPermitted, match="reaches less"):
            minter("token create", **given)
    with pytest.raises(TokenWouldLastLonger):
        minter("token create", permission=["environment:read"], expires="11d")
    child = minter("token create", permission=["environment:read"]).token
    assert child.expires_at == narrow.token.expires_at == clock.now + timedelta(days=10)
    on_lab = Caller(store, actor_of_token(store, ada("token create", namespace=["lab"]).secret))
    for name in ("token create", "token list"):
        with pytest.raises(NotPermitted):
            on_lab(name)
    for name in ("user set-password", "access revoke-all"):
        key = "name" if name.startswith("user") else "principal"
        document = {"password_file": Document("f", PASSWORD.encode())}
        with pytest.raises(NotPermitted, match="narrowed"):
            minter(name, **{key: "ada"}, **(document if key == "name" else {}))


def test_a_narrowed_token_does_what_it_is_for_and_no_more(owner: Caller, store: Store) -> None:
    for name in ("lab", "other"):
        owner("namespace create", name=name)
    user(owner, "ada", lab="admin", other="admin")
    secret = someone(store, "ada")("token create", namespace=["lab"]).secret
    ada = Caller(store, actor_of_token(store, secret))
    assert [each.name for each in ada("namespace list")] == ["lab"]
    with pytest.raises(NoSuchNamespace):
        ada("namespace show", name="other")
    assert ada("whoami").token == ada.app.actor.token


def test_a_token_is_only_for_what_its_minter_may_know_of(owner: Caller, store: Store) -> None:
    owner("namespace create", name="other")
    host(store, "mine", [])
    create(store, "theirs", public=False)
    user(owner, "ada")
    owner("access bind", subject="ada", role="reader", channel="mine")
    ada = someone(store, "ada")
    for nowhere in ({"namespace": ["nope"]}, {"namespace": ["other"]}):
        with pytest.raises(NoSuchNamespace):
            ada("token create", **nowhere)
    for nowhere in ({"channel": ["nope"]}, {"channel": ["theirs"]}):
        with pytest.raises(NoSuchChannel):
            ada("token create", **nowhere)
    made = ada("token create", channel=["mine"], permission=["channel:read"]).token
    assert made.name.startswith("made 20")
    (entry, *_) = owner("audit search", action="token create")
    assert entry.detail == {
        "id": made.id,
        "name": made.name,
        "until": say_instant(made.expires_at),
        "permissions": "channel:read",
        "channels": "mine",
    }


def test_a_quota_of_nothing_is_none(owner: Caller) -> None:
    owner("namespace create", name="lab")
    with pytest.raises(BadArguments, match="what may it have"):
        owner("namespace set-quota", name="lab")


def test_a_narrowed_token_is_told_only_of_roles_that_it_reaches(
    owner: Caller, store: Store
) -> None:
    for name in ("lab", "secret"):
        owner("namespace create", name=name)
    user(owner, "ada", lab="admin", secret="admin")
    minted = someone(store, "ada")("token create", namespace=["lab"])
    ada = Caller(store, actor_of_token(store, minted.secret))
    assert [each.thing for each in ada("access list", subject="ada").items] == ["lab"]
    assert [each.thing for each in ada("user show", name="ada").bindings] == ["lab"]
    with pytest.raises(NotPermitted):
        ada("token list")


def test_tokens_of_others_are_like_none(owner: Caller, store: Store) -> None:
    for name in ("ada", "bo"):
        user(owner, name)
    of_bo = owner("token create", for_="bo").token
    ada = someone(store, "ada")
    said = []
    for identifier in (of_bo.id, "0" * 16):
        with pytest.raises(NoSuchToken) as caught:
            ada("token revoke", id_=identifier)
        said.append(caught.value.message.replace(identifier, ""))
    assert said[0] == said[1]
    with pytest.raises(NotPermitted):
        ada("token list", for_="bo")
    assert ada("token list").items == ()


def test_a_permission_that_is_none_is_refused(owner: Caller) -> None:
    owner("user create", name="ada")
    with pytest.raises(CondariumError, match="no permission 'env:build'"):
        owner("token create", for_="ada", permission=["env:build"])
    for given in ({"expires": "0s"}, {"name": "x" * 65}):
        with pytest.raises(BadArguments):
            owner("token create", for_="ada", **given)
    with pytest.raises(BadArguments, match="no account"):
        owner("token create")


def test_no_secret_is_in_the_database(owner: Caller, store: Store) -> None:
    owner("user create", name="ada", password_file=Document("f", PASSWORD.encode()))
    made = owner("token create", for_="ada")
    actor_of_token(store, made.secret)
    store.close()
    kept = b"".join(path.read_bytes() for path in store.layout.root.rglob("*") if path.is_file())
    assert made.token.id.encode() in kept
    for secret in (made.secret, made.secret.removeprefix("condarium_"), PASSWORD):
        assert secret.encode() not in kept


_ESCALATIONS: list[tuple[str, dict[str, object]]] = [
    ("user set-password", {"name": "root0", "password_file": Document("f", PASSWORD.encode())}),
    ("group add-member", {"name": "rulers", "member": "ada"}),
    ("group add-member", {"name": "labbers", "member": "ada"}),
    ("user enable", {"name": "late"}),
    ("token create", {"for_": "root0"}),
    ("token create", {"for_": "root0", "permission": ["store:maintain"]}),
    ("access bind", {"subject": "ada", "role": "administrator", "platform": True}),
    ("access bind", {"subject": "ada", "role": "viewer", "namespace": "lab"}),
    ("access bind", {"subject": "group:own", "role": "auditor", "platform": True}),
]


def test_who_may_manage_access_alone_comes_to_no_other_right(owner: Caller, store: Store) -> None:
    owner("namespace create", name="lab")
    for name in ("ada", "late"):
        user(owner, name)
        owner("access bind", subject=name, role="administrator", platform=True)
    owner("user disable", name="late")
    for group, given in {
        "rulers": {"role": "administrator", "platform": True},
        "labbers": {"role": "viewer", "namespace": "lab"},
    }.items():
        owner("group create", name=group)
        owner("access bind", subject=f"group:{group}", **given)
    minted = someone(store, "ada")("token create", permission=["access:manage"])
    narrowed = Caller(store, actor_of_token(store, minted.secret))
    narrowed("group create", name="own")
    narrowed("group add-member", name="own", member="ada")
    for name, arguments in _ESCALATIONS:
        with pytest.raises(NotPermitted):
            narrowed(name, **arguments)
