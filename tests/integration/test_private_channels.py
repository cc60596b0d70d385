"""Who may read and publish in channels that are not public: by roles, by tokens, and at once."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.support.accounts import bind, make_token, make_user, unbind
from tests.support.channel import Made, make_package
from tests.support.hosting import create, host, hosted_store
from tests.support.postgresql import Server as PostgreSQL
from tests.support.serving import Server, serve

from condarium.model.access.permissions import Permission
from condarium.model.access.principals import Scope
from condarium.model.hosting.hosted import ChannelKind
from condarium.model.view import ChannelName
from condarium.storage.store import Store

INDEX = "noarch/repodata_shards.msgpack.zst"
READ = frozenset({Permission.CHANNEL_READ})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("private")
    with hosted_store(folder) as store:
        host(store, "open", [Made("one", "1.0")])
        for name in ("secret", "hidden"):
            create(store, name, public=False)
            host(store, name, [Made("one", "1.0")])
        for name, members in (("both", ["open", "secret"]), ("all", ["secret", "hidden"])):
            create(
                store,
                name,
                public=False,
                kind=ChannelKind.UNION,
                members=tuple(map(ChannelName, members)),
            )
        for name in ("reader", "publisher", "owner"):
            make_user(store, name, password=None)
            bind(store, name, name, "channel", "secret")
        for name, role in (("root", "administrator"), ("auditor", "auditor")):
            make_user(store, name, password=None)
            bind(store, name, role)
        make_user(store, "nobody", password=None)
        for channel in ("both", "all"):
            bind(store, "reader", "reader", "channel", channel)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serve(folder / "store") as server:
        yield server


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with hosted_store(folder) as store:
        yield store


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("who", "secret", "hidden", "both", "all_"),
    [
        ("nobody", False, False, False, False),
        ("reader", True, False, True, False),
        ("publisher", True, False, False, False),
        ("owner", True, False, False, False),
        ("auditor", False, False, False, False),
        ("root", True, True, True, True),
    ],
)
def test_roles_say_who_reads(
    server: Server, store: Store, who: str, secret: bool, hidden: bool, both: bool, all_: bool
) -> None:
    headers = bearer(make_token(store, who))
    may = {"open": True, "secret": secret, "hidden": hidden, "both": both, "all": all_}
    for channel, reads in may.items():
        for path in (INDEX, "", "noarch/", "noarch/one-1.0-0.conda", "noarch/repodata.json"):
            if channel in ("both", "all") and "one-1.0" in path:
                continue
            for _ in range(2):  # what is kept from the first time is for those alone, too
                got = httpx.get(f"{server.url}/{channel}/{path}", headers=headers)
                assert (got.status_code == 200) is reads, (channel, path, got.text)
                assert reads or got.status_code == 404
                assert not reads or channel == "open" or "private" in got.headers["Cache-Control"]


def test_hidden_and_absent_are_the_same_byte_for_byte(server: Server, store: Store) -> None:
    paths = (
        "",
        "/",
        f"/{INDEX}",
        "/noarch/one-1.0-0.conda",
        "/label/dev/",
        "/as-of/r1/",
        "/noarch",
    )
    asked = [{}, bearer(make_token(store, "nobody")), bearer(make_token(store, "auditor"))]
    for headers in asked:
        for path in paths:
            for place in ("", "api/v1/channels/"):
                hidden = httpx.get(f"{server.url}/{place}hidden{path}", headers=headers)
                absent = httpx.get(f"{server.url}/{place}absent{path}", headers=headers)
                assert _shape(hidden, "hidden") == _shape(absent, "absent"), path


def test_uploads_hide_what_somebody_may_not_see(
    server: Server, store: Store, tmp_path: Path
) -> None:
    file = make_package(Made("two", "1.0"), into=tmp_path)
    expected = {"nobody": 404, "reader": 403, "publisher": 201, "owner": 200, "root": 200}
    for who, status in expected.items():
        headers = bearer(make_token(store, who))
        for channel, wanted in (("secret", status), ("hidden", 404 if who != "root" else 201)):
            url = f"{server.url}/api/channels/{channel}/upload/{file.name}"
            got = httpx.post(url, content=file.read_bytes(), headers=headers)
            assert got.status_code == wanted, (who, channel, got.text)
    url = f"{server.url}/api/channels/secret/upload/{file.name}"
    got = httpx.post(url, content=file.read_bytes())
    assert (got.status_code, "www-authenticate" in got.headers) == (401, True)
    assert httpx.get(f"{server.url}/secret/noarch/{file.name}").status_code == 404


def test_a_token_narrowed_to_a_channel_reaches_no_other(server: Server, store: Store) -> None:
    scope = Scope(permissions=READ, channels=frozenset({"secret"}))
    headers = bearer(make_token(store, "root", scope=scope))
    for channel, status in (("secret", 200), ("open", 200), ("hidden", 404), ("all", 404)):
        assert httpx.get(f"{server.url}/{channel}/{INDEX}", headers=headers).status_code == status
    url = f"{server.url}/api/channels/secret/upload/x-1.0-0.conda"
    assert httpx.post(url, content=b"x", headers=headers).status_code == 403


@pytest.mark.parametrize("way", ["bearer", "path", "key", "password", "user"])
def test_clients_send_tokens_in_any_way(server: Server, store: Store, way: str) -> None:
    token = make_token(store, "reader")
    basic = {"password": f"any:{token}", "user": f"{token}:"}.get(way, "")
    headers = {
        "bearer": bearer(token),
        "key": {"X-API-Key": token},
        "path": {},
    }.get(way, {"Authorization": f"Basic {base64.b64encode(basic.encode()).decode()}"})
    prefix = f"/t/{token}" if way == "path" else ""
    assert httpx.get(f"{server.url}{prefix}/secret/{INDEX}", headers=headers).status_code == 200


def test_revoking_works_at_once_on_an_open_connection(server: Server, store: Store) -> None:
    token = make_token(store, "reader")
    with httpx.Client(headers=bearer(token)) as client:
        assert client.get(f"{server.url}/secret/{INDEX}").status_code == 200
        assert client.get(f"{server.url}/secret/{INDEX}").status_code == 200
        with store.database.note() as facts:
            identifier = facts.principals.get("reader").id
            facts.tokens.revoke_all(identifier, at=store.now(), by="owner")
        assert client.get(f"{server.url}/secret/{INDEX}").status_code == 401


def test_unbinding_works_at_once_on_an_open_connection(server: Server, store: Store) -> None:
    make_user(store, "late", password=None)
    with httpx.Client(headers=bearer(make_token(store, "late"))) as client:
        for change, status in ((None, 404), (bind, 200), (unbind, 404), (bind, 200)):
            if change:
                change(store, "late", "reader", "channel", "secret")
            for _ in range(2):
                assert client.get(f"{server.url}/secret/{INDEX}").status_code == status


def test_an_expired_token_is_none(server: Server, store: Store) -> None:
    token = make_token(store, "reader", lasting=timedelta(microseconds=1))
    got = httpx.get(f"{server.url}/secret/{INDEX}", headers=bearer(token))
    assert (got.status_code, got.json()["code"]) == (401, "not-signed-in")


def test_a_wrong_token_is_said_to_be_where_it_matters_alone(server: Server) -> None:
    wrong = bearer("condarium_" + "x" * 43)
    assert httpx.get(f"{server.url}/open/{INDEX}", headers=wrong).status_code == 200
    assert httpx.get(f"{server.url}/secret/{INDEX}", headers=wrong).status_code == 401
    assert httpx.get(f"{server.url}/absent/{INDEX}", headers=wrong).status_code == 401
    assert httpx.get(f"{server.url}/api/v1/channels", headers=wrong).status_code == 401


def test_with_postgresql_it_is_the_same(tmp_path: Path, postgresql: PostgreSQL) -> None:
    with (
        postgresql.new_database() as url,
        hosted_store(tmp_path, CONDARIUM_DATABASE=url) as store,
    ):
        create(store, "secret", public=False)
        host(store, "secret", [Made("one", "1.0")])
        make_user(store, "ada", password=None)
        bind(store, "ada", "reader", "channel", "secret")
        headers = bearer(make_token(store, "ada"))
        with (
            serve(tmp_path / "store", CONDARIUM_DATABASE=url) as server,
            httpx.Client(headers=headers) as client,
        ):
            assert client.get(f"{server.url}/secret/{INDEX}").status_code == 200
            unbind(store, "ada", "reader", "channel", "secret")
            assert client.get(f"{server.url}/secret/{INDEX}").status_code == 404


def _shape(answer: httpx.Response, name: str) -> tuple[int, str, dict[str, str]]:
    """An answer without what differs from one to the next, and without the channel's name."""
    own = ("date", "x-request-id", "content-length", "etag")
    headers = {key: value for key, value in answer.headers.items() if key not in own}
    return answer.status_code, answer.text.replace(name, "NAME"), headers
