"""Names of accounts, quotas, and passwords, as values."""

from contextlib import nullcontext

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from condarium.access.passwords import (
    WeakPassword,
    hash_password,
    password_in,
    rehashed,
    verify_password,
)
from condarium.errors import BadInput, BadName
from condarium.model.access.names import check_account_name, folded
from condarium.model.document import Document
from condarium.model.quotas import (
    BadQuota,
    Quota,
    QuotaExceeded,
    Use,
    check_quota,
    read_limit,
)
from condarium.model.secret import Secret


@pytest.mark.parametrize("name", ["ada", "Ada.L", "a_b", "ada@lab.example", "x" * 64, "_ci", "1st"])
def test_a_name_of_an_account(name: str) -> None:
    assert check_account_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 65,
        "-ada",
        ".ada",
        "a b",
        "a/b",
        "a:b",
        "group:lab",
        "a%b",
        "ada\n",
        "аda",  # noqa: RUF001 - Cyrillic
        "ａda",  # noqa: RUF001 - full width
        "ad\u200ba",
        "anybody",
        "Anybody",
        "administrator",
        "condarium",
        "Schedule",
    ],
)
def test_what_is_no_name_of_an_account(name: str) -> None:
    with pytest.raises(BadName):
        check_account_name(name)


@pytest.mark.parametrize(
    ("one", "two", "alike"),
    [
        ("ada", "Ada", True),
        ("bob", "b0b", True),
        ("lab", "1ab", True),
        ("Ian", "lan", True),
        ("a_b", "a.b", False),
        ("a_b", "aXb", False),
        ("a%b", "a_b", False),
        ("ada", "adа", False),  # noqa: RUF001 - Cyrillic, which no account has
    ],
)
def test_names_that_read_alike(one: str, two: str, alike: bool) -> None:
    assert (folded(one) == folded(two)) is alike


@given(st.integers(0, 10), st.integers(0, 10), st.none() | st.integers(0, 20))
def test_a_quota_is_never_exceeded(used: int, wanted: int, limit: int | None) -> None:
    fits = limit is None or wanted == 0 or used + wanted <= limit
    with nullcontext() if fits else pytest.raises(QuotaExceeded):
        check_quota("lab", Quota(builds=limit), Use(builds=used), Use(builds=wanted))


def test_what_exceeds_a_quota_is_said_with_all_its_numbers() -> None:
    with pytest.raises(QuotaExceeded) as caught:
        check_quota("lab", Quota(bytes=100), Use(bytes=90), Use(bytes=20))
    assert (caught.value.namespace, caught.value.what) == ("lab", "bytes")
    for number in ("100", "90", "20", "lab"):
        assert number in caught.value.message
    assert "namespace show lab" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "limit"),
    [("20", 20), ("0", 0), ("500M", 500_000_000), ("20 GB", 20 * 10**9), ("none", None)],
)
def test_a_limit(text: str, limit: int | None) -> None:
    assert read_limit("bytes", text) == limit


@pytest.mark.parametrize("text", ["", "-1", "1.5G", "many", "٣", "1e9", "20X"])
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(BadQuota, match="bytes"):
        read_limit("bytes", text)


def test_a_password_is_kept_as_a_hash_that_tells_nothing() -> None:
    password = Secret("correct horse battery")
    kept, again = (hash_password(password, name="ada") for _ in range(2))
    assert kept.startswith("$argon2id$")
    assert kept != again
    assert "horse" not in kept
    assert verify_password(kept, password)
    assert not verify_password(kept, Secret("correct horse batterz"))


def test_where_there_is_no_password_none_is_right() -> None:
    assert not verify_password(None, Secret("nobody has this password"))
    assert not verify_password("nonsense", Secret("nonsense"))


@pytest.mark.parametrize("text", ["", "short", "eleven char", "aaaaaaaaaaaa", "x" * 2000])
def test_a_weak_password_is_refused_and_not_said(text: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        hash_password(Secret(text), name="ada")
    assert not text or text not in str(caught.value)


def test_a_password_is_the_first_line_of_its_file() -> None:
    assert password_in(Document("f", b"two words \r\nmore")).reveal() == "two words "
    with pytest.raises(BadInput, match="f is not UTF-8"):
        password_in(Document("f", b"\xff\xfe"))


def test_a_password_kept_with_weaker_parameters_is_hashed_anew() -> None:
    password = Secret("correct horse battery")
    weak = PasswordHasher(time_cost=1, memory_cost=64).hash(password.reveal())
    stronger = rehashed(weak, password)
    assert stronger is not None
    assert verify_password(stronger, password)
    assert rehashed(stronger, password) is None
