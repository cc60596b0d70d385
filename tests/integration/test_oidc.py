"""Signing in at an OpenID provider, a real one on the loopback, and attacks on the way."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.support.accounts import bind, make_user
from tests.support.browser import Browser
from tests.support.hosting import create, hosted_store
from tests.support.oidc_provider import SECRET, Provider, running_provider
from tests.support.serving import Server, serve

from condarium.storage.store import Store


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: Provider) -> Provider:
    running.person = {"sub": "4711", "preferred_username": "ada", "name": "Ada Byron"}
    running.claims, running.more, running.sign = {}, {}, _right
    running.shown = [running.key]
    return running


@pytest.fixture(scope="module")
def shared(running: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("oidc") / "store", **running.settings) as server:
        yield server


@pytest.fixture
def server(tmp_path: Path, provider: Provider) -> Iterator[Server]:
    """One of its own, for tests that look into the store."""
    with hosted_store(tmp_path) as store:
        create(store, "secret", public=False)
    with serve(tmp_path / "store", **provider.settings) as server:
        yield server


@contextmanager
def reading(tmp_path: Path) -> Iterator[Store]:
    with hosted_store(tmp_path) as store:
        yield store


def sign_in(server: Server) -> tuple[Browser, httpx.Response]:
    browser = Browser(server.url)
    return browser, browser.get("sign-in/provider")


def begin(server: Server) -> tuple[Browser, dict[str, str]]:
    """A browser that has left for the provider, and what it takes along."""
    browser = Browser(server.url)
    leaving = browser.get("sign-in/provider", follow=False)
    query = parse_qs(urlsplit(leaving.headers["Location"]).query)
    return browser, {name: values[0] for name, values in query.items()}


def come_back(browser: Browser, **query: str) -> httpx.Response:
    return browser.get(f"sign-in/provider/callback?{urlencode(query)}")


def test_somebody_new_signs_in_and_may_do_nothing_yet(
    server: Server, provider: Provider, tmp_path: Path
) -> None:
    browser, page = sign_in(server)
    assert page.status_code == 200
    assert "No role is bound" in page.text
    assert browser.is_signed_in
    assert browser.get("secret/").status_code == 404
    with reading(tmp_path) as store, store.database.read() as facts:
        account = facts.principals.by_subject(provider.url, "4711")
        assert account
        assert (account.name, account.display_name) == ("ada", "Ada Byron")
        assert {entry.action for entry in facts.audit.all()} >= {"user create", "sign-in"}


def test_it_is_the_subject_that_tells_who_it_is(
    server: Server, provider: Provider, tmp_path: Path
) -> None:
    with reading(tmp_path) as store:
        local = make_user(store, "ada")
        bind(store, "ada", "administrator")
    sign_in(server)
    provider.person = {"sub": "4712", "preferred_username": "Ada"}
    sign_in(server)
    provider.person = {"sub": "4711", "preferred_username": "renamed", "email": "ada@example.org"}
    _, page = sign_in(server)
    assert "ada-2" in page.text
    assert "administrator" not in page.text
    with reading(tmp_path) as store, store.database.read() as facts:
        names = {account.name: account.id for account in facts.principals.all()}
        assert set(names) == {"ada", "ada-2", "Ada-3"}
        assert names["ada"] == local


def test_groups_are_those_that_the_provider_says_now(
    server: Server, provider: Provider, tmp_path: Path
) -> None:
    with reading(tmp_path) as store, store.database.note() as facts:
        for name in ("fitters", "painters", "local"):
            facts.memberships.add_group(name, at=store.now(), by="owner")

    def groups() -> set[str]:
        with reading(tmp_path) as store, store.database.read() as facts:
            account = facts.principals.by_subject(provider.url, "4711")
            assert account
            return {each.group for each in facts.memberships.of_principal(account.id)}

    provider.claims = {"groups": ["fitters", "painters", "unknown here"]}
    sign_in(server)
    assert groups() == {"fitters", "painters"}
    with reading(tmp_path) as store, store.database.note() as facts:
        account = facts.principals.get("ada")
        facts.memberships.join(facts.memberships.group("local").id, account.id)
    provider.claims = {"groups": "fitters"}
    sign_in(server)
    assert groups() == {"fitters", "local"}
    provider.claims, provider.more = {}, {"groups": ["painters"]}  # said at another endpoint
    sign_in(server)
    assert groups() == {"painters", "local"}


def test_only_some_groups_may_sign_in(tmp_path: Path, provider: Provider) -> None:
    settings = {
        "CONDARIUM_OIDC_ALLOWED_GROUPS": "fitters, painters",
        "CONDARIUM_OIDC_GROUPS_CLAIM": "realm_access.roles",
    }
    with serve(tmp_path / "store", **provider.settings, **settings) as server:
        browser, page = sign_in(server)
        assert (page.status_code, "none of the groups" in page.text) == (403, True)
        assert not browser.is_signed_in
        provider.claims = {"realm_access": {"roles": ["painters"]}}
        assert sign_in(server)[0].is_signed_in


def test_a_disabled_account_is_turned_away(server: Server, tmp_path: Path) -> None:
    sign_in(server)
    with reading(tmp_path) as store, store.database.note() as facts:
        facts.principals.disable(facts.principals.get("ada").id, at=store.now())
    browser, page = sign_in(server)
    assert page.status_code == 403
    assert not browser.is_signed_in


LIES: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "another-client"},
    "no audience": {"aud": None},
    "audiences without a party": {"aud": ["condarium", "another"]},
    "given to another": {"azp": "another"},
    "another issuer": {"iss": "https://evil.example"},
    "another nonce": {"nonce": "replayed"},
    "no nonce": {"nonce": None},
    "expired": {"exp": int(time.time()) - 3600},
    "no end": {"exp": None},
    "of the future": {"iat": int(time.time()) + 3600},
    "a text for an end": {"exp": "tomorrow"},
    "nobody": {"sub": None},
    "an empty subject": {"sub": ""},
    "a number": {"sub": 7},
}


def test_what_an_id_token_may_not_say(shared: Server, provider: Provider) -> None:
    for lie, claims in LIES.items():
        provider.claims = claims
        browser, page = sign_in(shared)
        assert (page.status_code, "cannot be believed" in page.text) == (403, True), lie
        assert not browser.is_signed_in, lie
    provider.claims = {"aud": ["condarium", "another"], "azp": "condarium"}
    assert sign_in(shared)[0].is_signed_in


def _none(_: Provider, claims: dict[str, Any]) -> str:
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def _shared(provider: Provider, claims: dict[str, Any]) -> str:
    """Signed with the public key as if it were a shared secret."""
    said = f"{_part({'alg': 'HS256', 'kid': provider.key.kid})}.{_part(claims)}"
    mac = hmac.digest(provider.key.as_pem(private=False), said.encode(), sha256)
    return f"{said}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _altered(provider: Provider, claims: dict[str, Any]) -> str:
    header, _, signature = _right(provider, claims).split(".")
    return f"{header}.{_part({**claims, 'sub': 'somebody else'})}.{signature}"


def _own_key(provider: Provider, claims: dict[str, Any]) -> str:
    """Signed with a key that the token brings along."""
    key = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "kid": provider.key.kid, "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims, key, algorithms=["RS256"])


def _right(provider: Provider, claims: dict[str, Any]) -> str:
    header = {"alg": "RS256", "kid": provider.key.kid}
    return jwt.encode(header, claims, provider.key, algorithms=["RS256"])


def _part(said: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def test_how_an_id_token_may_not_be_signed(shared: Server, provider: Provider) -> None:
    for sign in (_none, _shared, _altered, _own_key, lambda *_: "no token", lambda *_: "a.b.c"):
        provider.sign = sign
        browser, page = sign_in(shared)
        assert page.status_code == 403, sign
        assert not browser.is_signed_in
    provider.sign = _right
    assert sign_in(shared)[0].is_signed_in


def test_keys_may_be_exchanged_and_unknown_ones_are_asked_for_once(
    server: Server, provider: Provider
) -> None:
    assert sign_in(server)[0].is_signed_in
    provider.rotate(shown=False)
    assert sign_in(server)[1].status_code == 403
    asked = provider.asked.count("/keys")
    for _ in range(3):
        assert sign_in(server)[1].status_code == 403
    assert provider.asked.count("/keys") == asked  # not again within seconds


def test_a_new_key_is_found_without_waiting(server: Server, provider: Provider) -> None:
    assert sign_in(server)[0].is_signed_in
    provider.rotate()
    assert sign_in(server)[0].is_signed_in


def test_a_code_is_good_for_one_browser_and_once(shared: Server, provider: Provider) -> None:
    browser, query = begin(shared)
    code, cookies = provider.code_for(query), browser.cookies
    stranger, _ = begin(shared)
    assert come_back(stranger, code=code, state=query["state"]).status_code == 403
    assert come_back(Browser(shared.url), code=code, state=query["state"]).status_code == 403
    assert come_back(browser, code=code, state="guessed").status_code == 403
    assert not browser.is_signed_in
    browser.cookies = cookies
    assert come_back(browser, code=code, state=query["state"]).status_code == 200
    replayed = Browser(shared.url)
    replayed.cookies = cookies
    assert come_back(replayed, code=code, state=query["state"]).status_code == 502
    assert not replayed.is_signed_in


def test_a_code_of_another_sign_in_is_refused(shared: Server, provider: Provider) -> None:
    _, others = begin(shared)
    browser, query = begin(shared)
    answer = come_back(browser, code=provider.code_for(others), state=query["state"])
    assert answer.status_code == 502  # its proof key is another's
    assert not browser.is_signed_in


def test_a_refusal_of_the_provider_is_said(shared: Server, provider: Provider) -> None:
    browser, query = begin(shared)
    page = come_back(browser, error="access_denied<script>", state=query["state"])
    assert (page.status_code, "did not sign you in" in page.text) == (403, True)
    browser, query = begin(shared)
    page = come_back(browser, code="x", state=query["state"], iss="https://evil.example")
    assert page.status_code == 403


def test_what_a_browser_takes_along_cannot_be_made_up(shared: Server, provider: Provider) -> None:
    browser, query = begin(shared)
    value = browser.cookies["condarium-provider"]
    text, _, signature = value.partition(".")
    made_up = _part({"state": "s", "nonce": "n", "verifier": "v", "until": time.time() + 60})
    for wrong in (f"{made_up}.{signature}", f"{text}.", text, f"{text}.{signature[:-1]}", "."):
        browser.cookies = httpx.Cookies({"condarium-provider": wrong})
        assert come_back(browser, code="x", state=query["state"]).status_code == 403
        browser.cookies = httpx.Cookies({"condarium-provider": wrong})
        assert come_back(browser, code="x", state="s").status_code == 403


def test_signing_in_goes_on_in_another_process_and_after_new_keys(
    server: Server, provider: Provider, tmp_path: Path
) -> None:
    browser, query = begin(server)
    with reading(tmp_path) as store, store.database.note() as facts:
        facts.signing_keys.rotate(at=store.now(), until=store.now() + timedelta(hours=1))
    with serve(tmp_path / "store", **provider.settings) as other:
        browser.url = other.url
        query["redirect_uri"] = query["redirect_uri"].replace(server.url, other.url)
        answer = come_back(browser, code=provider.code_for(query), state=query["state"])
        assert answer.status_code == 200
        assert browser.is_signed_in


def test_a_provider_that_is_away_is_said_to_be(tmp_path: Path, provider: Provider) -> None:
    settings = {**provider.settings, "CONDARIUM_OIDC_ISSUER": "http://127.0.0.1:9"}
    with serve(tmp_path / "store", **settings) as server:
        _, page = sign_in(server)
        assert (page.status_code, "does not answer" in page.text) == (502, True)
        assert "Sign in at 127.0.0.1:9" in Browser(server.url).get("sign-in").text


def test_the_secret_of_the_client_is_said_nowhere(shared: Server, provider: Provider) -> None:
    browser, query = begin(shared)
    page = come_back(browser, code="wrong", state=query["state"])
    assert SECRET not in page.text + str(page.headers) + shared.log.read_text()
