"""A job runs with the rights that its asker has when it begins."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.people import Caller, someone, user
from tests.support.workers import Jobs, jobs_of, worker

from condarium.access.identities import BadToken, actor_of_token
from condarium.errors import CondariumError
from condarium.jobs.carrying_out.child import Task, _actor
from condarium.model.actor import NOBODY_IN_PARTICULAR
from condarium.model.document import Document
from condarium.model.jobs import JobStatus
from condarium.storage import tables

SPEC = Document("e.yml", b"channels: [/nowhere]\ndependencies: []\n")


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    with jobs_of(tmp_path) as jobs:
        owner = Caller(jobs.store)
        owner("namespace create", name="lab")
        user(owner, "ada", lab="editor")
        user(owner, "ben")
        yield jobs


def submit(jobs: Jobs, **given: object) -> int:
    return jobs.submit("env build", environment="lab/fit", file=SPEC, **given)  # type: ignore[arg-type]


def test_what_one_may_not_do_does_not_become_a_job(jobs: Jobs) -> None:
    for actor in (someone(jobs.store, "ben").app.actor, NOBODY_IN_PARTICULAR):
        with pytest.raises(CondariumError) as refused:
            submit(jobs, actor=actor)
        assert refused.value.code in ("no-such-namespace", "not-permitted")
    with jobs.store.database.read() as facts:
        assert facts.jobs.running() == []
        assert facts.jobs.oldest_waiting(["default"], now=jobs.store.now()) == []


def test_a_token_that_expired_while_the_job_waited_does_nothing(jobs: Jobs) -> None:
    token = someone(jobs.store, "ada")("token create", name="ci")
    actor = actor_of_token(jobs.store, token.secret)
    number = submit(jobs, actor=actor)
    with jobs.store.database.note() as facts:
        order = facts.jobs.order(number)
        past = jobs.store.now() - timedelta(seconds=1)
        expired = tables.tokens.update().where(tables.tokens.c.id == actor.token)
        facts._connection.execute(expired.values(expires_at=past))
        claim = facts.jobs.claim(number, "one", at=jobs.store.now())
    assert claim
    with pytest.raises(BadToken, match="expired"):
        _actor(jobs.store, Task(settings=jobs.store.settings, order=order, claim=claim))


def test_a_token_that_was_revoked_and_an_account_that_was_disabled_do_nothing(jobs: Jobs) -> None:
    owner = Caller(jobs.store)
    token = someone(jobs.store, "ada")("token create", name="ci")
    actor = actor_of_token(jobs.store, token.secret)
    allowed, revoked = submit(jobs, actor=actor), submit(jobs, actor=actor)
    with worker(jobs.store):
        tried = jobs.ended(allowed)
        assert tried.actor == "ada"
        assert tried.error is None or tried.error.code not in ("bad-token", "not-permitted")
        jobs.ended(revoked)
    again, disabled = (
        submit(jobs, actor=actor),
        submit(jobs, actor=someone(jobs.store, "ada").app.actor),
    )
    owner("token revoke", id_=actor.token)
    with worker(jobs.store):
        failed = jobs.ended(again)
        assert failed.status is JobStatus.FAILED
        assert failed.error
        assert failed.error.code == "bad-token"
        assert "revoked" in failed.error.message
        jobs.ended(disabled)
    last = submit(jobs, actor=someone(jobs.store, "ada").app.actor)
    owner("user disable", name="ada")
    with worker(jobs.store):
        failed = jobs.ended(last)
        assert failed.error
        assert failed.error.code == "principal-disabled"
