"""What SQLite reads for questions asked often, by the statistics that stores begin with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from tests.support.hosting import create, hosted_store

from condarium.model.hosting.fact import FactKind
from condarium.model.hosting.hosted import HostedChannel
from condarium.model.view import ChannelName
from condarium.storage.facts import Facts
from condarium.storage.sqlite import sqlite_engine, sqlite_url


def _present(facts: Facts, channel: HostedChannel) -> None:
    list(facts.holdings.present(channel, FactKind.SHARD, ["linux-64", "noarch"]))


def _obtained(facts: Facts, channel: HostedChannel) -> None:
    facts.obtained.among(channel, [bytes(32), bytes([1]) * 32])


QUESTIONS = {
    "what a proxy shows now": (_present, "ix_facts_channel_id_until (channel_id=? AND until=?)"),
    "what a channel obtained": (_obtained, "PRIMARY KEY (channel_id=? AND digest=?)"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_plan(question: str, tmp_path: Path) -> None:
    ask, expected = QUESTIONS[question]
    with hosted_store(tmp_path) as store:
        create(store, "lab")
        with store.database.read() as facts:
            channel = facts.channels.get(ChannelName("lab"))
        plan = _plan(store.layout.database, lambda facts: ask(facts, channel))
    assert [line for line in plan if expected in line] == plan


def _plan(database: Path, ask: Callable[[Facts], None]) -> list[str]:
    """How SQLite finds the answer to the one statement that a question is."""
    asked: list[tuple[str, Any]] = []
    engine = sqlite_engine(sqlite_url(database))
    with engine.begin() as connection:
        event.listen(engine, "before_cursor_execute", lambda *said: asked.append(said[2:4]))
        ask(Facts(connection))
        [(statement, values)] = asked
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    engine.dispose()
    return [row.detail for row in rows]
