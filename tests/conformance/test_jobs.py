"""One suite for the facts about jobs, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.postgresql import Server

from condarium.model.actor import Actor, JobClaim
from condarium.model.jobs import (
    EventKind,
    JobError,
    JobEvent,
    JobFilter,
    JobStatus,
    Limits,
    Order,
    Schedule,
)
from condarium.storage.database import Database, open_database
from condarium.storage.sqlite import sqlite_url
from condarium.storage.work.jobs import JobTakenOver, NoSuchJob
from condarium.storage.work.schedules import NoSuchSchedule, ScheduleExists

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADA, BEN = Actor(name="ada"), Actor(name="ben")
LIMITS = Limits(wall_time=HOUR, memory=2**33)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    def opened(url: str) -> Database:
        return open_database(url, lock=tmp_path / "migrate", now=lambda: NOON)

    if request.param == "sqlite":
        with closing(opened(sqlite_url(tmp_path / "facts.db").render_as_string())) as found:
            yield found
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.new_database() as url, closing(opened(url)) as found:
        yield found


def order(name: str = "lab", **fields: object) -> Order:
    values: dict[str, object] = {
        "operation": "env build",
        "arguments": {"environment": f"{name}/fit", "file": {"name": "e.yml", "blob": "b" * 64}},
        "documents": ("b" * 64,),
        "target": f"{name}/fit",
        "kind": "namespace",
        "resource": name,
        "actor": "ada",
        "limits": LIMITS,
        **fields,
    }
    return Order(**values)  # type: ignore[arg-type]


def add(database: Database, *orders: Order) -> list[int]:
    with database.note() as facts:
        return [facts.jobs.add(each, at=NOON) for each in orders]


def claim(database: Database, job: int, worker: str = "first") -> JobClaim:
    with database.note() as facts:
        found = facts.jobs.claim(job, worker, at=NOON)
    assert found
    return found


def test_what_is_asked_for_is_kept(database: Database) -> None:
    asked = order(queue="gpu", priority=3, token="t", principal="p", address="::1")
    (number,) = add(database, asked)
    with database.read() as facts:
        assert facts.jobs.order(number) == asked
        job = facts.jobs.get(number)
        assert facts.jobs.documents() == {"b" * 64}
        with pytest.raises(NoSuchJob):
            facts.jobs.get(number + 1)
    assert (job.status, job.attempts, job.limits, job.result) == (JobStatus.QUEUED, 0, LIMITS, None)


def test_a_job_is_claimed_once(database: Database) -> None:
    (number,) = add(database, order())

    def attempt(name: int) -> JobClaim | None:
        with database.note() as facts:
            return facts.jobs.claim(number, f"worker{name}", at=NOON)

    with ThreadPoolExecutor(4) as pool:
        claims = [each for each in pool.map(attempt, range(4)) if each]
    assert claims == [JobClaim(job=number, attempt=1)]


def test_only_the_attempt_that_has_a_job_changes_anything(database: Database) -> None:
    (number,) = add(database, order())
    first = claim(database, number)
    with database.note() as facts:
        assert facts.jobs.put_back(first, not_before=None, spent=True)
    second = claim(database, number, "second")
    ada = Actor(name="ada", job=first)
    with pytest.raises(JobTakenOver), database.change(ada, "env build", "lab/fit") as facts:
        facts.workers.begin("not me", host="h", queues=["q"], slots=1, at=NOON)
    with database.note() as facts:
        assert not facts.jobs.end(first, JobStatus.FAILED, at=NOON, phases={})
        assert facts.jobs.end(
            second, JobStatus.SUCCEEDED, at=NOON, phases={"link": 1.5}, result={"changed": True}
        )
    with database.read() as facts:
        job = facts.jobs.get(number)
        assert not facts.workers.any(), "the unit of work went with its commit"
    assert (job.status, job.attempts, job.phases) == (JobStatus.SUCCEEDED, 2, {"link": 1.5})
    assert job.result == {"changed": True}


def test_an_error_is_kept_whole(database: Database) -> None:
    (number,) = add(database, order())
    error = JobError(code="bad", message="it was bad", hint="be good", data={"found": [1, "two"]})
    with database.note() as facts:
        got = facts.jobs.claim(number, "first", at=NOON)
        assert got
        facts.jobs.end(got, JobStatus.FAILED, at=NOON, phases={}, error=error)
        assert facts.jobs.get(number).error == error


def test_a_job_that_has_begun_to_change_things_is_asked_to_end(database: Database) -> None:
    waiting, fresh, committed, ended = add(database, *[order()] * 4)
    claim(database, fresh)
    mine = claim(database, committed)
    other = claim(database, ended)
    with database.note() as facts:
        facts.jobs.commit(mine, at=NOON)
        facts.jobs.end(other, JobStatus.SUCCEEDED, at=NOON, phases={})
        found = [
            facts.jobs.cancel(job, at=NOON, by="ada") for job in (waiting, fresh, committed, ended)
        ]
        assert found == [JobStatus.CANCELLED, JobStatus.CANCELLED, JobStatus.RUNNING, None]
        assert facts.jobs.get(committed).cancelling
        assert not facts.jobs.get(fresh).cancelling, "it has ended"


def test_what_an_earlier_attempt_committed_does_not_keep_a_later_one(database: Database) -> None:
    (number,) = add(database, order())
    first = claim(database, number)
    with database.note() as facts:
        facts.jobs.commit(first, at=NOON)
        assert facts.jobs.is_committed(number)
        facts.jobs.put_back(first, not_before=None, spent=True)
    claim(database, number, "second")
    with database.note() as facts:
        assert not facts.jobs.is_committed(number)
        assert facts.jobs.cancel(number, at=NOON, by="ada") is JobStatus.CANCELLED


def test_the_oldest_of_each_thing_queue_and_priority_may_be_next(database: Database) -> None:
    numbers = add(
        database,
        order(),
        order(),
        order(priority=1),
        order("far"),
        order(queue="gpu"),
        order(kind=None, resource=None),
    )
    with database.note() as facts:
        got = facts.jobs.claim(numbers[3], "first", at=NOON)
        assert got
        facts.jobs.put_back(got, not_before=NOON + HOUR, spent=True)
        now = [job.id for job in facts.jobs.oldest_waiting(["default"], now=NOON)]
        later = [job.id for job in facts.jobs.oldest_waiting(["default", "gpu"], now=NOON + HOUR)]
    assert sorted(now) == [numbers[0], numbers[2], numbers[5]]
    assert sorted(later) == [numbers[0], *numbers[2:]]


def test_those_that_wait_with_a_job_are_counted(database: Database) -> None:
    numbers = add(
        database, order(), order("far"), order(), order(kind=None, resource=None),
        order(queue="gpu"), order(), order(priority=1),
    )  # fmt: skip
    with database.note() as facts:
        job = facts.jobs.get(numbers[2])
        crowds = facts.jobs.waiting_with(job, now=NOON)
        facts.jobs.claim(numbers[1], "first", at=NOON + HOUR)
        starts = facts.jobs.last_starts([("namespace", "far"), ("namespace", "lab"), (None, None)])
        over = facts.jobs.over([*numbers, 99], before=NOON)
    lab, far = ("namespace", "lab"), ("namespace", "far")
    assert set(crowds) == {(lab, 0, 3, 1), (lab, 1, 1, 0), (far, 0, 1, 1), ((None, None), 0, 1, 0)}
    assert starts == {far: NOON + HOUR}
    assert over == {99}


def test_jobs_are_found_by_what_they_are_and_in_pages(database: Database) -> None:
    numbers = add(database, order(), order("far"), order(principal="p"), order(operation="gc"))
    with database.read() as facts:

        def found(limit: int | None = None, **fields: object) -> list[int]:
            chosen = JobFilter(**fields)  # type: ignore[arg-type]
            return [job.id for job in facts.jobs.find(chosen, limit=limit)]

        assert found() == numbers[::-1]
        assert found(resource="far", kind="namespace") == [numbers[1]]
        assert found(principal="p") == [numbers[2]]
        assert found(operation="gc", status=JobStatus.QUEUED) == [numbers[3]]
        assert found(limit=2, before=numbers[3]) == [numbers[2], numbers[1]]


def test_events_are_numbered_within_a_job_whoever_appends(database: Database) -> None:
    first, second = add(database, order(), order())

    def append(name: int) -> None:
        said = [
            JobEvent(number=0, at=NOON, kind=EventKind.SAY, text=f"{name} {i}") for i in range(5)
        ]
        with database.note() as facts:
            facts.job_events.add(first, said)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, range(4)))
    with database.note() as facts:
        facts.job_events.add(second, [JobEvent(number=0, at=NOON, kind=EventKind.SAY, text="s")])
        assert [each.number for each in facts.job_events.after(first)] == list(range(1, 21))
        assert [each.number for each in facts.job_events.after(first, 18)] == [19, 20]
        assert [each.text for each in facts.job_events.after(second)] == ["s"]
        facts.jobs.remove([first])
        facts.job_events.add(first, [JobEvent(number=0, at=NOON, kind=EventKind.SAY)])
        assert facts.job_events.after(first) == []


def test_a_job_that_failed_has_as_many_attempts_again(database: Database) -> None:
    (number,) = add(database, order(most_attempts=1))
    got = claim(database, number)
    with database.note() as facts:
        assert not facts.jobs.again(number, at=NOON, more_attempts=3, by=ADA), "it runs"
        facts.jobs.end(got, JobStatus.FAILED, at=NOON, phases={})
        assert facts.jobs.again(number, at=NOON + HOUR, more_attempts=3, by=BEN)
        job = facts.jobs.get(number)
    assert (job.status, job.attempts, job.most_attempts) == (JobStatus.QUEUED, 1, 4)
    assert claim(database, number).attempt == 2


def test_a_worker_is_taken_for_dead_once(database: Database) -> None:
    with database.note() as facts:
        assert not facts.workers.any()
        facts.workers.begin("one", host="here", queues=["default"], slots=2, at=NOON)
        facts.workers.begin("two", host="there", queues=["gpu", "default"], slots=1, at=NOON)
        assert facts.workers.beat("two", at=NOON + HOUR)
        assert facts.workers.heartbeats() == {"one": NOON, "two": NOON + HOUR}
        assert facts.workers.end("one", at=NOON)
        assert facts.workers.heartbeats() == {"two": NOON + HOUR}
        assert not facts.workers.end("one", at=NOON)
        assert not facts.workers.beat("one", at=NOON + HOUR)
        lines = {each.id: each for each in facts.workers.list(alive_since=NOON + HOUR / 2)}
    assert (lines["one"].alive, lines["two"].alive) == (False, True)
    assert lines["two"].queues == ("gpu", "default")


def test_schedules_have_names_of_their_own(database: Database) -> None:
    nightly = Schedule(
        name="nightly",
        operation="gc",
        arguments={"dry_run": True},
        cron="0 3 * * *",
        enabled=True,
        created_at=NOON,
        created_by="ada",
    )
    with database.note() as facts:
        facts.schedules.add(nightly)
        with pytest.raises(ScheduleExists):
            facts.schedules.add(nightly)
        assert facts.schedules.list() == [nightly]
        facts.schedules.ran("nightly", at=NOON, job=7)
        assert facts.schedules.get("nightly").last_job == 7
        facts.schedules.remove("nightly")
        with pytest.raises(NoSuchSchedule):
            facts.schedules.enable("nightly", enabled=False, at=NOON)
