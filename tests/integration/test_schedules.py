"""Schedules, by a clock that stands still until it is told to go on."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.hosting import NOON, Clock, hosted_store
from tests.support.people import store_with_administrator

from condarium.app import operations
from condarium.errors import NotPermitted
from condarium.jobs import scheduling
from condarium.jobs.asking import changing
from condarium.jobs.asking.arguments import NotAJob, unpack
from condarium.jobs.asking.command_lines import BadCommand, read_command
from condarium.jobs.scheduling import BadCron
from condarium.model.access.permissions import Permission, Role, ThingKind
from condarium.model.access.principals import (
    Binding,
    Principal,
    PrincipalKind,
    Scope,
    SubjectKind,
)
from condarium.model.actor import Actor, JobClaim
from condarium.model.jobs import JobFilter, JobStatus
from condarium.storage.store import Store
from condarium.values import BadArgument

ADA = Actor(name="ada")
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with hosted_store(tmp_path, clock) as store:
        yield store


def create(store: Store, name: str, command: str, cron: str, actor: Actor = ADA) -> None:
    operation, arguments = read_command(command, operations())
    scheduling.create(store, name, operation, arguments, cron=cron, actor=actor)


def test_what_is_due_becomes_a_job_once(store: Store, clock: Clock) -> None:
    create(store, "tidy", "gc --dry-run", "30 13 * * *")
    assert scheduling.submit_due(store) == []
    clock.advance(timedelta(hours=1, minutes=30))
    (job,) = scheduling.submit_due(store)
    assert (job.operation, job.actor, job.schedule) == ("gc", "schedule tidy", "tidy")
    assert scheduling.submit_due(store) == [], "another worker comes, or the same one again"
    with store.database.read() as facts:
        order = facts.jobs.order(job.id)
        schedule = scheduling.with_next(facts.schedules.get("tidy"))
    assert unpack(operations()["gc"], order.arguments, store.blobs) == {"dry_run": True}
    assert schedule.last_job == job.id
    assert schedule.next_at == NOON + DAY + timedelta(hours=1, minutes=30)


def test_what_was_missed_several_times_is_done_once(store: Store, clock: Clock) -> None:
    create(store, "tidy", "gc", "0 * * * *")
    clock.advance(10 * DAY)
    assert len(scheduling.submit_due(store)) == 1
    assert scheduling.submit_due(store) == []


def test_one_that_is_off_does_nothing_and_catches_up_on_nothing(store: Store, clock: Clock) -> None:
    create(store, "tidy", "gc", "0 * * * *")
    assert scheduling.switch(store, "tidy", enabled=False, actor=ADA).next_at is None
    clock.advance(DAY)
    assert scheduling.submit_due(store) == []
    again = scheduling.switch(store, "tidy", enabled=True, actor=ADA)
    assert again.next_at == NOON + DAY + timedelta(hours=1)
    assert scheduling.submit_due(store) == []
    job = scheduling.run(store, "tidy", actor=ADA)
    assert job.status is JobStatus.QUEUED


def test_a_new_store_is_kept_tidy(store: Store, clock: Clock) -> None:
    with store.database.note() as facts:
        scheduling.add_builtin(facts, at=store.now())
        scheduling.add_builtin(facts, at=store.now())
    clock.advance(DAY)
    due = {job.operation for job in scheduling.submit_due(store)}
    assert due == {"gc", "job prune", "grant review-due"}


def test_one_that_cannot_become_a_job_is_turned_off_and_says_why(
    store: Store, clock: Clock
) -> None:
    create(store, "tidy", "gc", "0 * * * *")
    with store.database.note() as facts:
        for name, operation, cron in (("a", "gone away", "0 * * * *"), ("b", "gc", "R * * * *")):
            tidy = facts.schedules.get("tidy")
            facts.schedules.add(replace(tidy, name=name, operation=operation, cron=cron))
    clock.advance(DAY)
    assert [job.schedule for job in scheduling.submit_due(store)] == ["tidy"]
    with store.database.read() as facts:
        listed = {each.name: scheduling.with_next(each) for each in facts.schedules.list()}
    assert {name: each.enabled for name, each in listed.items()} == {
        "a": False, "b": False, "tidy": True,
    }  # fmt: skip
    assert "gone away" in (listed["a"].problem or "")
    assert listed["tidy"].problem is None


def test_old_jobs_are_forgotten_and_others_kept(store: Store, clock: Clock) -> None:
    create(store, "tidy", "gc", "0 * * * *")
    jobs = [scheduling.run(store, "tidy", actor=ADA).id for _ in range(3)]
    with store.database.note() as facts:
        facts.jobs.claim(jobs[0], "one", at=clock.now)
        claim = JobClaim(job=jobs[0], attempt=1)
        facts.jobs.end(claim, JobStatus.SUCCEEDED, at=clock.now, phases={})
    clock.advance(89 * DAY)
    assert changing.prune(store, actor=ADA).count == 0
    clock.advance(2 * DAY)
    assert changing.prune(store, actor=ADA).count == 1
    with store.database.read() as facts:
        assert [job.id for job in facts.jobs.find(JobFilter())] == jobs[:0:-1]


@pytest.mark.parametrize(
    ("command", "cron", "error"),
    [
        ("gc", "every day", BadCron),
        ("gc", "61 * * * *", BadCron),
        ("gc", "* * * * * *", BadCron),
        ("gc", "R * * * *", BadCron),
        ("gc", "0 0 l * *", BadCron),
        ("gc", "0 0 * * 5#2", BadCron),
        ("serve", "0 3 * * *", NotAJob),
        ("env list", "0 3 * * *", NotAJob),
        ("env run lab/fit true", "0 3 * * *", NotAJob),
        ("", "0 3 * * *", BadCommand),
        ("gcc", "0 3 * * *", BadCommand),
        ("gc 'half", "0 3 * * *", BadCommand),
        ("gc --dry", "0 3 * * *", BadCommand),
        ("gc now", "0 3 * * *", BadCommand),
        ("gc --dry-run=perhaps", "0 3 * * *", BadArgument),
        ("env restore", "0 3 * * *", BadCommand),
    ],
)
def test_what_cannot_be_scheduled_is_refused_at_once(
    command: str, cron: str, error: type[Exception], store: Store
) -> None:
    with pytest.raises(error):
        create(store, "wrong", command, cron)


def test_a_backup_can_be_scheduled_and_is_shown_as_it_was_asked_for(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    from condarium.cli.page import Page
    from condarium.cli.render.jobs import schedule_list

    create(
        store,
        "nightly",
        f"backup {tmp_path / 'kept here'}".replace(" here", "\\ here"),
        "0 1 * * *",
    )
    create(store, "weekly", f"backup prune {tmp_path} --keep-last 7 --dry-run", "0 2 * * 0")
    clock.advance(DAY)
    (job,) = scheduling.submit_due(store)
    assert job.operation == "backup"
    page = Page(now=clock())
    with store.database.read() as facts:
        schedule_list(tuple(map(scheduling.with_next, facts.schedules.list())), page)
    assert f"backup '{tmp_path}/kept here'" in page.text()
    assert f"backup prune {tmp_path} --keep-last 7 --dry-run" in page.text()
    assert "2026-03-02T" in page.text()


def test_who_may_not_do_a_thing_may_not_schedule_it(store: Store) -> None:
    """A schedule has the rights of the store's owner: a narrowed token does not reach so far."""
    binding = Binding(
        subject_kind=SubjectKind.PRINCIPAL,
        subject="b",
        role=Role.ADMINISTRATOR,
        kind=ThingKind.PLATFORM,
    )

    def with_scope(scope: Scope) -> Actor:
        who = Principal(kind=PrincipalKind.USER, id="b", name="ben", scope=scope)
        return Actor(name="ben", principal=who, bindings=(binding,))

    narrow = with_scope(Scope(permissions=frozenset({Permission.STORE_INSPECT})))
    with pytest.raises(NotPermitted):
        create(store, "tidy", "gc", "0 3 * * *", actor=narrow)
    create(store, "tidy", "gc", "0 3 * * *", actor=with_scope(Scope()))


def test_whoever_disables_an_account_is_told_of_its_schedules(store: Store) -> None:
    owner = store_with_administrator(store)
    owner("user create", name="ben")
    create(store, "nightly", "gc", "0 1 * * *", Actor(name="ben"))
    assert "nightly" in owner("user disable", name="ben").note
