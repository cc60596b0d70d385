"""A job runs with the rights that its asker has when it begins."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.people import Caller, someone, user
from tests.support.workers import Jobs, jobs_of, worker

from condarium.access.identities import BadToken, PrincipalDisabled, actor_of_token
from condarium.errors import CondariumError, NotPermitted
from condarium.jobs.asking.room import TooManyJobs
from condarium.jobs.carrying_out.running import Attempt
from condarium.jobs.carrying_out.standing import asker, refusal
from condarium.model.actor import NOBODY_IN_PARTICULAR, JobClaim
from condarium.model.document import Document
from condarium.model.jobs import JobError, JobStatus
from condarium.storage import tables
from condarium.storage.store import Store
from condarium.storage.work.jobs import AskerGone, NoSuchJob

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
        asker(jobs.store, order, claim)


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


def test_a_job_goes_on_only_while_its_asker_may_have_it(jobs: Jobs) -> None:
    """What the worker asks at each heartbeat, and each change of the job when it is made."""
    owner, store = Caller(jobs.store), jobs.store
    token = someone(store, "ada")("token create", name="ci")
    actor = actor_of_token(store, token.secret)
    number = submit(jobs, actor=actor)
    with store.database.note() as facts:
        order, claim = facts.jobs.order(number), facts.jobs.claim(number, "one", at=store.now())
    assert claim
    working = asker(store, order, claim)
    assert refusal(store, order) is None
    owner("access unbind", subject="ada", role="editor", namespace="lab")
    assert isinstance(refusal(store, order), NotPermitted)
    named = replace(order, operation="env archive", arguments={"environment": "lab/fit"})
    assert isinstance(refusal(store, named), NotPermitted), "also where nothing is seen any more"
    owner("access bind", subject="ada", role="editor", namespace="lab")
    with store.database.change(working, "env build", "lab/fit"):
        pass
    owner("token revoke", id_=actor.token)
    assert isinstance(refusal(store, order), BadToken)
    with pytest.raises(AskerGone), store.database.change(working, "env build", "lab/fit"):
        pass
    owner("user disable", name="ada")
    assert isinstance(refusal(store, replace(order, token=None)), PrincipalDisabled)


def test_a_job_that_may_not_go_on_says_why_it_failed(jobs: Jobs) -> None:
    attempt = Attempt(jobs.store, None, JobClaim(job=1, attempt=1))  # type: ignore[arg-type]
    attempt.refuse(JobError(code="bad-token", message="the token was revoked"))
    ended = attempt._outcome(None)
    assert ended["status"] == "failed"
    assert ended["error"]["code"] == "bad-token"


def test_who_retries_a_job_has_it_carried_out_with_their_own_rights(jobs: Jobs) -> None:
    user(Caller(jobs.store), "cay", lab="editor")
    number = submit(jobs, actor=someone(jobs.store, "ada").app.actor)
    cay = someone(jobs.store, "cay")
    cay("job cancel", job=number)
    cay("job retry", job=number)
    with jobs.store.database.read() as facts:
        assert facts.jobs.order(number).principal == cay.app.actor.who.id


def test_who_makes_a_namespace_anew_has_none_of_the_jobs_of_the_one_before(jobs: Jobs) -> None:
    owner = Caller(jobs.store)
    number = submit(jobs, actor=someone(jobs.store, "ada").app.actor)
    owner("namespace remove", name="lab")
    owner("namespace create", name="lab")
    owner("access bind", subject="ben", role="admin", namespace="lab")
    with pytest.raises(NoSuchJob):
        someone(jobs.store, "ben")("job show", job=number)
    assert someone(jobs.store, "ada")("job show", job=number).resource is None


@pytest.mark.parametrize(
    ("variable", "limit", "unit"),
    [("CONDARIUM_JOBS_WAITING", "1", "jobs"), ("CONDARIUM_DOCUMENTS_WAITING", "60", "bytes")],
)
def test_nobody_fills_the_queue(jobs: Jobs, variable: str, limit: str, unit: str) -> None:
    ada = someone(jobs.store, "ada").app.actor
    settings = jobs.store.settings
    bounded = replace(settings, environ={**settings.environ, variable: limit})
    with closing(Store(bounded)) as store:
        submit(Jobs(store), actor=ada)
        with pytest.raises(TooManyJobs, match=unit):
            submit(Jobs(store), actor=ada)
        submit(Jobs(store))  # the store's owner
