"""What one lending allows more than another."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from condarium.model.governance.amounts import Period
from condarium.model.governance.grants import USUAL_EVENTS, Conditions, Lending
from condarium.model.governance.narrowing import has_other_events, is_wider
from condarium.model.governance.projects import Person, Project

ADA, BEN = Person.parse("github:ada#1"), Person.parse("github:ben#2")
FORK = Project.parse("github:ada/tool#3")
EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def on(**said: object) -> Lending:
    conditions = {key: said.pop(key) for key in list(said) if key in Conditions.__annotations__}
    return Lending(conditions=Conditions(**conditions), **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (on(branches=("main",)), on()),
        (on(branches=("main",)), on(branches=("main", "next"))),
        (on(events=("push",)), on()),
        (on(), on(events=(*USUAL_EVENTS, "watch"))),
        (on(roles=("admin",)), on()),
        (on(), on(pull_request=True)),
        (on(), on(fork_approval=True)),
        (on(), on(trusted_forks=(FORK,))),
        (on(people=(ADA,)), on()),
        (on(people=(ADA,)), on(people=(ADA, BEN))),
        (on(quota=1), on(quota=2)),
        (on(quota=1), on()),
        (on(expires_at=EARLY), on(expires_at=LATE)),
        (on(expires_at=EARLY), on()),
        (on(starts_at=LATE), on(starts_at=EARLY)),
        (on(starts_at=LATE), on()),
    ],
)
def test_wider_is_one_way(narrow: Lending, wide: Lending) -> None:
    assert is_wider(narrow, wide)
    assert not is_wider(wide, narrow)
    assert not is_wider(wide, wide)


def test_what_is_neither_is_wider_both_ways() -> None:
    for one, other in (
        (on(events=("watch",)), on()),
        (on(people=(ADA,)), on(people=(BEN,))),
        (on(quota=1), replace(on(quota=1), period=Period.YEAR)),
    ):
        assert is_wider(one, other)
        assert is_wider(other, one)
    assert not has_other_events(on(), on(events=USUAL_EVENTS))
