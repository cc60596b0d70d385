"""Grants as values: what decisions make of them, what is said of them, and when."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condarium.model.governance.admission import Applicant, Grants
from condarium.model.governance.conditions_text import say_conditions
from condarium.model.governance.deciding import decide
from condarium.model.governance.grants import (
    Conditions,
    Grant,
    GrantChange,
    GrantDecision,
    GrantState,
    Lending,
    as_of,
)
from condarium.model.governance.notices import due, notices
from condarium.model.governance.projects import Person, Project, with_id
from condarium.model.governance.resources import Resource, ResourceKind, Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TOOL, OTHER = Project.parse("github:lab/tool#1"), Project.parse("github:lab/other#2")
ADA, BEN = Person.parse("github:ada#12"), Person.parse("github:ben#13")
GPU = Resource(
    id=1,
    name="gpu",
    settings=Settings(kind=ResourceKind.RUNNER),
    created_at=NOON,
    created_by="ada",
    changed_at=NOON,
)
JOB = Applicant(
    project=TOOL, labels=("gpu",), commit="a" * 40, event="push", branch="main", person=ADA
)


def decided(*changes: GrantChange | tuple[GrantChange, Lending]) -> tuple[GrantDecision, ...]:
    """Decisions a day apart, the first at noon; what says no lending keeps that before it."""
    made: list[GrantDecision] = []
    for number, each in enumerate(changes, start=1):
        change, lending = each if isinstance(each, tuple) else (each, None)
        made.append(
            GrantDecision(
                number=number,
                at=NOON + (number - 1) * DAY,
                change=change,
                by="ada",
                principal=None,
                reason="tests",
                lending=lending or (made[-1].lending if made else Lending()),
            )
        )
    return tuple(made)


def grant_of(
    decisions: Sequence[GrantDecision], *, number: int = 1, project: Project = TOOL
) -> Grant:
    return Grant(id=number, resource="gpu", project=project, decisions=tuple(decisions))


_C = GrantChange
_ENDS = Lending(expires_at=NOON + 3 * DAY)


@pytest.mark.parametrize(
    ("changes", "after", "expected"),
    [
        ([_C.GRANTED], 0, GrantState.ACTIVE),
        ([(_C.GRANTED, _ENDS)], 2, GrantState.ACTIVE),
        ([(_C.GRANTED, _ENDS)], 3, GrantState.EXPIRED),
        ([(_C.GRANTED, _ENDS), (_C.RENEWED, Lending())], 9, GrantState.ACTIVE),
        ([(_C.GRANTED, Lending(starts_at=NOON + DAY))], 0, GrantState.NOT_YET),
        ([(_C.GRANTED, Lending(starts_at=NOON + DAY))], 1, GrantState.ACTIVE),
        ([_C.GRANTED, _C.SUSPENDED], 1, GrantState.SUSPENDED),
        ([_C.GRANTED, _C.SUSPENDED, _C.RESUMED], 2, GrantState.ACTIVE),
        ([_C.GRANTED, _C.SUSPENDED, (_C.CHANGED, Lending(quota=1))], 2, GrantState.SUSPENDED),
        ([_C.GRANTED, _C.SUSPENDED, _C.RENEWED, _C.NOTICED], 3, GrantState.SUSPENDED),
        ([_C.GRANTED, _C.NOTICED], 1, GrantState.ACTIVE),
        ([_C.GRANTED, _C.REVOKED], 1, GrantState.REVOKED),
        ([_C.GRANTED, _C.REVOKED, _C.RESUMED, _C.RENEWED], 3, GrantState.REVOKED),
    ],
)
def test_a_state_follows_from_the_decisions_and_the_clock(
    changes: list[GrantChange | tuple[GrantChange, Lending]], after: int, expected: GrantState
) -> None:
    assert grant_of(decided(*changes)).state(NOON + after * DAY) is expected


lendings = st.builds(
    Lending,
    conditions=st.builds(
        Conditions,
        branches=st.sampled_from([(), ("main",), ("dev",)]),
        events=st.sampled_from([(), ("push",), ("schedule",)]),
        people=st.sampled_from([None, (ADA,), (BEN,)]),
    ),
    starts_at=st.sampled_from([None, NOON + DAY]),
    expires_at=st.sampled_from([None, NOON + 2 * DAY, NOON + 5 * DAY]),
)
histories = st.lists(
    st.tuples(st.sampled_from([each for each in _C if each is not _C.GRANTED]), lendings),
    max_size=4,
).flatmap(lambda later: st.tuples(lendings, st.just(later)))
grants = st.lists(st.tuples(histories, st.sampled_from([TOOL, OTHER])), min_size=1, max_size=3).map(
    lambda found: [
        grant_of(
            decided((_C.GRANTED, first), *later),
            number=number,
            project=project,
        )
        for number, ((first, later), project) in enumerate(found, start=1)
    ]
)
instants = st.integers(0, 8).map(lambda days: NOON + days * DAY + timedelta(hours=1))


def allows(found: Sequence[Grant], now: datetime) -> bool:
    return decide(JOB, Grants(resources=[GPU], grants=found), now).allowed


@given(grants, st.data(), instants, st.sampled_from([_C.REVOKED, _C.SUSPENDED, _C.NOTICED]))
def test_what_takes_back_never_lets_a_job_in(
    found: list[Grant], data: st.DataObject, now: datetime, change: GrantChange
) -> None:
    chosen = data.draw(st.integers(0, len(found) - 1))
    before = found[chosen]
    last = before.decisions[-1]
    made = replace(last, number=last.number + 1, change=change)
    after = [*found]
    after[chosen] = replace(before, decisions=(*before.decisions, made))
    assert allows(found, now) or not allows(after, now)
    if change is _C.NOTICED:
        assert allows(found, now) == allows(after, now)


@given(grants, instants, st.lists(st.tuples(st.sampled_from(list(_C)), lendings), max_size=3))
def test_nothing_that_is_decided_later_brings_back_what_was_revoked(
    found: list[Grant], now: datetime, later: list[tuple[GrantChange, Lending]]
) -> None:
    revoked = [
        replace(
            each,
            decisions=(
                *each.decisions,
                *(
                    replace(made, number=len(each.decisions) + made.number)
                    for made in decided(_C.REVOKED, *later)
                ),
            ),
        )
        for each in found
    ]
    assert not allows(revoked, now)


@given(grants, instants, st.integers(0, 8))
def test_an_earlier_end_never_lets_a_job_in(found: list[Grant], now: datetime, days: int) -> None:
    def ends(each: Grant) -> Grant:
        *before, last = each.decisions
        end = min(last.lending.expires_at or datetime.max.replace(tzinfo=UTC), NOON + days * DAY)
        return replace(
            each,
            decisions=(*before, replace(last, lending=replace(last.lending, expires_at=end))),
        )

    assert allows(found, now) or not allows([ends(each) for each in found], now)


@given(histories, instants)
def test_as_of_an_instant_is_what_was_decided_until_then(
    history: tuple[Lending, list[tuple[GrantChange, Lending]]], at: datetime
) -> None:
    decisions = decided((_C.GRANTED, history[0]), *history[1])
    then = as_of(decisions, at)
    assert then == decisions[: len(then)]
    assert all(each.at > at for each in decisions[len(then) :])


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (Conditions(), ("no pull requests",)),
        (Conditions(pull_request=True, branches=("a", "b", "c")),
         ("branch a, b or c", "pull requests too")),
        (Conditions(people=(ADA,), roles=("admin", "write")),
         ("no pull requests", "1 person", "role admin or write")),
        (Conditions(people=()), ("no pull requests", "0 people")),
        (Conditions(trusted_forks=(OTHER,), fork_approval=True),
         ("no pull requests", "fork github:lab/other",
          "other forks after approval of the commit")),
    ],
)  # fmt: skip
def test_conditions_are_said_without_naming_people(
    conditions: Conditions, expected: tuple[str, ...]
) -> None:
    assert say_conditions(conditions) == expected


def said(grant: Grant, now: datetime) -> list[str]:
    return [each.text for each in due(grant, GPU, now)]


def noticed(grant: Grant, at: datetime, text: str) -> Grant:
    last = grant.decisions[-1]
    change = GrantChange.NOTICED
    made = replace(last, number=last.number + 1, at=at, change=change, reason=text)
    return replace(grant, decisions=(*grant.decisions, made))


def test_an_end_is_said_once_and_again_where_there_is_another_one() -> None:
    grant = grant_of(decided((_C.GRANTED, Lending(expires_at=NOON + 60 * DAY))))
    assert said(grant, NOON + 45 * DAY) == []
    (text,) = said(grant, NOON + 47 * DAY)
    assert text == "ends on 2026-04-30"
    grant = noticed(grant, NOON + 47 * DAY, text)
    assert said(grant, NOON + 50 * DAY) == []
    renewed = replace(
        grant.decisions[-1],
        number=3,
        at=NOON + 50 * DAY,
        change=_C.RENEWED,
        lending=Lending(expires_at=NOON + 80 * DAY),
    )
    grant = replace(grant, decisions=(*grant.decisions, renewed))
    assert said(grant, NOON + 60 * DAY) == []
    assert said(grant, NOON + 67 * DAY) == ["ends on 2026-05-20"]


def test_what_nobody_uses_is_said_once_until_it_is_used_again() -> None:
    grant = grant_of(decided(_C.GRANTED))
    assert said(grant, NOON + 179 * DAY) == []
    (text,) = said(grant, NOON + 181 * DAY)
    assert text == "unused for 181 days"
    grant = noticed(grant, NOON + 181 * DAY, text)
    assert said(grant, NOON + 190 * DAY) == []
    assert [each.unused for each in notices(grant, GPU, NOON + 190 * DAY)] == [True]
    used = replace(grant, used_at=NOON + 191 * DAY)
    assert said(used, NOON + 200 * DAY) == []
    assert said(used, NOON + 400 * DAY) == ["unused for 209 days"]


def test_nothing_is_said_of_what_nobody_may_use() -> None:
    for change in (_C.SUSPENDED, _C.REVOKED):
        grant = grant_of(decided((_C.GRANTED, Lending(expires_at=NOON + 10 * DAY)), change))
        assert notices(grant, GPU, NOON + 5 * DAY) == ()


def test_accounts_that_an_enterprise_manages_have_an_underscore() -> None:
    assert with_id(Project.parse("github:ada_corp/tool#7")) == "github:ada_corp/tool#7"
    assert with_id(Person.parse("github:ada_corp#1")) == "github:ada_corp#1"
