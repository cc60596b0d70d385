"""What becomes of a lending, and what is said of the difference."""

from datetime import UTC, datetime, timedelta

import pytest

from condarium.model.governance.amounts import CREDIT, Period
from condarium.model.governance.changes import differences, following
from condarium.model.governance.grants import Conditions, Lending
from condarium.model.governance.projects import Person, Project

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA, BEN = Person.parse("github:ada#12"), Person.parse("github:ben#13")
HELD = Lending(
    conditions=Conditions(
        branches=("main",),
        events=("push",),
        pull_request=True,
        trusted_forks=(Project.parse("github:ada/tool#2"),),
        fork_approval=True,
        people=(ADA,),
        people_from="https://example.org/people",
        roles=("admin",),
    ),
    quota=50 * CREDIT,
    period=Period.QUARTER,
    starts_at=NOON,
    called="a-policy",
)
"""Every field says something, but for the end, of which every request speaks."""


def test_what_nobody_spoke_of_stays() -> None:
    assert following(HELD, Lending()) == HELD
    assert following(Lending(), HELD) == HELD
    ends = NOON + timedelta(days=1)
    assert differences(HELD, following(HELD, Lending(expires_at=ends))) == (
        "until: it is revoked → 2026-03-02T12:00:00Z",
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Lending(quota=CREDIT), "quota: 50 a quarter → 1 a month"),
        (Lending(conditions=Conditions(branches=("a", "b"))), "branch: main → a or b"),
        (Lending(conditions=Conditions(people=(ADA, BEN))), "people: 1 → 2"),
        (Lending(conditions=Conditions(people=(BEN,))), "people: other ones"),
        (Lending(called="b"), "called: a-policy → b"),
    ],
)
def test_what_was_asked_for_takes_its_place(asked: Lending, said: str) -> None:
    assert differences(HELD, following(HELD, asked)) == (said,)


def test_every_limit_that_goes_is_named() -> None:
    said = differences(HELD, Lending())
    assert {"branch: main → any", "quota: 50 a quarter → none", "people: 1 → anybody"} < {*said}
    assert not any("ada#" in each or "#12" in each for each in said)
