"""Signing in with a password: as the first administrator, as anybody, and too often."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.support.accounts import bind, make_user, quick_passwords
from tests.support.browser import PASSWORD, Browser
from tests.support.hosting import Clock, hosted_store
from tests.support.postgresql import Server as PostgreSQL
from tests.support.serving import Server, serve

from condarium.access.first_administrator import (
    AdministratorThere,
    BadFirstSecret,
    first_sign_in,
    offer,
)
from condarium.access.signing_in import TooManyAttempts, WrongPassword, sign_in
from condarium.model.access.attempts import PER_NAME, network_of
from condarium.model.access.permissions import Permission
from condarium.model.secret import Secret
from condarium.storage.store import Store

RIGHT, WRONG = Secret(PASSWORD), Secret("not this one, I am afraid")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _quickly() -> Iterator[None]:
    with quick_passwords():
        yield


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with hosted_store(tmp_path, clock) as store:
        yield store


@pytest.fixture(params=["sqlite", "postgresql"])
def either_store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "sqlite":
        yield request.getfixturevalue("store")
        return
    postgresql: PostgreSQL = request.getfixturevalue("postgresql")
    with (
        postgresql.new_database() as url,
        hosted_store(tmp_path, CONDARIUM_DATABASE=url) as store,
    ):
        yield store


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with hosted_store(tmp_path) as store:
        make_user(store, "ada")
        bind(store, "ada", "administrator")
        make_user(store, "ben")
    with serve(tmp_path / "store") as server:
        yield server


def attempt(store: Store, name: str, password: Secret, address: str = "192.0.2.1") -> str:
    """What comes of an attempt to sign in: whose account it is, or the error's code."""
    try:
        return sign_in(store, name, password, address=address).name
    except (WrongPassword, TooManyAttempts) as error:
        return error.code


def test_a_name_and_a_password_are_somebodys(store: Store) -> None:
    make_user(store, "ada")
    assert attempt(store, "ada", RIGHT) == attempt(store, "ADA", RIGHT) == "ada"
    for name, password in (("ada", WRONG), ("ben", RIGHT), ("", RIGHT), ("ada", Secret(""))):
        assert attempt(store, name, password) == "wrong-password"


def test_a_disabled_account_is_told_no_more_than_a_wrong_password(store: Store) -> None:
    identifier = make_user(store, "ada")
    with store.database.note() as facts:
        facts.principals.disable(identifier, at=store.now())
    assert attempt(store, "ada", RIGHT) == "wrong-password"


def test_who_fails_often_waits_longer_each_time(store: Store, clock: Clock) -> None:
    make_user(store, "ada")
    for _ in range(PER_NAME.free):
        assert attempt(store, "ada", WRONG) == "wrong-password"
    for seconds in (1, 2, 4, 8):
        assert attempt(store, "ada", RIGHT) == "too-many-attempts"
        clock.advance(timedelta(seconds=seconds))
        assert attempt(store, "ada", WRONG) == "wrong-password"
    clock.advance(timedelta(seconds=16))
    assert attempt(store, "ada", RIGHT) == "ada"
    assert attempt(store, "ada", WRONG) == "wrong-password"  # a success has cleared it
    assert attempt(store, "ada", RIGHT) == "ada"


def test_nobody_waits_longer_than_minutes_and_an_hour_is_forgotten(
    store: Store, clock: Clock
) -> None:
    make_user(store, "ada")
    for _ in range(16):
        attempt(store, "ada", WRONG)
        clock.advance(PER_NAME.longest)
    assert attempt(store, "ada", RIGHT) == "ada"
    for _ in range(PER_NAME.free):
        attempt(store, "ada", WRONG)
    clock.advance(timedelta(hours=1))
    assert [attempt(store, "ada", WRONG) for _ in range(2)] == ["wrong-password"] * 2


def test_trying_many_names_from_one_address_is_limited(store: Store) -> None:
    make_user(store, "ada")
    found = [attempt(store, f"name{number}", WRONG) for number in range(21)]
    assert found == ["wrong-password"] * 20 + ["too-many-attempts"]
    assert attempt(store, "ada", RIGHT) == "too-many-attempts"
    assert attempt(store, "ada", RIGHT, address="192.0.2.2") == "ada"


def test_ones_own_successes_do_not_pay_for_failures_elsewhere(store: Store) -> None:
    make_user(store, "eve")
    for number in range(20):
        attempt(store, f"name{number}", WRONG)
        if number < 19:
            assert attempt(store, "eve", RIGHT) == "eve"
    assert attempt(store, "eve", RIGHT) == "too-many-attempts"


def test_attempts_at_once_are_all_counted(either_store: Store) -> None:
    make_user(either_store, "ada")
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: attempt(either_store, "ada", WRONG), range(16)))
    assert found.count("wrong-password") == PER_NAME.free


def test_nobody_shuts_somebody_out_of_a_network_that_they_are_known_from(
    store: Store, clock: Clock
) -> None:
    make_user(store, "ada")
    assert attempt(store, "ada", RIGHT) == "ada"
    for number in range(PER_NAME.free + 1):
        attempt(store, "ada", WRONG, address=f"198.51.100.{number}")
    assert attempt(store, "ada", RIGHT, address="198.51.100.99") == "too-many-attempts"
    clock.advance(timedelta(seconds=1))
    assert attempt(store, "ada", RIGHT) == "ada"
    assert attempt(store, "ada", WRONG, address="198.51.100.98") == "wrong-password"
    found = [attempt(store, "ada", WRONG) for _ in range(PER_NAME.free + 1)]
    assert found[-1] == "too-many-attempts"


def test_an_ipv6_network_is_one_address(store: Store) -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1")
    for number in range(20):
        attempt(store, f"name{number}", WRONG, address=f"2001:db8::{number:x}")
    assert attempt(store, "ada", WRONG, address="2001:db8::dead") == "too-many-attempts"


def test_names_that_were_typed_are_not_kept_in_clear(store: Store, tmp_path: Path) -> None:
    attempt(store, "a-password-in-the-wrong-field", WRONG)
    with store.database.read() as facts:
        assert not any("wrong-field" in str(entry) for entry in facts.audit.all())
    store.close()
    for file in (tmp_path / "store").glob("condarium.db*"):
        assert b"wrong-field" not in file.read_bytes()


def test_the_first_administrator_may_do_everything_and_is_the_only_first(
    store: Store, clock: Clock
) -> None:
    first, second = offer(store), offer(store)  # two servers that start at once
    assert first
    assert second
    actor = first_sign_in(store, second, "ada", RIGHT, address="192.0.2.1")
    assert actor.may(Permission.STORE_MAINTAIN)
    for secret in (first, second, Secret("x" * 43)):
        with pytest.raises(BadFirstSecret):
            first_sign_in(store, secret, "ben", RIGHT, address=None)
    assert offer(store) is None
    with store.database.read() as facts:
        assert [entry.action for entry in facts.audit.all()] == ["first sign-in"]


def test_a_first_secret_ends_after_a_day_and_where_there_is_an_administrator(
    store: Store, clock: Clock
) -> None:
    late, used = offer(store), offer(store)
    assert late
    assert used
    clock.advance(timedelta(hours=24))
    with pytest.raises(BadFirstSecret):
        first_sign_in(store, late, "ada", RIGHT, address=None)
    fresh = offer(store)
    assert fresh
    make_user(store, "ada")
    bind(store, "ada", "administrator")
    with pytest.raises(AdministratorThere):
        first_sign_in(store, fresh, "ben", RIGHT, address=None)


def test_one_of_many_who_have_the_secret_becomes_administrator(either_store: Store) -> None:
    secret = offer(either_store)
    assert secret

    def take(number: int) -> bool:
        with suppress(BadFirstSecret, AdministratorThere):
            return bool(first_sign_in(either_store, secret, f"user{number}", RIGHT, address=None))
        return False

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(take, range(4))).count(True) == 1


def test_a_new_server_says_how_its_first_administrator_signs_in(tmp_path: Path) -> None:
    with serve(tmp_path / "store", CONDARIUM_ADMIN_TOKEN="") as server:
        first = server.first_sign_in or ""
        assert re.fullmatch(rf"{server.url}/sign-in/first#[\w-]{{43}}", first)
        secret = first.rpartition("#")[2]
        browser = Browser(server.url)
        short = browser.post("sign-in/first", secret=secret, name="ada", password="short")
        assert (short.status_code, "expected 12 or more" in short.text) == (400, True)
        begun = browser.post("sign-in/first", secret=secret, name="ada", password=PASSWORD)
        assert "administrator of everything" in begun.text
        again = browser.post("sign-in/first", secret=secret, name="eve", password=PASSWORD)
        assert again.status_code == 403
        assert secret not in server.log.read_text()
    with serve(tmp_path / "store", CONDARIUM_ADMIN_TOKEN="") as server:
        assert server.first_sign_in is None


def test_programs_sign_in_for_a_token(server: Server) -> None:
    asked = {"name": "ada", "password": PASSWORD, "token_name": "laptop"}
    got = httpx.post(f"{server.url}/api/v1/sign-in", json=asked)
    assert got.headers["Cache-Control"] == "no-store"
    said = got.json()
    assert (said["principal"]["name"], said["principal"]["kind"]) == ("ada", "user")
    bearer = {"Authorization": f"Bearer {said['token']}"}
    assert httpx.get(f"{server.url}/api/v1/channels", headers=bearer).status_code == 200
    tokens = httpx.get(f"{server.url}/api/v1/tokens", headers=bearer).json()["items"]
    assert [token["name"] for token in tokens] == ["laptop"]
    assert said["token"] not in json.dumps(tokens)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ({"name": "ada", "password": "wrong"}, {}, 401, "wrong-password"),
        ({"name": "ada"}, {}, 400, "bad-sign-in"),
        ({"name": 7, "password": PASSWORD}, {}, 400, "bad-sign-in"),
        (
            {"name": "ada", "password": PASSWORD},
            {"Content-Type": "text/plain"},
            400,
            "bad-sign-in",
        ),
        (
            {"name": "ada", "password": PASSWORD},
            {"Sec-Fetch-Site": "cross-site"},
            403,
            "from-another-site",
        ),
    ],
)
def test_what_signs_nobody_in(
    server: Server, body: dict[str, object], headers: dict[str, str], status: int, code: str
) -> None:
    got = httpx.post(f"{server.url}/api/v1/sign-in", json=body, headers=headers)
    assert (got.status_code, got.json()["code"]) == (status, code)
    assert PASSWORD not in got.text + server.log.read_text()


def test_a_limit_over_http_says_when_to_try_again(server: Server) -> None:
    browser = Browser(server.url)
    ada = Browser(server.url)
    assert "administrator" in ada.sign_in("ada").text
    for _ in range(PER_NAME.free):
        assert browser.sign_in("ada", "wrong").status_code == 401
    refused = browser.sign_in("ada")
    assert (refused.status_code, int(refused.headers["Retry-After"])) == (429, 1)
    body = {"name": "ada", "password": PASSWORD}
    api = httpx.post(f"{server.url}/api/v1/sign-in", json=body)
    # on a slow machine the second may be over by now
    assert api.status_code == 200 or api.json()["data"]["retry_after"] == 1
    assert ada.is_signed_in  # nobody is locked out of what they have


def test_passwords_may_be_off(tmp_path: Path) -> None:
    with hosted_store(tmp_path) as store:
        make_user(store, "ada")
    with serve(tmp_path / "store", CONDARIUM_PASSWORDS="0") as server:
        assert Browser(server.url).sign_in("ada").status_code == 403
        assert 'name="password"' not in Browser(server.url).get("sign-in").text
