"""What many tests start from."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.channel import cache_root, real_channel
from tests.support.objectstore import Endpoint, running_endpoint
from tests.support.postgresql import Server, running_server


@pytest.fixture(scope="session")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with real packages (python, pip, numpy, pandas, rich, …); only read it."""
    return real_channel(cache_root(tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The real data beside the project (CONDARIUM_DATA); skips where it is absent."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("CONDARIUM_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; CONDARIUM_DATA says where it is")
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server for the session: `with postgresql.new_database() as url`."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def object_store() -> Iterator[Endpoint]:
    """An S3 endpoint on loopback for the session."""
    with running_endpoint() as endpoint:
        yield endpoint
