"""Sessions of browsers: their cookies, how they end, and forms that another site sends."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.support.accounts import bind, make_token, make_user, quick_passwords
from tests.support.browser import PASSWORD, Browser
from tests.support.channel import Made
from tests.support.hosting import Clock, create, host, hosted_store
from tests.support.serving import Server, serve

from condarium.access.identities import load_actor
from condarium.model.actor import Actor
from condarium.server.doors.sessions import Sessions
from condarium.settings.sign_in import SignInSettings
from condarium.storage.store import Store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sessions")
    with quick_passwords(), hosted_store(folder) as store:
        host(store, "lab", [Made("one", "1.0")])
        create(store, "secret", public=False)
        for name in ("ada", "ben"):
            make_user(store, name)
        bind(store, "ada", "owner", "channel", "secret")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serve(folder / "store") as server:
        yield server


@pytest.fixture
def ada(server: Server) -> Browser:
    browser = Browser(server.url)
    browser.sign_in("ada")
    return browser


def test_a_session_cookie_is_for_this_site_alone(server: Server) -> None:
    answer = Browser(server.url).post("sign-in", follow=False, **_ada())
    name, _, attributes = answer.headers["Set-Cookie"].partition("=")
    assert (answer.status_code, answer.headers["Location"]) == (303, "account")
    assert name == "condarium-session"
    assert attributes.partition("; ")[2] == "Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"


def test_over_tls_no_other_host_can_set_it(folder: Path) -> None:
    with serve(folder / "store", CONDARIUM_PUBLIC_URL="https://conda.example.org") as server:
        answer = Browser(server.url).post("sign-in", follow=False, **_ada())
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-condarium-session=")
        assert cookie.endswith("; Secure")
        value = cookie.partition("=")[2].partition(";")[0]
        for name, known in (("__Host-condarium-session", True), ("condarium-session", False)):
            page = httpx.get(f"{server.url}/", headers={"Cookie": f"{name}={value}"})
            assert ("Signed in as" in page.text) is known


def test_signing_in_again_makes_a_new_session_and_ends_the_one_before(ada: Browser) -> None:
    before = ada.cookies["condarium-session"]
    ada.sign_in("ada")
    assert ada.cookies["condarium-session"] != before
    assert ada.is_signed_in
    ada.cookies = httpx.Cookies({"condarium-session": before})
    assert not ada.is_signed_in


def test_a_session_that_somebody_chose_is_not_taken_over(server: Server) -> None:
    browser = Browser(server.url)
    browser.cookies = httpx.Cookies({"condarium-session": "chosen"})
    browser.sign_in("ada")
    assert not any(cookie.value == "chosen" and cookie.domain for cookie in browser.cookies.jar)
    assert httpx.get(
        f"{server.url}/account", headers={"Cookie": "condarium-session=chosen"}
    ).headers["Location"]


def test_signing_out_ends_it_also_for_whoever_copied_the_cookie(ada: Browser) -> None:
    copied = ada.cookies["condarium-session"]
    answer = ada.post("account/sign-out", follow=False)
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    ada.cookies = httpx.Cookies({"condarium-session": copied})
    assert not ada.is_signed_in


def test_disabling_an_account_ends_its_sessions_at_once(folder: Path, server: Server) -> None:
    browser = Browser(server.url)
    browser.sign_in("ben")
    assert browser.is_signed_in
    with hosted_store(folder) as store, store.database.note() as facts:
        facts.principals.disable(facts.principals.get("ben").id, at=store.now())
    assert not browser.is_signed_in
    with hosted_store(folder) as store, store.database.note() as facts:
        facts.principals.disable(facts.principals.get("ben").id, at=None)
    assert not browser.is_signed_in


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "api/v1/channels/secret", {}, 200),
        ("POST", "api/v1/channels/secret/yank", {}, 403),
        ("POST", "api/v1/channels/secret/yank", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", "api/v1/channels/secret/yank", {"Sec-Fetch-Site": "same-site"}, 403),
        ("POST", "api/v1/channels/secret/yank", {"Sec-Fetch-Site": "none"}, 403),
        ("POST", "api/v1/channels/secret/yank", {"X-CSRF-Token": "guessed"}, 403),
        ("POST", "api/v1/channels/secret/yank", {"Sec-Fetch-Site": "same-origin"}, 404),
        ("POST", "api/v1/channels/secret/yank", {"X-CSRF-Token": "FORM"}, 404),
        ("POST", "api/channels/secret/upload/x-1.0-0.conda", {}, 403),
        ("POST", "account/sign-out", {"Sec-Fetch-Site": "same-origin"}, 403),
        ("POST", "account/tokens", {"Sec-Fetch-Site": "same-origin"}, 403),
    ],
)
def test_a_cookie_alone_changes_nothing(
    ada: Browser, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    if "FORM" in headers.values():
        headers = {name: ada.form_token() for name in headers}
    body = {"json": {"spec": ["one"], "reason": "test"}} if path.endswith("yank") else {}
    answer = ada._send(method, path, follow=False, headers=headers, **body)
    assert answer.status_code == status, answer.text
    assert ada.is_signed_in


def test_a_form_of_another_session_is_not_taken(server: Server, ada: Browser) -> None:
    eve = Browser(server.url)
    eve.sign_in("ben")
    token = eve.form_token() or "none"
    assert ada.post("account/sign-out", csrf=token).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.example"}, 303),
        ({}, 303),
    ],
)
def test_another_site_signs_nobody_in(server: Server, headers: dict[str, str], status: int) -> None:
    got = httpx.post(f"{server.url}/sign-in", data=_ada(), headers=headers)
    assert got.status_code == status


def test_a_token_in_a_header_needs_no_form(server: Server, folder: Path) -> None:
    with hosted_store(folder) as store:
        bearer = {"Authorization": f"Bearer {make_token(store, 'ada')}"}
    url = f"{server.url}/api/v1/channels/secret/yank"
    got = httpx.post(url, json={"spec": ["one"], "reason": "test"}, headers=bearer)
    assert got.status_code == 404


def test_pages_say_who_is_signed_in_and_show_what_they_may_read(ada: Browser) -> None:
    assert 'Signed in as <a href="account">ada</a>' in ada.get("").text
    assert 'href="secret/"' in ada.get("").text
    assert 'Signed in as <a href="../account">ada</a>' in ada.get("secret/").text
    stranger = Browser(ada.url)
    assert 'href="sign-in">Sign in' in stranger.get("").text
    assert 'href="secret/"' not in stranger.get("").text
    assert stranger.get("secret/").status_code == 404


def test_tokens_are_made_shown_once_and_revoked_on_the_page(server: Server, ada: Browser) -> None:
    page = ada.post("account/tokens", name="laptop", days="30", may="read")
    secret = re.search(r"<pre>(condarium_[\w-]+)</pre>", page.text)
    assert secret
    assert page.headers["Cache-Control"] == "no-store"
    assert secret[1] not in ada.get("account").text
    url = f"{server.url}/t/{secret[1]}/secret/noarch/repodata_shards.msgpack.zst"
    assert httpx.get(url).status_code == 200
    row = ada.get("account").text.partition('<th scope="row">laptop')[2]
    identifier = re.search(r'name="token" value="([^"]+)"', row)
    assert identifier
    ada.post("account/revoke", token=identifier[1])
    assert httpx.get(url).status_code == 401
    assert '<th scope="row">laptop' not in ada.get("account").text
    assert ada.post("account/tokens", name="x" * 65).status_code == 400


def test_a_password_is_changed_with_the_old_one_and_ends_the_session(
    server: Server, ada: Browser
) -> None:
    new = "another horse battery"
    for old in ("", "wrong horse battery"):
        assert ada.post("account/password", old=old, new=new).status_code == 401
    assert ada.is_signed_in
    try:
        assert ada.post("account/password", old=PASSWORD, new=new).status_code == 200
        assert not ada.is_signed_in
        ada.sign_in("ada", new)
        assert ada.is_signed_in
    finally:
        ada.post("account/password", old=new, new=PASSWORD)


def test_pages_carry_what_keeps_them_safe(ada: Browser) -> None:
    for path in ("", "lab/", "sign-in", "sign-in/first", "account"):
        headers = ada.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"


def test_a_token_in_the_path_is_said_nowhere(server: Server, folder: Path) -> None:
    with hosted_store(folder) as store:
        secret = make_token(store, "ada")
    at = f"{server.url}/t/{secret}"
    for path in ("", "secret/", "secret", "sign-in", "account", "none/", "secret/noarch/x.conda"):
        got = httpx.get(f"{at}/{path}")
        assert secret not in got.text + str(got.headers)
    for path in ("t", secret, f"t/{secret}"):
        assert secret not in httpx.get(f"{at}/t/{path}").headers.get("Location", "")
    assert secret not in httpx.get(f"{server.url}/t/{secret}x/secret/").text
    assert secret not in server.log.read_text()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(tmp_path: Path, clock: Clock) -> Iterator[tuple[Sessions, Store, Actor]]:
    settings = SignInSettings(idle=timedelta(hours=1), whole=timedelta(hours=5))
    with quick_passwords(), hosted_store(tmp_path, clock) as store:
        identifier = make_user(store, "ada")
        with store.database.read() as facts:
            actor = load_actor(facts, identifier)
        yield Sessions(store, settings), store, actor


def test_a_session_ends_when_it_is_not_used(
    sessions: tuple[Sessions, Store, Actor], clock: Clock
) -> None:
    opened, _, actor = sessions
    value = opened.begin(actor, how="test")
    clock.advance(timedelta(minutes=59))
    assert opened.find(value)
    clock.advance(timedelta(minutes=59))
    assert opened.find(value)
    clock.advance(timedelta(minutes=60))
    assert opened.find(value) is None


def test_a_session_ends_at_last_whatever_happens(
    sessions: tuple[Sessions, Store, Actor], clock: Clock
) -> None:
    opened, _, actor = sessions
    value = opened.begin(actor, how="test")
    found = 0
    while opened.find(value):
        clock.advance(timedelta(minutes=30))
        found += 1
    assert found == 10


def test_the_database_does_not_have_what_a_cookie_holds(
    sessions: tuple[Sessions, Store, Actor], tmp_path: Path
) -> None:
    opened, store, actor = sessions
    value = opened.begin(actor, how="test")
    store.close()
    for file in (tmp_path / "store").glob("condarium.db*"):
        assert value.encode() not in file.read_bytes()


def _ada() -> dict[str, str]:
    from tests.support.browser import PASSWORD

    return {"name": "ada", "password": PASSWORD}
