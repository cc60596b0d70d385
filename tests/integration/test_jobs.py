"""Jobs, carried out by real workers: results, errors, logs, limits, and an end in every state."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.server import Slow
from tests.support.synthetic import Lab, small_channel, small_lab
from tests.support.workers import ADA, Jobs, jobs_of, worker

from condarium.app import App, operations
from condarium.jobs.asking import changing, explaining, watching
from condarium.jobs.asking.changing import NothingToRetry
from condarium.model.document import Document
from condarium.model.jobs import EventKind, JobStatus, Placing
from condarium.model.names import EnvironmentName
from condarium.model.plain import to_plain
from condarium.storage.work.jobs import NoSuchJob


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("jobs")
    with small_lab(folder, small_channel(folder / "channel")) as lab:
        yield lab


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    with jobs_of(tmp_path) as jobs:
        yield jobs


def spec(lab: Lab, *dependencies: str) -> Document:
    path = Path(lab.spec(*dependencies))
    return Document(path.name, path.read_bytes())


@contextmanager
def slowed(lab: Lab) -> Iterator[None]:
    """Have the fetching of packages take long."""
    lab.server.fault("*.conda", Slow(bytes_per_second=30_000))
    try:
        yield
    finally:
        lab.server.heal()


def names(jobs: Jobs) -> list[str]:
    """The environments that there are."""
    with jobs.store.database.read() as facts:
        return [str(each.name) for each in facts.environments.all()]


def generations(jobs: Jobs, name: str = "lab/fit") -> list[int]:
    with jobs.store.database.read() as facts:
        found = facts.environments.generations(EnvironmentName.parse(name))
    return [each.number for each in found]


def test_a_job_answers_what_the_operation_does(jobs: Jobs, lab: Lab) -> None:
    with worker(jobs.store):
        job = jobs.ended(jobs.submit("env build", environment="lab/fit", file=spec(lab, "tool")))
    assert job.status is JobStatus.SUCCEEDED
    arguments = {"environment": EnvironmentName("lab", "fit"), "file": spec(lab, "tool")}
    app = App(jobs.store.settings, actor=ADA, store=jobs.store)
    again = app.call(operations()["env build"], arguments)
    assert not again.changed
    assert job.result == to_plain(again) | {
        name: job.result[name] for name in ("changed", "solved", "changes", "phases")
    }
    assert (job.kind, job.resource, job.target) == ("namespace", "lab", "lab/fit")
    assert job.attempts == 1
    assert {"start", "link"} <= set(job.phases), job.phases


def test_one_that_was_cancelled_is_retried_by_the_same_worker(jobs: Jobs, lab: Lab) -> None:
    with worker(jobs.store, "--slots", "2"):
        with slowed(lab):
            number = jobs.submit("env build", environment="lab/fit", file=spec(lab, "big"))
            jobs.until(number, lambda _: "fetch" in jobs.said(number))
            changing.cancel(jobs.store, watching.job(jobs.store, number), actor=ADA)
            changing.retry(jobs.store, watching.job(jobs.store, number), actor=ADA)
        job = jobs.ended(number)
    assert (job.status, job.attempts) == (JobStatus.SUCCEEDED, 2), jobs.said(number)
    assert "its worker lost it" not in jobs.said(number)


def test_an_error_is_kept_with_what_it_carries(jobs: Jobs, lab: Lab) -> None:
    with worker(jobs.store):
        job = jobs.ended(jobs.submit("env build", environment="lab/fit", file=spec(lab, "none")))
    assert job.status is JobStatus.FAILED
    assert job.error
    assert job.error.code == "unsolvable"
    assert "none" in job.error.message
    assert job.attempts == 1, "what cannot succeed is not tried again"


def test_its_log_says_what_happens_and_can_be_read_from_anywhere(jobs: Jobs, lab: Lab) -> None:
    with worker(jobs.store):
        number = jobs.submit("env build", environment="lab/fit", file=spec(lab, "tool"))
        jobs.ended(number)
    events = watching.events_after(jobs.store, number)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [event.text for event in events if event.kind is EventKind.STATUS] == [
        "queued",
        "running",
        "succeeded",
    ]
    assert any(event.kind is EventKind.PHASE for event in events)
    assert watching.events_after(jobs.store, number, 3) == events[3:]


def test_too_much_time_ends_a_job_and_all_that_it_started(tmp_path: Path, lab: Lab) -> None:
    with jobs_of(tmp_path, CONDARIUM_JOB_TIME="1s") as jobs, worker(jobs.store), slowed(lab):
        job = jobs.ended(jobs.submit("env build", environment="lab/fit", file=spec(lab, "big")))
    assert job.error
    assert job.error.code == "too-much-time"
    assert "1 seconds" in job.error.message
    assert job.attempts == 1


def test_too_much_memory_ends_a_job(tmp_path: Path, lab: Lab) -> None:
    with jobs_of(tmp_path, CONDARIUM_JOB_MEMORY="1M") as jobs, worker(jobs.store), slowed(lab):
        job = jobs.ended(jobs.submit("env build", environment="lab/fit", file=spec(lab, "big")))
    assert job.error
    assert job.error.code == "too-much-memory"
    assert "expected at most 1000000 bytes" in job.error.message


def test_a_job_that_waits_says_why_and_is_cancelled_at_once(jobs: Jobs) -> None:
    number = jobs.submit("gc")
    job = explaining.with_reasons(jobs.store, watching.job(jobs.store, number))
    assert job.reasons == (explaining.NO_WORKER,)
    assert changing.cancel(jobs.store, job, actor=ADA).status is JobStatus.CANCELLED
    with worker(jobs.store):
        assert jobs.ended(jobs.submit("gc")).status is JobStatus.SUCCEEDED
    assert watching.job(jobs.store, number).attempts == 0


def test_a_job_that_runs_is_cancelled_and_leaves_the_store_whole(jobs: Jobs, lab: Lab) -> None:
    with worker(jobs.store), slowed(lab):
        number = jobs.submit("env build", environment="lab/fit", file=spec(lab, "big"))
        jobs.until(number, lambda job: any("fetch" in text for text in jobs.said(number)))
        cancelled = changing.cancel(jobs.store, watching.job(jobs.store, number), actor=ADA)
        assert cancelled.status is JobStatus.CANCELLED
        assert jobs.ended(jobs.submit("gc")).status is JobStatus.SUCCEEDED
    assert names(jobs) == []


def test_one_that_has_ended_stays_as_it_is_when_it_is_cancelled(jobs: Jobs) -> None:
    with worker(jobs.store):
        job = jobs.ended(jobs.submit("gc"))
    assert changing.cancel(jobs.store, job, actor=ADA) == job


def test_jobs_are_removed_in_every_state(jobs: Jobs, lab: Lab) -> None:
    with worker(jobs.store, "--slots", "1"), slowed(lab):
        running = jobs.submit("env build", environment="lab/fit", file=spec(lab, "big"))
        jobs.running(running)
        waiting = jobs.submit("gc")
        for number in (waiting, running):
            changing.remove(jobs.store, watching.job(jobs.store, number), actor=ADA)
            with pytest.raises(NoSuchJob):
                watching.job(jobs.store, number)
        ended = jobs.ended(jobs.submit("gc"))
        changing.remove(jobs.store, ended, actor=ADA)
        assert watching.events_after(jobs.store, ended.id) == []


def test_a_failed_job_is_carried_out_anew(jobs: Jobs, lab: Lab) -> None:
    with worker(jobs.store):
        number = jobs.submit("env build", environment="lab/fit", file=spec(lab, "none"))
        failed = jobs.ended(number)
        changing.retry(jobs.store, failed, actor=ADA)
        again = jobs.until(number, lambda job: job.status.ended and job.attempts == 2)
        assert again.error == failed.error
        done = jobs.ended(jobs.submit("gc"))
    with pytest.raises(NothingToRetry):
        changing.retry(jobs.store, done, actor=ADA)


def test_a_queue_has_workers_of_its_own(jobs: Jobs) -> None:
    number = jobs.submit("gc", placing=Placing(queue="gpu"))
    with worker(jobs.store):
        jobs.ended(jobs.submit("gc"))
        waits = explaining.with_reasons(jobs.store, watching.job(jobs.store, number))
        assert waits.reasons == ("no worker takes jobs of the queue gpu",)
        with worker(jobs.store, "--queue", "gpu,long"):
            assert jobs.ended(number).status is JobStatus.SUCCEEDED


def test_a_worker_that_is_stopped_hands_its_jobs_to_others(jobs: Jobs, lab: Lab) -> None:
    with worker(jobs.store) as first, slowed(lab):
        number = jobs.submit("env build", environment="lab/fit", file=spec(lab, "big"))
        jobs.running(number)
        assert first.stop() == 0
        assert watching.job(jobs.store, number).status is JobStatus.QUEUED
        assert watching.job(jobs.store, number).most_attempts == 4, "that one was not its fault"
    with worker(jobs.store):
        assert jobs.ended(number).status is JobStatus.SUCCEEDED
    assert generations(jobs) == [1]
