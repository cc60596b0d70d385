"""Workers that are killed, at every step of a job: nothing is lost, done twice, or left running."""

import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from tests.support.mortal import STEPS
from tests.support.postgresql import Server
from tests.support.server import Slow
from tests.support.synthetic import Lab, small_channel, small_lab
from tests.support.workers import ADA, Jobs, jobs_of, worker

from condarium.errors import DatabaseFailed
from condarium.jobs.asking import changing, watching
from condarium.jobs.carrying_out.claiming import claim_next
from condarium.jobs.carrying_out.settling import take_from_dead
from condarium.model.document import Document
from condarium.model.jobs import Job, JobStatus
from condarium.model.names import EnvironmentName


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("jobs")
    with small_lab(folder, small_channel(folder / "channel")) as lab:
        yield lab


def spec(lab: Lab, *dependencies: str) -> Document:
    path = Path(lab.spec(*dependencies))
    return Document(path.name, path.read_bytes())


def generations(jobs: Jobs, name: str = "lab/fit") -> int:
    with jobs.store.database.read() as facts:
        return len(facts.environments.generations(EnvironmentName.parse(name)))


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_workers_job_is_taken_over_and_done_once(
    step: str, tmp_path: Path, lab: Lab
) -> None:
    with jobs_of(tmp_path) as jobs:
        number = jobs.submit("env build", environment="lab/fit", file=spec(lab, "text"))
        with worker(jobs.store, die=step) as first:
            assert first.died() == -9
        with worker(jobs.store):
            job = jobs.ended(number)
            assert job.status is JobStatus.SUCCEEDED
            assert job.result["generation"] == 1
            assert job.attempts == (1 if step in ("claim", "settled") else 2)
            assert jobs.ended(jobs.submit("gc")).status is JobStatus.SUCCEEDED
        assert generations(jobs) == 1
        assert (jobs.store.layout.environments / "lab" / "fit").resolve(strict=True).is_dir()
        statuses = [text for text in jobs.said(number) if text in list(JobStatus)]
        assert statuses.count("succeeded") == 1


def test_a_job_that_kills_each_worker_fails_in_the_end(tmp_path: Path, lab: Lab) -> None:
    with jobs_of(tmp_path, CONDARIUM_JOB_ATTEMPTS="2") as jobs:
        number = jobs.submit("env build", environment="lab/fit", file=spec(lab, "text"))
        deaths = sum(1 for _ in iter(lambda: take_and_die(jobs), False))
        job = watching.job(jobs.store, number)
        assert job.error
        assert job.error.code == "tried-too-often"
        assert "fell silent" in job.error.message
        assert 10 <= deaths == job.attempts <= 12, "it is rarely a job's doing, and may be"
        with worker(jobs.store):
            changing.retry(jobs.store, job, actor=ADA)
            again = jobs.until(number, lambda each: each.status.ended and each.attempts > deaths)
            assert again.status is JobStatus.SUCCEEDED


def take_and_die(jobs: Jobs) -> bool:
    """Begin a job as a worker that is then taken for dead; False where none waits."""
    store, name = jobs.store, f"w{secrets.token_hex(4)}"
    with store.database.note() as facts:
        facts.workers.begin(name, host="there", queues=["default"], slots=1, at=store.now())
    begun = claim_next(store, name, ["default"], 1)
    return begun is not None and take_from_dead(store, name, why=f"the worker {name} fell silent")


def test_a_killed_process_of_a_job_is_tried_again(tmp_path: Path, lab: Lab) -> None:
    with jobs_of(tmp_path) as jobs, worker(jobs.store) as only:
        lab.server.fault("*.conda", Slow(bytes_per_second=30_000))
        number = jobs.submit("env build", environment="lab/fit", file=spec(lab, "big"))
        jobs.until(number, lambda _: "fetch" in jobs.said(number))
        for process in _jobs_of(only.process.pid):
            os.kill(process, signal.SIGKILL)
        lab.server.heal()
        job = jobs.ended(number)
        assert job.status is JobStatus.SUCCEEDED
        assert any("ended without a word" in text for text in jobs.said(number))


def _jobs_of(worker: int) -> list[int]:
    """The processes of a worker's jobs: its child's children."""
    return [job for child in _children(worker) for job in _children(child)]


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def test_a_silent_worker_cannot_commit_what_was_taken_from_it(tmp_path: Path, lab: Lab) -> None:
    """It is stopped, not dead: when it goes on, its job is another's."""
    with jobs_of(tmp_path) as jobs, worker(jobs.store) as first:
        lab.server.fault("*.conda", Slow(bytes_per_second=90_000))
        number = jobs.submit("env build", environment="lab/fit", file=spec(lab, "big"))
        jobs.until(number, lambda _: "fetch" in jobs.said(number))
        os.kill(first.process.pid, signal.SIGSTOP)
        try:
            with worker(jobs.store):
                jobs.until(number, lambda job: job.attempts == 2)
                lab.server.heal()
                assert jobs.ended(number).status is JobStatus.SUCCEEDED
        finally:
            os.kill(first.process.pid, signal.SIGCONT)
            lab.server.heal()
        time.sleep(1.5)
        assert jobs.ended(jobs.submit("gc")).status is JobStatus.SUCCEEDED, "it goes on itself"
        assert watching.job(jobs.store, number).attempts == 2
        assert generations(jobs) == 1


def test_eight_jobs_over_two_workers_on_postgresql_one_of_which_dies(
    tmp_path: Path, lab: Lab, postgresql: Server
) -> None:
    with ExitStack() as opened:
        url = opened.enter_context(postgresql.new_database())
        jobs = opened.enter_context(jobs_of(tmp_path, CONDARIUM_DATABASE=url))
        numbers = [
            jobs.submit("env build", environment=f"lab{i % 2}/fit{i}", file=spec(lab, f"more{i}"))
            for i in range(8)
        ]
        first = opened.enter_context(worker(jobs.store, "--slots", "2"))
        opened.enter_context(worker(jobs.store, "--slots", "2"))
        jobs.until(numbers[0], lambda job: job.status is not JobStatus.QUEUED)
        time.sleep(0.5)
        first.kill()
        ended = [jobs.ended(number) for number in numbers]
        assert Counter(job.status for job in ended) == {JobStatus.SUCCEEDED: 8}
        assert [generations(jobs, f"lab{i % 2}/fit{i}") for i in range(8)] == [1] * 8
        with jobs.store.database.read() as facts:
            assert facts.jobs.running() == []


def test_connections_to_the_database_that_end_lose_nothing(
    tmp_path: Path, lab: Lab, postgresql: Server
) -> None:
    with (
        postgresql.new_database() as url,
        jobs_of(tmp_path, CONDARIUM_DATABASE=url) as jobs,
        worker(jobs.store, "--slots", "2") as only,
    ):
        numbers = [
            jobs.submit("env build", environment=f"lab/fit{i}", file=spec(lab, f"more{i}"))
            for i in range(4)
        ]
        jobs.until(numbers[0], lambda job: job.status is not JobStatus.QUEUED)
        for _ in range(3):
            postgresql.end_connections()
            time.sleep(0.7)
        ended = [_patiently(jobs, number) for number in numbers]
        assert Counter(job.status for job in ended) == {JobStatus.SUCCEEDED: 4}
        assert [generations(jobs, f"lab/fit{i}") for i in range(4)] == [1] * 4
        assert only.process.poll() is None


def _patiently(jobs: Jobs, number: int) -> Job:
    """The job when it has ended; one's own connections were ended too."""
    for _ in range(20):
        with suppress(DatabaseFailed):
            return jobs.ended(number, 60)
    raise AssertionError("the database does not answer")
