"""Workers' hearts, heard by a clock that theirs has nothing to do with."""

from datetime import UTC, datetime, timedelta

from condarium.jobs.carrying_out.heartbeats import Heartbeats

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PATIENCE = 30 * SECOND


def test_a_worker_is_silent_when_its_heartbeat_stays_the_same() -> None:
    others = Heartbeats()
    early = {"one": NOON, "two": NOON - 365 * 86_400 * SECOND}
    assert others.silent(early, patience=PATIENCE, now=100.0) == [], "clocks may differ by a year"
    later = {**early, "two": early["two"] + SECOND}
    assert others.silent(later, patience=PATIENCE, now=129.0) == []
    assert others.silent(later, patience=PATIENCE, now=131.0) == ["one"]
    assert others.silent({"two": later["two"]}, patience=PATIENCE, now=158.0) == []
    assert others.silent({"two": later["two"]}, patience=PATIENCE, now=160.0) == ["two"]


def test_whoever_heard_nothing_for_a_while_listens_anew() -> None:
    others = Heartbeats()
    assert others.silent({"one": NOON}, patience=PATIENCE, now=0.0) == []
    others.forget()
    assert others.silent({"one": NOON}, patience=PATIENCE, now=100.0) == []
