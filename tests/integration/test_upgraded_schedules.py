"""What a store of an earlier revision does by itself, once it was upgraded."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from tests.support.postgresql import Server

from condarium.storage import migrate
from condarium.storage.database import open_database
from condarium.storage.sqlite import sqlite_url
from condarium.storage.tables import metadata

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def upgraded(url: str, by: str, folder: Path) -> list[str]:
    """The operations of the schedules of a store that had one of `gc`, made by somebody."""
    tidy = {"name": "gc", "operation": "gc", "arguments": {}, "cron": "17 3 * * *", "enabled": True}
    engine = create_engine(url)
    with engine.begin() as connection:
        migrate.upgrade(connection, "0003")
        into = metadata.tables["schedules"].insert()
        connection.execute(into, {**tidy, "created_at": NOW, "created_by": by})
    engine.dispose()
    database = open_database(url, lock=folder / "migrate", now=lambda: NOW)
    with closing(database), database.read() as facts:
        return [each.operation for each in facts.schedules.list()]


@pytest.mark.parametrize(("by", "more"), [("condarium", ["grant review-due"]), ("ada", [])])
def test_a_store_that_keeps_itself_tidy_gives_notice_of_grants_as_new_ones_do(
    postgresql: Server, tmp_path: Path, by: str, more: list[str]
) -> None:
    file = sqlite_url(tmp_path / "condarium.db").render_as_string()
    with postgresql.new_database() as url:
        assert upgraded(url, by, tmp_path) == upgraded(file, by, tmp_path) == ["gc", *more]
