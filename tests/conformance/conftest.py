"""A store with its facts in either database, and a clock that tests set."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.people import Clock
from tests.support.postgresql import Server

from condarium.settings import Settings
from condarium.storage.store import Store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    environ = {"HOME": str(tmp_path)}
    if request.param == "sqlite":
        with closing(Store(Settings.read(environ, store=tmp_path / "store"), now=clock)) as store:
            yield store
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.new_database() as url:
        settings = Settings.read({**environ, "CONDARIUM_DATABASE": url}, store=tmp_path / "store")
        with closing(Store(settings, now=clock)) as store:
            yield store
