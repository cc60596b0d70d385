"""Laws of the choice of the next job."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from condarium.jobs.carrying_out.choosing import About, Crowd, choose, explain, thing_of
from condarium.model.jobs import Job, JobStatus, Limits

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = Limits(wall_time=timedelta(hours=1), memory=10**9)
NAMES = ("lab", "far", "own")


def job(number: int, name: str = "lab", **fields: object) -> Job:
    values: dict[str, object] = {
        "operation": "env build",
        "target": f"{name}/fit",
        "kind": "namespace",
        "resource": name,
        "queue": "default",
        "priority": 0,
        "status": JobStatus.QUEUED,
        "actor": "ada",
        "created_at": NOON + timedelta(seconds=number),
        "limits": LIMITS,
        **fields,
    }
    return Job(id=number, **values)  # type: ignore[arg-type]


def chosen(waiting: list[Job], running: list[Job] = [], **given: object) -> int | None:  # noqa: B006
    found = choose(waiting, running, **_rest(**given)).job  # type: ignore[arg-type]
    return found.id if found else None


def _rest(**given: object) -> dict[str, object]:
    return {
        "queues": ("default",), "slots": 1, "quotas": {}, "last_starts": {}, "now": NOON, **given
    }  # fmt: skip


def test_priority_goes_first_then_who_has_least_then_who_waited_longest_then_age() -> None:
    assert chosen([job(1), job(2, "far", priority=1)]) == 2
    assert chosen([job(1), job(2, "far")], [job(9)]) == 2
    last: dict[About, datetime] = {("namespace", "lab"): NOON}
    assert chosen([job(1), job(2, "far")], last_starts=last) == 2
    assert chosen([job(2), job(1)]) == 1


def test_it_says_why_each_one_waits() -> None:
    later = job(4, not_before=NOON + timedelta(minutes=1))
    waiting = [job(1), job(2), job(3, "far", queue="gpu"), later, job(5, "own")]
    choice = choose(
        waiting,
        [job(9, "own")],
        queues=("default",),
        slots=1,
        quotas={("namespace", "own"): 1},
        last_starts={},
        now=NOON,
    )
    assert choice.job
    assert choice.job.id == 1
    assert choice.reasons == {
        2: "1 job goes before it",
        3: "no worker takes jobs of the queue gpu",
        4: "it is tried again at 2026-03-01 12:01:00 UTC",
        5: "namespace own may run 1 at once, and does",
    }


_jobs = st.lists(
    st.builds(
        job,
        st.integers(1, 10**6),
        st.sampled_from(NAMES),
        queue=st.sampled_from(["default", "gpu"]),
        priority=st.integers(-2, 2),
    ),
    max_size=12,
    unique_by=lambda each: each.id,
)
_quotas = st.dictionaries(
    st.sampled_from([("namespace", name) for name in NAMES]), st.integers(0, 2)
)


@given(_jobs, _jobs, _quotas, st.integers(0, 3))
def test_a_job_is_chosen_where_one_may_begin_and_each_other_has_a_reason(
    waiting: list[Job], running: list[Job], quotas: dict[About, int], slots: int
) -> None:
    choice = choose(waiting, running, **_rest(quotas=quotas, slots=slots))  # type: ignore[arg-type]
    shares = [thing_of(each) for each in running]

    def may(each: Job) -> bool:
        within = shares.count(thing_of(each)) < quotas.get(thing_of(each), 10**6)
        return each.queue == "default" and within

    able = [each for each in waiting if may(each)]
    assert (choice.job is not None) == bool(able and slots)
    assert choice.job is None or choice.job in able
    others = {each.id for each in waiting if each is not choice.job}
    assert set(choice.reasons) == others
    assert all(choice.reasons.values()) or not slots


@given(_jobs, _jobs, _quotas, st.integers(0, 3))
def test_a_job_that_waits_is_told_what_the_choice_of_the_next_one_says(
    waiting: list[Job], running: list[Job], quotas: dict[About, int], slots: int
) -> None:
    rest = _rest(quotas=quotas, slots=slots)
    reasons = choose(waiting, running, **rest).reasons  # type: ignore[arg-type]
    for one in waiting:
        crowds = [
            Crowd(
                thing=thing_of(each),
                priority=each.priority,
                count=1,
                older=int((each.created_at, each.id) < (one.created_at, one.id)),
            )
            for each in waiting
            if each.queue == "default"
        ]
        told = explain(one, crowds, running, **rest)  # type: ignore[arg-type]
        assert told == reasons.get(one.id, "it is next")


@given(_jobs, _jobs, _quotas)
def test_the_order_in_which_jobs_are_given_does_not_matter(
    waiting: list[Job], running: list[Job], quotas: dict[About, int]
) -> None:
    assert chosen(waiting, running, quotas=quotas) == chosen(
        waiting[::-1], running[::-1], quotas=quotas
    )


@given(st.integers(2, 40))
def test_who_asks_for_much_does_not_hold_up_who_asks_for_little(many: int) -> None:
    """With two slots, the only job of `far` begins second, however many `lab` has before it."""
    waiting = [*(job(number) for number in range(1, many)), job(10**6, "far")]
    first = choose(waiting, [], **_rest()).job  # type: ignore[arg-type]
    assert first
    left = [each for each in waiting if each is not first]
    last = {thing_of(first): NOON}
    assert chosen(left, [first], last_starts=last) == 10**6
