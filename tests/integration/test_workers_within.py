"""What a worker does by itself: its jobs' logs have bounds, and one that ends is begun anew."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.workers import Jobs, jobs_of

from condarium.jobs.asking import watching
from condarium.jobs.carrying_out import log_writing
from condarium.jobs.carrying_out.log_writing import LONGEST, LogWriter
from condarium.jobs.keeping import KeptWorker
from condarium.model.jobs import EventKind, JobEvent, JobStatus
from condarium.settings.worker import WorkerSettings


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    with jobs_of(tmp_path) as jobs:
        yield jobs


def test_a_log_has_so_many_events_and_no_longer_lines(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writing, "MOST", 5)
    number = jobs.submit("gc")
    writer = LogWriter(jobs.store, number)
    before = len(watching.events_after(jobs.store, number))
    for text in ("x" * (LONGEST + 10), *"abcdefgh"):
        at = jobs.store.now()
        writer.add(JobEvent(number=0, at=at, kind=EventKind.SAY, text=text))
    writer.close()
    said = [event.text for event in watching.events_after(jobs.store, number)][before:]
    assert said[0] == "x" * LONGEST + "…cut"
    assert said[1:4] == ["a", "b", "c"]
    assert len(said) == 5
    assert said[-1].startswith("…cut")


def test_a_worker_that_ends_by_itself_is_begun_anew(jobs: Jobs) -> None:
    kept = KeptWorker.start(jobs.store, WorkerSettings.read(jobs.environ))
    try:
        first = kept.worker
        first.error = RuntimeError("something unexpected")
        first.end()
        until = time.monotonic() + 20
        while kept.worker is first and time.monotonic() < until:
            time.sleep(0.05)
        assert kept.worker is not first
        assert jobs.ended(jobs.submit("gc")).status is JobStatus.SUCCEEDED
    finally:
        kept.stop()
