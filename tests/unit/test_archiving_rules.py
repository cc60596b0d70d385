"""Which generations a rule archives."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condarium.environments.archiving import Rule, select
from condarium.errors import BadArguments
from condarium.model.environment import Generation
from condarium.model.names import EnvironmentName

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FIT, OTHER = EnvironmentName("lab", "fit"), EnvironmentName("far", "other")


def generation(
    number: int,
    name: EnvironmentName = FIT,
    *,
    days: float = 0,
    active: bool = False,
    archived: bool = False,
) -> Generation:
    return Generation(
        environment=name,
        number=number,
        spec=None,
        lock="l",
        platforms=("linux-64",),
        packages=1,
        prefix=f"p{number}",
        created_at=NOW - days * DAY,
        created_by="ada",
        reason="",
        archived_at=NOW if archived else None,
        active=active,
    )


HISTORY = [
    generation(1, days=400, archived=True),
    generation(2, days=300),
    generation(3, days=100),
    generation(4, days=90),
    generation(5, days=50, active=True),
    generation(6, days=1),
]
"""Rolled back to 5, the newest but one."""


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"keep_last": 0}, [2, 3, 4, 6]),
        ({"keep_last": 1}, [2, 3, 4]),
        ({"keep_last": 2}, [2, 3, 4]),
        ({"keep_last": 3}, [2, 3]),
        ({"keep_last": 5}, []),
        ({"keep_last": 100}, []),
        ({"older_than": 90 * DAY}, [2, 3, 4]),
        ({"older_than": 91 * DAY}, [2, 3]),
        ({"older_than": 0 * DAY}, [2, 3, 4, 6]),
        ({"older_than": 1000 * DAY}, []),
        ({"older_than": 90 * DAY, "keep_last": 4}, [2]),
        ({"older_than": 200 * DAY, "keep_last": 1}, [2]),
        ({"generations": (3,)}, [3]),
        ({"generations": (1, 5)}, []),
        ({"generations": (4, 3)}, [3, 4]),
        ({"generations": (99,)}, []),
    ],
)
def test_generations_that_match_are_selected(rule: dict, expected: list[int]) -> None:
    chosen = select(Rule(environment=FIT, **rule), HISTORY, NOW)
    assert [each.number for each in chosen] == expected


def test_the_last_ones_are_counted_in_each_environment_for_itself() -> None:
    generations = [
        generation(2, OTHER),
        generation(1, FIT),
        generation(2, FIT, active=True),
        generation(1, OTHER),
        generation(3, OTHER, active=True),
    ]
    chosen = select(Rule(all_namespaces=True, keep_last=1), generations, NOW)
    assert [(each.environment, each.number) for each in chosen] == [
        (OTHER, 1),
        (OTHER, 2),
        (FIT, 1),
    ]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (Rule(keep_last=3), "where"),
        (Rule(environment=FIT, namespace="lab", keep_last=3), "where"),
        (Rule(environment=FIT, all_namespaces=True, keep_last=3), "where"),
        (Rule(namespace="lab", all_namespaces=True, keep_last=3), "where"),
        (Rule(environment=FIT), "what"),
        (Rule(namespace="lab"), "what"),
        (Rule(namespace="lab", generations=(1,)), "not both"),
        (Rule(environment=FIT, generations=(1,), keep_last=3), "not both"),
        (Rule(environment=FIT, generations=(1,), older_than=DAY), "not both"),
        (Rule(environment=FIT, keep_last=-1), "0 or more"),
    ],
)
def test_a_rule_that_says_nothing_or_too_much_is_refused(rule: Rule, told: str) -> None:
    with pytest.raises(BadArguments, match=told):
        rule.check()


@pytest.mark.parametrize(
    "rule",
    [
        Rule(environment=FIT, generations=(1, 2)),
        Rule(environment=FIT, keep_last=0),
        Rule(namespace="lab", older_than=DAY),
        Rule(all_namespaces=True, older_than=DAY, keep_last=3),
    ],
)
def test_a_rule_that_says_where_and_what_is_accepted(rule: Rule) -> None:
    rule.check()


@st.composite
def histories(draw: st.DrawFn) -> list[Generation]:
    """Environments as they may be: at most one active generation, which is not archived."""
    generations: list[Generation] = []
    for name in draw(st.lists(st.sampled_from([FIT, OTHER]), unique=True)):
        count = draw(st.integers(0, 6))
        active = draw(st.integers(0, count))
        generations += [
            generation(
                number,
                name,
                days=draw(st.integers(0, 20)),
                active=number == active,
                archived=number != active and draw(st.booleans()),
            )
            for number in range(1, count + 1)
        ]
    return draw(st.permutations(generations))


rules = st.builds(
    Rule,
    all_namespaces=st.just(True),
    older_than=st.none() | st.integers(0, 25).map(lambda days: days * DAY),
    keep_last=st.none() | st.integers(0, 7),
)


@given(rules, histories())
def test_what_is_active_or_archived_already_is_never_selected(
    rule: Rule, history: list[Generation]
) -> None:
    for each in select(rule, history, NOW):
        assert not each.active
        assert each.archived_at is None


@given(st.integers(0, 7), rules, histories())
def test_the_last_generations_of_each_environment_are_kept(
    last: int, rule: Rule, history: list[Generation]
) -> None:
    rule = Rule(all_namespaces=True, older_than=rule.older_than, keep_last=last)
    newest: dict[EnvironmentName, list[int]] = defaultdict(list)
    for each in sorted(history, key=lambda each: each.number, reverse=True):
        newest[each.environment].append(each.number)
    for each in select(rule, history, NOW):
        assert each.number not in newest[each.environment][:last]


@given(rules, histories())
def test_nothing_younger_than_the_age_is_selected(rule: Rule, history: list[Generation]) -> None:
    for each in select(rule, history, NOW):
        assert rule.older_than is None or NOW - each.created_at >= rule.older_than


@given(rules, histories())
def test_a_selection_does_not_depend_on_the_order_of_the_facts(
    rule: Rule, history: list[Generation]
) -> None:
    ordered = sorted(history, key=lambda each: (each.environment, each.number))
    assert select(rule, history, NOW) == select(rule, ordered, NOW)


@given(rules, histories())
def test_both_conditions_select_what_each_of_them_does(
    rule: Rule, history: list[Generation]
) -> None:
    def chosen(**conditions: object) -> set[tuple[EnvironmentName, int]]:
        each_rule = Rule(all_namespaces=True, **conditions)  # type: ignore[arg-type]
        return {(each.environment, each.number) for each in select(each_rule, history, NOW)}

    both = chosen(older_than=rule.older_than, keep_last=rule.keep_last)
    assert both == chosen(older_than=rule.older_than) & chosen(keep_last=rule.keep_last)
