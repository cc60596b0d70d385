"""Which admitted job goes next, and what the others are told."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condarium.model.governance.scheduling import Choice, Waiting, order

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def job(number: int, project: str = "a", *, priority: int = 0, chain: int = 0) -> Waiting:
    at = NOON + timedelta(minutes=number)
    return Waiting(id=number, project=project, name=project, at=at, priority=priority, chain=chain)


def choose(
    *waiting: Waiting,
    shares: dict[str, int] | None = None,
    running: dict[str, int] | None = None,
    most: int | None = None,
    capacity: int | None = None,
) -> Choice:
    return order(
        waiting,
        resource="gpu",
        shares=shares or {},
        running=running or {},
        most_per_project=most,
        capacity=capacity,
    )


@pytest.mark.parametrize(
    ("waiting", "shares", "first"),
    [
        ([], {}, None),
        ([job(1), job(2)], {}, 1),
        ([job(1), job(2, chain=1)], {}, 2),
        ([job(1, chain=9), job(2, "b")], {"a": 5, "b": 4}, 2),
        ([job(1, chain=9), job(2, "b")], {"a": 5}, 2),
        ([job(1, priority=1), job(2, "b", chain=9)], {"a": 5}, 1),
    ],
)
def test_priority_then_share_then_chain_then_age(
    waiting: list[Waiting], shares: dict[str, int], first: int | None
) -> None:
    chosen = choose(*waiting, shares=shares).next

    assert (chosen and chosen.id) == first


def test_each_that_waits_is_told_why() -> None:
    choice = choose(
        job(1, "b"),
        job(2, "b"),
        job(3, "a", chain=2),
        job(4, "a"),
        job(5, "a"),
        job(6, "c", priority=1),
        job(7, "d", priority=1),
        shares={"a": 7},
        running={"d": 2},
        most=2,
    )

    assert choice.next == job(6, "c", priority=1)
    higher = "1 job of higher priority goes before it"
    less = "2 jobs of other projects, which used less in the last 24 h, go before it"
    longer = "1 job that more others wait for goes before it"
    assert choice.reasons == {
        1: higher,
        2: f"{higher}; 1 older job goes before it",
        3: f"{higher}; {less}",
        4: f"{higher}; {less}; {longer}",
        5: f"{higher}; {less}; {longer}; 1 older job goes before it",
        7: "project d runs 2 of 2",
    }


def test_nobody_goes_where_all_machines_run() -> None:
    choice = choose(job(1), job(2), job(3, "b"), running={"b": 2, "c": 2}, most=2, capacity=4)

    assert choice.next is None
    assert choice.reasons == {
        1: "gpu runs 4 of 4",
        2: "gpu runs 4 of 4; 1 older job goes before it",
        3: "gpu runs 4 of 4; project b runs 2 of 2",
    }


projects = st.sampled_from("abc")
jobs = st.lists(
    st.builds(
        job, st.integers(1, 50), projects, priority=st.integers(0, 1), chain=st.integers(0, 2)
    ),
    unique_by=lambda each: each.id,
    max_size=12,
)
counts = st.dictionaries(projects, st.integers(0, 3))
limits = st.none() | st.integers(1, 4)


@given(jobs, counts, counts, limits, limits, st.randoms(use_true_random=False))
def test_a_choice_depends_on_no_order(
    waiting: list[Waiting],
    shares: dict[str, int],
    running: dict[str, int],
    most: int | None,
    capacity: int | None,
    random: Random,
) -> None:
    shuffled = random.sample(waiting, len(waiting))
    limits = {"most": most, "capacity": capacity}

    assert choose(*waiting, shares=shares, running=running, **limits) == choose(
        *shuffled, shares=shares, running=running, **limits
    )


@given(jobs, counts, counts, limits, limits)
def test_all_that_wait_have_a_reason_and_no_limit_is_passed(
    waiting: list[Waiting],
    shares: dict[str, int],
    running: dict[str, int],
    most: int | None,
    capacity: int | None,
) -> None:
    choice = choose(*waiting, shares=shares, running=running, most=most, capacity=capacity)

    chosen = [choice.next] if choice.next else []
    assert {each.id for each in waiting} == choice.reasons.keys() | {each.id for each in chosen}
    assert all(choice.reasons.values())
    for each in chosen:
        assert each.id not in choice.reasons
        assert most is None or running.get(each.project, 0) < most
        assert capacity is None or sum(running.values()) < capacity


@given(jobs, limits, limits, st.integers(1, 3))
def test_each_gets_its_turn_once_no_more_come(
    waiting: list[Waiting], most: int | None, capacity: int | None, ends: int
) -> None:
    """Machines take what is chosen, and jobs end in the order in which they began."""
    left, going, used = list(waiting), list[Waiting](), Counter[str]()
    for _ in range(2 * len(waiting) + 1):
        running = Counter(each.project for each in going)
        choice = choose(*left, shares=used, running=running, most=most, capacity=capacity)
        if choice.next is None:
            ended, going = going[:ends], going[ends:]
            used.update(each.project for each in ended)
        else:
            left.remove(choice.next)
            going.append(choice.next)

    assert left == []


@given(jobs, counts)
def test_who_used_less_is_never_behind(waiting: list[Waiting], shares: dict[str, int]) -> None:
    equal = [replace(each, priority=0) for each in waiting]

    first = choose(*equal, shares=shares).next

    if first is not None:
        assert shares.get(first.project, 0) == min(shares.get(e.project, 0) for e in equal)
