"""Which server or store a client works with, and what it keeps of a login."""

from pathlib import Path
from typing import Any

import pytest

from condarium.client.connection import TwoPlaces, find_server
from condarium.client.saved_logins import BadSavedLogins, Login, SavedLogins
from condarium.model.secret import Secret
from condarium.settings import BadSetting

HERE, THERE = "https://here.example.org", "https://there.example.org"


@pytest.fixture
def saved(tmp_path: Path) -> SavedLogins:
    """Logins at two servers, of which that at THERE is the current one."""
    path = tmp_path / "condarium" / "servers.json"
    SavedLogins.read(path).save(Login(url=HERE, token=Secret("saved here"), name="ada"))
    SavedLogins.read(path).save(Login(url=THERE, token=Secret("saved there"), name="ada"))
    return SavedLogins.read(path)


@pytest.mark.parametrize(
    ("named", "environ", "url", "token"),
    [
        ({}, {}, THERE, "saved there"),
        ({"token": Secret("given")}, {}, THERE, "given"),
        ({"server": HERE}, {}, HERE, "saved here"),
        ({"server": f"{HERE}/"}, {}, HERE, "saved here"),
        ({"store": "/srv/store"}, {"CONDARIUM_SERVER": HERE}, None, None),
        ({}, {"CONDARIUM_STORE": "/srv/store"}, None, None),
        ({}, {"CONDARIUM_STORE": "/srv/store", "CONDARIUM_SERVER": HERE}, HERE, "saved here"),
        ({"server": HERE}, {"CONDARIUM_TOKEN": "mine"}, HERE, "mine"),
        ({}, {"CONDARIUM_SERVER": HERE, "CONDARIUM_TOKEN": "mine"}, HERE, "mine"),
        (
            {"server": THERE},
            {"CONDARIUM_SERVER": HERE, "CONDARIUM_TOKEN": "mine"},
            THERE,
            "saved there",
        ),
        ({"server": HERE, "token": Secret("given")}, {"CONDARIUM_TOKEN": "mine"}, HERE, "given"),
        ({"server": "https://other.example.org"}, {}, "https://other.example.org", None),
    ],
)
def test_what_is_named_goes_before_what_is_set_and_that_before_what_is_saved(
    saved: SavedLogins, named: dict[str, Any], environ: dict[str, str], url: str, token: str
) -> None:
    environ = {"XDG_CONFIG_HOME": str(saved.path.parents[1]), **environ}
    found = find_server(environ, **named)
    assert (found and found.url) == url
    assert (found and found.token and found.token.reveal()) == token


def test_what_works_on_this_machine_has_no_use_for_a_saved_login(saved: SavedLogins) -> None:
    environ = {"XDG_CONFIG_HOME": str(saved.path.parents[1])}
    assert find_server(environ, saved_login=False) is None
    named = find_server({**environ, "CONDARIUM_SERVER": HERE}, saved_login=False)
    assert named
    assert named.url == HERE


def test_a_store_and_a_server_are_one_too_many() -> None:
    with pytest.raises(TwoPlaces):
        find_server({}, store="/srv/store", server=HERE)


def test_without_a_login_there_is_no_server(tmp_path: Path) -> None:
    assert find_server({"XDG_CONFIG_HOME": str(tmp_path)}) is None


@pytest.mark.parametrize("url", ["here.example.org", "ftp://here", "https://me:pw@here", "http://"])
def test_what_is_no_servers_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSetting, match="expected a URL") as caught:
        find_server({"HOME": "/nowhere"}, server=url)
    assert "pw" not in caught.value.message


def test_logins_are_for_their_owners_eyes(saved: SavedLogins) -> None:
    assert saved.path.stat().st_mode & 0o777 == 0o600
    assert saved.path.parent.stat().st_mode & 0o777 == 0o700
    assert "saved" not in repr(saved)
    assert [path.name for path in saved.path.parent.iterdir()] == ["servers.json"]


def test_one_that_is_forgotten_is_no_longer_the_current(saved: SavedLogins) -> None:
    saved.forget(THERE)
    left = SavedLogins.read(saved.path)
    assert (left.find(), list(left.servers)) == (None, [HERE])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"current": null, "servers": {"a": {}}}'])
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "servers.json").write_text(text)
    with pytest.raises(BadSavedLogins, match="these are no saved logins"):
        SavedLogins.read(tmp_path / "servers.json")
