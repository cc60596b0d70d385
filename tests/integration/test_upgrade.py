"""Stores of earlier releases: brought up to date when asked, in one piece or not at all."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from tests.support.backups import bring_back
from tests.support.hosting import hosted_store
from tests.support.postgresql import Server
from tests.support.user import User

from condarium.model.audit import walk
from condarium.operating.upgrading import upgrade
from condarium.storage import migrate
from condarium.storage.answers import HEAD
from condarium.storage.backing_up.backups import BackupPlace, Manifest
from condarium.storage.backing_up.dump import Dump
from condarium.storage.database import open_database
from condarium.storage.schema import SchemaBroken, StoreTooOld
from condarium.storage.sqlite import sqlite_url
from condarium.storage.store import Store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OLDER = ["0001", "0002"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        (tmp_path / "store").mkdir()
        yield sqlite_url(tmp_path / "store" / "condarium.db").render_as_string()
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.new_database() as made:
        yield made


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    with hosted_store(tmp_path, CONDARIUM_DATABASE=url) as opened:
        yield opened


def make(engine: Engine, revision: str) -> None:
    """A store of an earlier release, with an environment and what was done to it."""
    with engine.begin() as connection:
        migrate.upgrade(connection, revision)
        connection.execute(
            text(
                "INSERT INTO environments (id, namespace, name, created_at, created_by)"
                " VALUES (1, 'lab', 'fit', '2026-01-01 00:00:00', 'ada')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO audit (id, at, actor, action, target, detail)"
                " VALUES (1, '2026-01-01 00:00:00', 'ada', 'env build', 'lab/fit', '{}')"
            )
        )


def state(connection: Connection) -> tuple[str | None, int]:
    revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision, connection.scalar(text("SELECT count(*) FROM environments")) or 0


@pytest.mark.parametrize("revision", OLDER)
def test_upgrade_brings_a_store_up_to_date(
    revision: str, engine: Engine, store: Store, url: str
) -> None:
    make(engine, revision)
    tried = upgrade(store, dry_run=True)
    assert (tried.before, tried.after, tried.changed) == (revision, HEAD, True)
    with engine.connect() as connection:
        assert state(connection) == (revision, 1)
    done = upgrade(store, dry_run=False)
    with engine.connect() as connection:
        assert state(connection) == (HEAD, 1)
    assert (done.copy is not None) == ("sqlite" in url)
    if done.copy:
        before = create_engine(f"sqlite:///{done.copy}")
        with before.connect() as connection:
            assert state(connection) == (revision, 1)
        before.dispose()
    assert not upgrade(store, dry_run=False).changed
    with store.database.read() as facts:
        assert walk(facts.audit.all(), facts.audit.head()).entries == 1
        assert [str(each.name) for each in facts.environments.all()] == ["lab/fit"]


def test_a_database_that_others_share_is_not_migrated_unasked(
    engine: Engine, url: str, tmp_path: Path
) -> None:
    make(engine, "0002")
    said = {"CONDARIUM_DATABASE": url}
    unasked = said if "postgresql" in url else {**said, "CONDARIUM_AUTO_UPGRADE": "0"}
    with hosted_store(tmp_path, **unasked) as store, pytest.raises(StoreTooOld, match="0002"):
        _ = store.database
    with engine.connect() as connection:
        assert state(connection) == ("0002", 1)
    asked = said if "sqlite" in url else {**said, "CONDARIUM_AUTO_UPGRADE": "1"}
    with hosted_store(tmp_path, **asked) as store, store.database.read():
        pass
    with engine.connect() as connection:
        assert state(connection) == (HEAD, 1)


def test_servers_and_workers_refuse_what_is_older_newer_or_half_migrated(
    postgresql: Server, tmp_path: Path
) -> None:
    with postgresql.new_database() as url:
        engine = create_engine(url)
        make(engine, "0002")
        environ = {"CONDARIUM_STORE": str(tmp_path / "store"), "CONDARIUM_DATABASE": url}
        user = User(tmp_path, environ)
        said = user("worker", "--json")
        assert (said.code, said.json["error"]["code"]) == (4, "store-too-old")
        assert "condarium upgrade" in said.err
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        assert user("serve", "--port", "0", "--json").json["error"]["code"] == "store-too-new"
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM alembic_version"))
        assert user("serve", "--port", "0", "--json").json["error"]["code"] == "schema-broken"
        engine.dispose()


def test_what_is_half_migrated_is_told_from_what_is_empty(
    engine: Engine, url: str, tmp_path: Path
) -> None:
    make(engine, "0002")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(SchemaBroken):
        open_database(url, lock=tmp_path / "lock", now=lambda: NOW)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0001'), ('0002')"))
    with pytest.raises(SchemaBroken, match="0001, 0002"):
        open_database(url, lock=tmp_path / "lock", now=lambda: NOW)


_KILLED = """
import os, signal, sys
from pathlib import Path
from datetime import datetime
from alembic import op
from condarium.storage import database
step, made = int(sys.argv[3]), 0
def counted(name):
    now = getattr(op, name)
    def call(*arguments, **keywords):
        global made
        made += 1
        if made == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return now(*arguments, **keywords)
    setattr(op, name, call)
for name in ("create_table", "add_column", "execute", "create_index", "bulk_insert"):
    counted(name)
database.open_database(sys.argv[1], lock=Path(sys.argv[2], "migrate"), now=datetime.now).close()
"""


@pytest.mark.parametrize("step", [1, 20])
def test_an_upgrade_that_is_killed_leaves_the_earlier_schema_and_all_rows(
    step: int, engine: Engine, url: str, tmp_path: Path
) -> None:
    make(engine, "0002")
    ended = subprocess.run(
        [sys.executable, "-c", _KILLED, url, tmp_path, str(step)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == -9, ended.stderr
    with engine.connect() as connection:
        assert state(connection) == ("0002", 1)
    opened = closing(open_database(url, lock=tmp_path / "lock", now=lambda: NOW))
    with opened as database, database.read() as facts:
        assert [str(each.name) for each in facts.environments.all()] == ["lab/fit"]


@pytest.mark.parametrize("revision", OLDER)
def test_a_backup_of_an_earlier_release_is_restored_and_brought_up_to_date(
    revision: str, tmp_path: Path
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/old.db")
    make(engine, revision)
    place = BackupPlace.at(str(tmp_path / "kept"), make=True)
    with engine.connect() as connection:
        rows = Dump(connection).write(tmp_path / "dump")
    engine.dispose()
    place.add(
        Manifest(
            at=NOW,
            condarium="0.0.9",
            revision=revision,
            dump=place.put_dump(tmp_path / "dump"),
            rows=rows,
            list=place.put_list({}),
            blobs=0,
            bytes=0,
        )
    )
    with hosted_store(tmp_path) as store:
        assert bring_back(store, tmp_path / "kept").revision == HEAD
        with store.database.read() as facts:
            assert [str(each.name) for each in facts.environments.all()] == ["lab/fit"]
            actions = [each.action for each in facts.audit.all()]
            assert walk(facts.audit.all(), facts.audit.head()).ok
        assert actions == ["env build", "restore"]
