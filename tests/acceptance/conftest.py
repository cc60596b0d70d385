"""What the tests of a user's view start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.channel import PREFIX, Made, make_channel
from tests.support.serving import serve
from tests.support.user import User

_SPEC = "channels: [{url}]\ndependencies:\n  - tool\n"


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A channel of two tiny packages, `tool` and `lib`; only read it."""
    script = f"#!/bin/sh\n# {PREFIX}\necho tool says $GREETING\n"
    return make_channel(
        tmp_path_factory.mktemp("tools"),
        [
            Made("tool", "2.0", depends=["lib >=1"], files={"bin/tool": script}),
            Made("lib", files={"lib/a.txt": "a"}),
            Made("extra", files={"share/extra.txt": "e"}),
        ],
    )


@pytest.fixture
def spec(user: User, tools: Path) -> Path:
    """An environment.yml in the user's home that can be built."""
    return _write_spec(user, tools)


@pytest.fixture(scope="session")
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tools: Path
) -> Iterator[User]:
    """A user who has built lab/fit twice: generation 2 has `extra` as well. Only look at it.

    Of a test that is marked with `in_both_modes`, once in process and once through a server.
    """
    user = User(tmp_path_factory.mktemp("built"))
    if getattr(request, "param", None) != "remote":
        yield _build_twice(user, tools)
        return
    with serve(user.store, environ=user.surroundings()) as server:
        place = {"CONDARIUM_SERVER": server.url, "CONDARIUM_TOKEN": server.token}
        yield _build_twice(User(user.home, place), tools)


@pytest.fixture
def built_anew(user: User, tools: Path) -> User:
    """The same, for a test that changes things."""
    return _build_twice(user, tools)


def _write_spec(user: User, tools: Path) -> Path:
    return user.write("environment.yml", _SPEC.format(url=tools.as_uri()))


def _build_twice(user: User, tools: Path) -> User:
    spec = _write_spec(user, tools)
    for text, reason in ((spec.read_text(), ""), (f"{spec.read_text()}  - extra\n", "more")):
        spec.write_text(text)
        said = user("env", "build", "lab/fit", "-f", spec.name, "--reason", reason)
        assert said.code == 0, said.err
    return user
