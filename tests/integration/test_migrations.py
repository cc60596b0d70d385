"""The schema: made from nothing and from every earlier revision, and what stands in the way."""

import multiprocessing
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text
from tests.support.postgresql import Server

from condarium.errors import DatabaseFailed, StoreFull, StoreTooNew
from condarium.model.actor import Actor
from condarium.settings import Settings
from condarium.storage import migrate
from condarium.storage.answers import HEAD
from condarium.storage.database import Database, open_database
from condarium.storage.failures import BadStoreAddress
from condarium.storage.sqlite import sqlite_url
from condarium.storage.store import Store
from condarium.storage.tables import metadata

ADA = Actor(name="ada")
NOW = datetime(2026, 3, 1, tzinfo=UTC)

REVISIONS = ["0001", "0002", "0003", "0004"]
"""Every revision that was ever released, the oldest first: a store may come from any of them."""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "condarium.db").render_as_string()
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.new_database() as made:
        yield made


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


def opened(url: object, folder: Path) -> Database:
    return open_database(url, lock=folder / "migrate", now=lambda: NOW)  # type: ignore[arg-type]


def revision_of(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return connection.scalar(text("SELECT version_num FROM alembic_version"))


def test_a_new_database_gets_the_newest_schema(url: str, engine: Engine, tmp_path: Path) -> None:
    opened(url, tmp_path).close()
    assert revision_of(engine) == HEAD


def test_every_revision_was_released_and_the_last_is_the_head() -> None:
    assert migrate.known_revisions() == set(REVISIONS)
    assert REVISIONS[-1] == HEAD


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_store_of_every_earlier_revision_opens_and_can_be_read(
    url: str, engine: Engine, tmp_path: Path, revision: str
) -> None:
    with engine.begin() as connection:
        migrate.upgrade(connection, revision)
    with closing(opened(url, tmp_path)) as database, database.read() as facts:
        assert facts.environments.all() == []
    assert revision_of(engine) == HEAD


def test_migrations_make_the_tables_that_the_code_describes(
    url: str, engine: Engine, tmp_path: Path
) -> None:
    opened(url, tmp_path).close()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_names_of_constraints_and_indexes_are_those_that_the_code_describes(
    url: str, engine: Engine, tmp_path: Path
) -> None:
    opened(url, tmp_path).close()
    described = create_engine("sqlite://")
    metadata.create_all(described)
    assert _names(engine) == _names(described)
    described.dispose()


def _names(engine: Engine) -> set[str | None]:
    found = inspect(engine)
    tables = set(metadata.tables)
    return {
        *(each["name"] for table in tables for each in found.get_foreign_keys(table)),
        *(each["name"] for table in tables for each in found.get_unique_constraints(table)),
        *(each["name"] for table in tables for each in found.get_indexes(table)),
    }


def test_a_store_of_a_newer_condarium_is_left_alone(
    url: str, engine: Engine, tmp_path: Path
) -> None:
    opened(url, tmp_path).close()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreTooNew, match="9999") as caught:
        opened(url, tmp_path)
    assert HEAD in caught.value.message
    assert revision_of(engine) == "9999"


def test_a_migration_that_fails_leaves_the_old_state(
    url: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upgrade(connection: object, revision: str = "head") -> None:
        whole(connection, revision)  # type: ignore[arg-type]
        raise RuntimeError("half-way")

    whole = migrate.upgrade
    monkeypatch.setattr(migrate, "upgrade", upgrade)
    with pytest.raises(RuntimeError):
        opened(url, tmp_path)
    assert inspect(engine).get_table_names() == []
    monkeypatch.undo()
    opened(url, tmp_path).close()
    assert revision_of(engine) == HEAD


_KILLED = """
import os, signal, sys
from condarium.storage import database, migrate
from datetime import datetime
from pathlib import Path
import alembic.operations.base as base

made = 0
create = base.Operations.create_table
from alembic import op
def create_table(*arguments, **keywords):
    global made
    made += 1
    if made == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return create_now(*arguments, **keywords)
create_now = op.create_table
op.create_table = create_table
database.open_database(sys.argv[1], lock=Path(sys.argv[2], "migrate"), now=datetime.now)
"""


@pytest.mark.parametrize("table", [1, 4, 7])
def test_a_migration_that_is_killed_leaves_the_old_state(
    url: str, engine: Engine, tmp_path: Path, table: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _KILLED, url, tmp_path, str(table)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == -9, ended.stderr
    assert inspect(engine).get_table_names() == []
    opened(url, tmp_path).close()
    assert revision_of(engine) == HEAD


def _open(arguments: tuple[str, Path]) -> int:
    url, folder = arguments
    with closing(opened(url, folder)) as database, database.read() as facts:
        return len(facts.environments.all())


@pytest.mark.parametrize("machines", ["one", "several"])
def test_processes_that_open_a_new_database_at_once_all_succeed(
    url: str, tmp_path: Path, machines: str
) -> None:
    """On several machines the lock file is not the same one for all."""
    folders = [tmp_path / str(number if machines == "several" else 0) for number in range(4)]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, mp_context=spawn) as processes:
        assert list(processes.map(_open, [(url, folder) for folder in folders])) == [0] * 4


# --- what stands in the way ---


def store_at(folder: Path, **settings: str) -> Store:
    return Store(Settings(store=folder, home=folder, environ={}, **settings))  # type: ignore[arg-type]


def test_an_empty_file_is_an_empty_database(tmp_path: Path) -> None:
    (tmp_path / "condarium.db").touch()
    store = store_at(tmp_path)
    with store.database.read() as facts:
        assert facts.environments.all() == []
    store.close()


def test_a_file_that_is_no_database_is_named_as_such_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "condarium.db"
    file.write_bytes(b"these are my notes\n" * 400)
    with pytest.raises(DatabaseFailed, match="not a database") as caught:
        store_at(tmp_path).database.close()
    assert "backup" in (caught.value.hint or "")
    assert file.read_bytes() == b"these are my notes\n" * 400


def test_a_database_that_was_cut_short_is_said_to_be_malformed(tmp_path: Path) -> None:
    file = tmp_path / "condarium.db"
    opened(sqlite_url(file), tmp_path).close()
    os.truncate(file, file.stat().st_size // 2)
    with pytest.raises(DatabaseFailed) as caught:
        store_at(tmp_path).database.close()
    assert "backup" in (caught.value.hint or "")


def test_a_database_that_lost_its_journal_mode_gets_it_back(tmp_path: Path) -> None:
    """A backup of a WAL database need not be one."""
    file = tmp_path / "condarium.db"
    opened(sqlite_url(file), tmp_path).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    opened(sqlite_url(file), tmp_path).close()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("name", ["a b", "what?", "100%", "a#b", "naïve", "a:b@c"])
def test_a_store_may_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    store = store_at(tmp_path / name)
    with store.database.read() as facts:
        assert facts.environments.all() == []
    assert store.blobs.get(store.blobs.put(b"content")) == b"content"
    store.close()
    assert (tmp_path / name / "condarium.db").exists()
    assert [each.name for each in tmp_path.iterdir()] == [name]


_AS_A_READER = """
import os, sys, tempfile
from pathlib import Path
from condarium.errors import CondariumError
from condarium.settings import Settings
from condarium.model.actor import Actor
from condarium.storage.store import Store

def open_store(folder):
    return Store(Settings(store=Path(folder), home=Path(folder), environ={}))

def use(store, what):
    if what == "write":
        with store.database.change(Actor(name="ada"), "test", "test"):
            pass
    else:
        with store.database.read() as facts:
            print(len(list(facts.audit.all())))

if os.geteuid() == 0:  # who may always write; the other user may not see where Python is
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        use(store, "write")
        store.close()
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    use(open_store(sys.argv[1]), sys.argv[2])
except CondariumError as error:
    print(error.code, error.message)
    assert error.hint
"""


def as_a_reader(folder: Path, what: str) -> str:
    """Run as a user who may not write to the store."""
    ended = subprocess.run(
        [sys.executable, "-c", _AS_A_READER, folder, what],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user can enter, as pytest's own cannot be."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="condarium-readers-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        store = folder / "store"
        store.mkdir()
        yield store
        store.chmod(0o755)


def test_a_folder_that_may_not_be_written_to_is_said_to_be_so(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    assert as_a_reader(open_folder, "write").startswith("store-unusable the store at")


def test_a_store_of_somebody_else_cannot_be_changed(open_folder: Path) -> None:
    opened(sqlite_url(open_folder / "condarium.db"), open_folder / "locks").close()
    open_folder.chmod(0o555)
    assert as_a_reader(open_folder, "write").startswith("store-read-only")


@pytest.mark.parametrize("busy", [True, False], ids=["while they write", "while nobody writes"])
def test_a_store_of_somebody_else_can_be_read(open_folder: Path, busy: bool) -> None:
    database = opened(sqlite_url(open_folder / "condarium.db"), open_folder / "locks")
    with database.change(ADA, "test", "test"):
        pass
    if not busy:
        database.close()
    open_folder.chmod(0o555)
    assert as_a_reader(open_folder, "read") == "1"
    database.close()


@pytest.mark.parametrize(
    "url",
    ["nonsense", "mysql://ada:secret@host/db", "oracle+cx://ada:secret@host", "sqlite3:///x"],
)
def test_an_address_that_is_no_database_is_bad_input_and_tells_no_secret(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(BadStoreAddress) as caught:
        opened(url, tmp_path)
    assert "postgresql://" in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_postgresql_address_need_not_name_its_driver(
    tmp_path: Path, postgresql: Server, scheme: str
) -> None:
    with postgresql.new_database() as url:
        store = store_at(tmp_path, database=url.replace("postgresql+psycopg", scheme))
        with store.database.read() as facts:
            assert facts.environments.all() == []
        store.close()


def test_a_server_that_does_not_answer_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(DatabaseFailed) as caught:
        opened("postgresql://ada:secret@127.0.0.1:1/facts", tmp_path)
    assert "server is up" in (caught.value.hint or "")
    assert "secret" not in str(caught.value)


def test_a_full_disk_is_said_to_be_so(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "condarium.db")
    database = opened(url, tmp_path)
    with database._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreFull), database.change(ADA, "test", "t" * 100_000):
        pass
    with database.read() as facts:
        assert list(facts.audit.all()) == []
    database.close()


def test_the_reference_describes_every_table_and_column() -> None:
    """docs/reference/formats.md, a section for each table and a row for its columns."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "formats.md").read_text()
    assert f"Schema revision **{HEAD}**" in page
    described = {
        section.partition("**")[0]: set(re.findall(r"`(\w+)`", section))
        for section in re.split(r"^\*\*(?=\w+\*\*: )", page, flags=re.MULTILINE)[1:]
    }
    assert set(described) == set(metadata.tables)
    for name, table in metadata.tables.items():
        assert {column.name for column in table.columns} <= described[name]
