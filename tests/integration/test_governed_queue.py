"""The queue of our own workers on lent machines: who is let in, whose turn it is, what it costs.

Time is set forward here; what workers and their processes do is in `test_lent_machines.py`.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.accounts import bind
from tests.support.lent_queue import QUEUE, LentQueue, lent_queue
from tests.support.people import Caller, someone, user
from tests.support.postgresql import Server

from condarium.governance.admission import leases
from condarium.governance.admission.ending import end_in
from condarium.jobs.asking import changing
from condarium.jobs.asking.explaining import with_reasons
from condarium.jobs.carrying_out.running import HANDED_BACK
from condarium.jobs.carrying_out.settling import settle, take_from_dead
from condarium.jobs.lending import using
from condarium.jobs.lending.applying import NoProject, NotAdmitted
from condarium.model.actor import Actor
from condarium.model.audit import AuditFilter, Outcome
from condarium.model.governance.admission import AdmissionState
from condarium.model.governance.amounts import CREDIT
from condarium.model.governance.grants import Conditions
from condarium.model.governance.projects import Person
from condarium.model.jobs import JobFilter, JobStatus
from condarium.storage.governance.admissions import NoSuchAdmission
from condarium.storage.governance.resources import LentToAll

HOUR = timedelta(hours=1)


@pytest.fixture
def lent(tmp_path: Path) -> Iterator[LentQueue]:
    with lent_queue(tmp_path, longest_job=4 * HOUR) as lent:
        yield lent


def test_a_job_is_admitted_runs_and_costs_what_it_took(lent: LentQueue) -> None:
    grant = lent.grant("lab")
    number = lent.submit(chain=3)
    asked = lent.admission(number)
    assert (asked.state, asked.grant, asked.job) == (AdmissionState.WAITING, grant.id, number)
    assert (asked.event, asked.chain, asked.reserved) == ("job", 3, 4 * CREDIT)
    assert (str(asked.project), str(asked.person)) == ("namespace:lab", "user:ada")
    assert lent.job(number).limits.wall_time == 4 * HOUR
    claim = lent.claim()
    running = lent.admission(number)
    assert (running.state, running.runner) == (AdmissionState.RUNNING, "one")
    lent.clock.now += HOUR / 2
    lent.ends(claim)
    ended = lent.admission(number)
    assert (ended.state, ended.cost) == (AdmissionState.ENDED, CREDIT // 2)
    assert lent.balances() == 0


def for_ben(lent: LentQueue) -> None:
    lent.grant("lab", Conditions(people=(Person.parse("user:ben#0"),)))


def for_pushes(lent: LentQueue) -> None:
    lent.grant("lab", Conditions(events=("push",)))


def suspended(lent: LentQueue) -> None:
    Caller(lent.store)("grant suspend", grant=lent.grant("lab").id, reason="misused")


def too_small(lent: LentQueue) -> None:
    lent.grant("lab", quota=3 * CREDIT)


REFUSALS: dict[str, tuple[Callable[[LentQueue], object], str]] = {
    "without a grant": (lambda _: None, "namespace:lab has no grant of gpu"),
    "another's grant": (lambda lent: lent.grant("far"), "namespace:lab has no grant of gpu"),
    "a suspended grant": (suspended, "was suspended"),
    "other people's": (for_ben, "user:ada is not among the people"),
    "other events'": (for_pushes, "event: found job; the grant is for push"),
    "a small quota": (too_small, "quota: the job may cost 4 credits, and of the 3 of"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_not_admitted_becomes_no_job_and_is_told_why(lent: LentQueue, name: str) -> None:
    prepare, said = REFUSALS[name]
    prepare(lent)
    with pytest.raises(NotAdmitted) as refused:
        lent.submit()
    assert said in refused.value.message
    asks = "ask: condarium request create -p namespace:lab#" in refused.value.message
    assert asks == ("quota" not in said)
    with lent.store.database.read() as facts:
        assert facts.jobs.find(JobFilter()) == []
        noted = facts.audit.search(AuditFilter(action="job submit"), before=None, limit=1)[0]
    assert (noted.outcome, noted.target, noted.actor) == (Outcome.REFUSED, QUEUE, "ada")
    assert said in noted.detail["reasons"]
    (kept,) = Caller(lent.store, lent.ada)("admission list")
    assert (kept.state, kept.job) == (AdmissionState.REFUSED, None)
    assert said in "; ".join(kept.reasons)
    assert lent.balances() == 0


def test_whoever_sees_into_a_namespace_sees_what_its_jobs_asked_for(lent: LentQueue) -> None:
    owner = Caller(lent.store)
    user(owner, "ben", lab="viewer")
    owner("resource change", name=QUEUE, private=True)
    with pytest.raises(NotAdmitted, match="not public"):
        lent.submit("far/fit")
    lent.grant("lab")
    job = lent.submit()
    (seen,) = someone(lent.store, "ben")("admission list")
    assert seen.job == job
    (told,) = Caller(lent.store, lent.ada)("admission list", state="refused")
    assert told.reasons == ("its machines are lent, and to whom is not public",)
    (kept,) = owner("admission list", state="refused")
    assert "has no grant of gpu" in kept.reasons[0]
    with pytest.raises(NoSuchAdmission):
        someone(lent.store, "ben")("admission show", admission=kept.id)


def test_a_job_says_how_long_it_takes_and_reserves_no_more(lent: LentQueue) -> None:
    lent.grant("lab")
    number = lent.submit(time=HOUR)
    assert lent.admission(number).reserved == CREDIT
    assert lent.job(number).limits.wall_time == HOUR
    with pytest.raises(NotAdmitted, match="time: the job may take 5:00:00"):
        lent.submit(time=5 * HOUR)


def test_a_budget_is_spent_by_jobs_that_wait_and_is_whole_again_when_they_do_not(
    lent: LentQueue,
) -> None:
    lent.grant("lab")
    lent.budget(8)
    first, _ = lent.submit(), lent.submit()
    with pytest.raises(NotAdmitted, match="budget: the job may cost 4 credits on gpu, and left"):
        lent.submit()
    changing.cancel(lent.store, lent.job(first), actor=lent.ada)
    assert lent.admission(first).state is AdmissionState.CANCELLED
    third = lent.submit()
    changing.remove(lent.store, lent.job(third), actor=lent.ada)
    assert lent.submit()
    assert lent.balances() == 0


@pytest.fixture(params=["sqlite", "postgresql"])
def narrow(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LentQueue]:
    """Room for two jobs at once, whatever facts are kept in."""
    with ExitStack() as opened:
        database = ""
        if request.param == "postgresql":
            server: Server = request.getfixturevalue("postgresql")
            database = opened.enter_context(server.new_database())
        room = {"capacity": 2, "longest_job": 4 * HOUR}
        yield opened.enter_context(lent_queue(tmp_path, database=database, **room))


def test_two_who_ask_at_once_do_not_spend_the_same(narrow: LentQueue) -> None:
    narrow.grant("lab")
    narrow.budget(8)

    def ask(number: int) -> bool:
        try:
            return bool(narrow.submit(f"lab/fit{number}"))
        except NotAdmitted:
            return False

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(ask, range(6))) == 2
    assert narrow.balances() == 0


def test_two_workers_at_once_never_run_more_than_there_is_room_for(narrow: LentQueue) -> None:
    narrow.grant("lab")
    for _ in range(6):
        narrow.submit()
    with ThreadPoolExecutor(6) as pool:
        claims = list(pool.map(narrow.claim, "abcdef"))
    jobs = [each.job for each in claims if each]
    assert len(jobs) == len(set(jobs)) == 2


def test_revoking_while_jobs_begin_and_end_leaves_nothing_behind(narrow: LentQueue) -> None:
    grant = narrow.grant("lab")
    numbers = [narrow.submit() for _ in range(6)]

    def work(name: str) -> None:
        for _ in range(3):
            if claim := narrow.claim(name):
                narrow.ends(claim)

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(work, name) for name in "ab"]
        done.append(pool.submit(narrow.revoke, grant, running=True))
        for each in done:
            each.result()
    assert all(narrow.job(number).status.ended for number in numbers)
    assert all(narrow.admission(number).state.over for number in numbers)
    assert narrow.balances() == 0


def test_an_order_has_a_digest_of_all_that_is_to_be_done(lent: LentQueue) -> None:
    lent.grant("lab")
    one, same, other = (lent.submit(f"lab/{name}") for name in ("fit", "fit", "fat"))
    commits = [lent.admission(each).commit for each in (one, same, other)]
    assert commits[0] == commits[1] != commits[2]
    assert len(commits[0]) == 64


def test_nobody_in_particular_is_lent_nothing(lent: LentQueue) -> None:
    lent.grant("lab")
    with pytest.raises(NotAdmitted, match="the store's owner asked, who has no account"):
        lent.submit(actor=Actor(name="owner"))


def test_what_is_about_no_namespace_is_lent_nothing(lent: LentQueue) -> None:
    owner = Caller(lent.store)
    with pytest.raises(NoProject) as refused:
        lent.submit_operation("gc", actor=owner.app.actor)
    assert "gc is about no namespace" in refused.value.message


def test_a_namespace_of_the_same_name_is_another_project(lent: LentQueue) -> None:
    lent.grant("lab")
    owner = Caller(lent.store)
    owner("namespace remove", name="lab")
    owner("namespace create", name="lab")
    bind(lent.store, "ada", "editor", "namespace", "lab")
    with pytest.raises(NotAdmitted, match="another project that had this name"):
        lent.submit()


def test_the_resource_says_to_whom_reasons_are_told(tmp_path: Path) -> None:
    with lent_queue(tmp_path, public=False) as lent:
        lent.grant("lab", Conditions(events=("push",)))
        with pytest.raises(NotAdmitted) as refused:
            lent.submit()
        assert "push" not in refused.value.message
        assert "to whom is not public" in refused.value.message


def test_a_retired_resource_lends_nothing_and_its_queue_is_nobodys(lent: LentQueue) -> None:
    lent.grant("lab")
    with lent.store.database.note() as facts:
        facts.resources.retire(facts.resources.get(QUEUE).id, at=lent.clock())
    with pytest.raises(NotAdmitted, match="lent no more"):
        lent.submit()


def test_a_revoked_grant_cancels_what_waits_and_what_runs_where_asked(lent: LentQueue) -> None:
    grant = lent.grant("lab")
    running, waiting = lent.submit(), lent.submit()
    claim = lent.claim()
    assert claim
    assert claim.job == running
    lent.clock.now += HOUR
    lent.revoke(grant)
    assert lent.job(waiting).status is JobStatus.CANCELLED
    assert lent.job(running).status is JobStatus.RUNNING
    lent.ends(claim)
    assert lent.admission(running).cost == CREDIT
    again = lent.grant("lab")
    number = lent.submit()
    assert lent.claim()
    lent.revoke(again, running=True)
    assert lent.job(number).status is JobStatus.CANCELLED
    assert lent.admission(number).state is AdmissionState.CANCELLED
    assert f"grant {again.id} was revoked by " in lent.admission(number).why
    assert with_reasons(lent.store, lent.job(number)).reasons == (lent.admission(number).why,)
    assert lent.balances() == 0


def test_the_grant_is_asked_again_when_the_job_begins(lent: LentQueue) -> None:
    lent.grant("lab", expires_at=lent.clock() + HOUR)
    number = lent.submit()
    lent.clock.now += 2 * HOUR
    assert lent.claim() is None
    failed = lent.job(number)
    assert failed.error
    assert (failed.status, failed.error.code) == (JobStatus.FAILED, "not-admitted")
    assert "ended" in failed.error.message
    admission = lent.admission(number)
    assert (admission.state, admission.cost) == (AdmissionState.CANCELLED, 0)
    with pytest.raises(NotAdmitted):
        changing.retry(lent.store, failed, actor=lent.ada)
    assert lent.job(number).status is JobStatus.FAILED
    lent.grant("lab")
    assert changing.retry(lent.store, failed, actor=lent.ada).status is JobStatus.QUEUED
    assert lent.admission(number).state is AdmissionState.WAITING


def test_an_account_that_asked_need_not_stay(lent: LentQueue) -> None:
    user(Caller(lent.store), "ben", lab="editor")
    lent.grant("lab", Conditions(people=(Person.parse(f"user:ben#{ident(lent, 'ben')}"),)))
    with pytest.raises(NotAdmitted):
        lent.submit()
    assert lent.submit(actor=someone(lent.store, "ben").app.actor)


def ident(lent: LentQueue, name: str) -> str:
    with lent.store.database.read() as facts:
        return facts.principals.get(name).id


def test_a_job_that_is_tried_again_goes_on_with_its_admission(lent: LentQueue) -> None:
    lent.grant("lab")
    number = lent.submit()
    first = lent.claim()
    assert first
    lent.clock.now += HOUR
    settle(lent.store, first, {"status": HANDED_BACK})
    assert lent.admission(number).state is AdmissionState.WAITING
    lent.clock.now += 5 * HOUR  # which cost nothing
    second = lent.claim("two")
    lent.clock.now += HOUR
    with lent.store.database.read() as facts:
        left = using.bounded(
            facts.admissions.of_job(number), facts.jobs.order(number), lent.clock()
        )
    assert left.limits.wall_time == 2 * HOUR
    lent.ends(second, JobStatus.FAILED)
    admission = lent.admission(number)
    assert (admission.state, admission.cost) == (AdmissionState.ENDED, 2 * CREDIT)
    lent.ends(first)
    assert lent.admission(number) == admission, "the first attempt has no say any more"


def test_a_dead_workers_job_costs_what_it_took_until_its_last_word(lent: LentQueue) -> None:
    lent.grant("lab")
    number = lent.submit()
    lent.works("one")
    assert lent.claim()
    lent.clock.now += HOUR
    with lent.store.database.note() as facts:
        now = lent.clock()
        facts.admissions.hear_of([number], at=now, lease_until=now + leases.LEASE)
    lent.clock.now += HOUR
    assert take_from_dead(lent.store, "one", why="the worker one fell silent")
    second = lent.claim("two")
    lent.clock.now += HOUR
    lent.ends(second)
    assert lent.admission(number).cost == 2 * CREDIT


def test_where_no_worker_is_left_the_admission_is_lost_and_asked_for_anew(lent: LentQueue) -> None:
    lent.grant("lab")
    number = lent.submit()
    lent.works("one")
    assert lent.claim()
    lent.clock.now += HOUR
    (lost,) = leases.expire(lent.store)
    assert (lost.state, lost.cost, lost.job) == (AdmissionState.LOST, 0, number)
    with lent.store.database.read() as facts:
        assert isinstance(using.refusal(facts, number), using.AdmissionOver)
    take_from_dead(lent.store, "one", why="the worker one fell silent")
    claim = lent.claim("two")
    assert claim
    assert claim.job == number
    again = lent.admission(number)
    assert (again.state, again.runner) == (AdmissionState.RUNNING, "two")
    assert again.id != lost.id


def test_what_waited_before_the_queue_was_lent_is_asked_for_when_it_begins(tmp_path: Path) -> None:
    with lent_queue(tmp_path) as lent:
        before = [lent.submit(f"{name}/fit", queue="later") for name in ("lab", "far")]
        with lent.store.database.note() as facts:
            settings = facts.resources.get(QUEUE).settings
            facts.resources.add("later", settings, at=lent.clock(), by="owner")
        lent.grant("lab", resource="later")
        claim = lent.claim("one", "later")
        assert claim
        assert claim.job == before[0]
        refused = lent.job(before[1])
        assert refused.error
        assert (refused.status, refused.error.code) == (JobStatus.FAILED, "not-admitted")


def test_the_queue_of_all_is_never_lent(lent: LentQueue) -> None:
    owner = Caller(lent.store)
    for given in ({"name": "default"}, {"name": "all", "label": "Default"}):
        with pytest.raises(LentToAll):
            owner("resource create", **given)
    owner("resource create", name="default", kind="runner")


def test_whose_admission_was_cancelled_does_not_begin(lent: LentQueue) -> None:
    lent.grant("lab")
    number = lent.submit()
    with lent.store.database.note() as facts:
        cancelled = lent.admission(number), AdmissionState.CANCELLED
        end_in(facts, *cancelled, at=lent.clock())
    assert lent.claim() is None
    failed = lent.job(number)
    assert failed.error
    assert (failed.status, failed.error.code) == (JobStatus.FAILED, "admission-over")


def test_what_is_retried_asks_anew(lent: LentQueue) -> None:
    grant = lent.grant("lab")
    number = lent.submit()
    for _ in range(2):  # nothing claimed it in between
        changing.cancel(lent.store, lent.job(number), actor=lent.ada)
        changing.retry(lent.store, lent.job(number), actor=lent.ada)
        assert lent.admission(number).state is AdmissionState.WAITING
    claim = lent.claim()
    assert claim
    lent.ends(claim, JobStatus.FAILED)
    changing.retry(lent.store, lent.job(number), actor=lent.ada)
    lent.revoke(grant)
    with pytest.raises(NotAdmitted, match="was revoked"):
        changing.retry(lent.store, lent.job(number), actor=lent.ada)
    assert lent.job(number).status is JobStatus.CANCELLED


def test_the_share_of_the_last_day_decides_then_the_chain_then_age(lent: LentQueue) -> None:
    lent.grant("lab")
    lent.grant("far")
    lent.submit("lab/fit")
    claim = lent.claim()
    lent.clock.now += HOUR
    lent.ends(claim)
    lent.works()
    first, second, third = (
        lent.submit("lab/fit"),
        lent.submit("far/fit"),
        lent.submit("far/fit", chain=2),
    )
    assert lent.why(third) == "it is next"
    assert "that more others wait for goes before it" in lent.why(second)
    assert "2 jobs of other projects, which used less" in lent.why(first)
    began = [lent.claim() for _ in range(3)]
    assert [each and each.job for each in began] == [third, second, first]
    assert lent.claim() is None


def test_capacity_and_the_share_of_a_project_hold(tmp_path: Path) -> None:
    with lent_queue(tmp_path, capacity=2, most_per_project=1) as lent:
        lent.works()
        for name in ("lab", "far"):
            lent.grant(name)
        mine, more, theirs, last = (
            lent.submit(f"{name}/fit") for name in ("lab", "lab", "far", "far")
        )
        one, two = lent.claim(), lent.claim()
        assert one
        assert two
        assert (one.job, two.job) == (mine, theirs)
        assert lent.claim() is None
        assert "gpu runs 2 of 2" in lent.why(last)
        lent.ends(two)
        assert "namespace:lab runs 1 of 1" in lent.why(more)
        following = lent.claim()
        assert following
        assert following.job == last


def test_other_queues_of_a_worker_go_on_while_a_lent_one_is_full(tmp_path: Path) -> None:
    with lent_queue(tmp_path, capacity=1) as lent:
        lent.grant("lab")
        lent.submit()
        lent.submit()
        free = lent.submit("far/fit", queue="free")
        jobs = [lent.claim("one", QUEUE, "free") for _ in range(3)]
        assert free in [each.job for each in jobs if each]
        assert jobs.count(None) == 1
