"""A job's log: what is asked for of it, what is told as it comes, and how that looks."""

import io
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.scripted import Heard

from condarium.app import operations
from condarium.cli.output import Output
from condarium.cli.page import Page
from condarium.cli.progress import Lines, Told
from condarium.cli.render.jobs import job_event
from condarium.jobs.asking import submitting
from condarium.jobs.asking.reading import NoSuchPhase, follow, log_of
from condarium.model.actor import Actor
from condarium.model.jobs import EventKind, Job, JobEvent
from condarium.model.progress import Listener
from condarium.settings import Settings
from condarium.storage.store import Store

AT = datetime(2026, 3, 2, 11, 59, 59, 999_000, tzinfo=UTC)


def event(kind: EventKind, text: str, phase: str = "solve") -> JobEvent:
    return JobEvent(number=0, at=AT, kind=kind, phase=phase, text=text)


EVENTS = (
    event(EventKind.PHASE, "solve"),
    event(EventKind.LOG, "+ numpy 2.4.6 (linux-64)"),
    event(EventKind.PHASE, "fetch", "fetch"),
    event(EventKind.SAY, "first\nsecond", "fetch"),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    settings = Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store")
    with closing(Store(settings)) as store:
        yield store


@pytest.fixture
def job(store: Store) -> Job:
    """One that has ended, after some events."""
    job = submitting.submit(store, Actor(name="ada"), operations()["gc"], {})
    with store.database.note() as facts:
        facts.job_events.add(job.id, EVENTS)
        facts.jobs.cancel(job.id, at=store.now(), by="ada")
    return job


def test_details_are_in_the_log_of_their_phase(store: Store, job: Job) -> None:
    said = [each.text for each in log_of(store, job, phase="solve", grep="NUMPY").events]
    assert said == ["+ numpy 2.4.6 (linux-64)"]


def test_a_phase_that_there_is_not_is_refused_with_those_there_are(store: Store, job: Job) -> None:
    with pytest.raises(NoSuchPhase) as caught:
        log_of(store, job, phase="nope", grep=None)
    assert caught.value.hint == "Its phases: solve, fetch."
    with pytest.raises(NoSuchPhase):
        follow(store, job, phase="nope", grep=None, progress=Heard())


def test_following_one_that_has_ended_tells_everything(store: Store, job: Job) -> None:
    heard: list[str] = []
    told = Told(io.StringIO(), lambda event: heard.append(event.text))
    follow(store, job, phase=None, grep=None, progress=told)
    assert heard[-4:] == [each.text for each in EVENTS]
    progress = Heard()
    follow(store, job, phase="solve", grep="numpy", progress=progress)
    assert progress.all == [("log", "+ numpy 2.4.6 (linux-64)")]


def test_only_who_wants_events_is_given_them() -> None:
    assert isinstance(Told(io.StringIO(), lambda _: None), Listener)
    assert not isinstance(Lines(io.StringIO()), Listener)


def test_lines_of_a_text_stay_lines_and_instants_are_cut_off() -> None:
    page = Page(now=AT)
    for each in EVENTS[2:]:
        job_event(each, page)
    assert page.text().splitlines() == [
        "2026-03-02T11:59:59Z fetch",
        "2026-03-02T11:59:59Z   first",
        "                       second",
    ]


def test_with_json_each_event_is_an_object_on_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(json=True, color=False, debug=False, follows=True)
    progress = output.progress(quiet=False)
    assert isinstance(progress, Listener)
    for each in EVENTS:
        progress.hear(each)
    found = [json.loads(line)["text"] for line in capsys.readouterr().out.splitlines()]
    assert found == [each.text for each in EVENTS]
