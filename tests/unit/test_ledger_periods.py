"""Budgets and their periods."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condarium.model.governance.amounts import Period
from condarium.model.governance.ledger import begin_of, end_of, next_purse, purses
from condarium.model.governance.resources import Budget

CASES = [
    (Period.MONTH, "2026-03-10T12:00Z", "2026-03-01", "2026-04-01"),
    (Period.MONTH, "2026-03-01T00:00Z", "2026-03-01", "2026-04-01"),
    (Period.MONTH, "2026-12-31T23:59Z", "2026-12-01", "2027-01-01"),
    (Period.QUARTER, "2026-03-31T23:59Z", "2026-01-01", "2026-04-01"),
    (Period.QUARTER, "2026-11-10T12:00Z", "2026-10-01", "2027-01-01"),
    (Period.YEAR, "2028-02-29T12:00Z", "2028-01-01", "2029-01-01"),
    # it is still March in UTC
    (Period.MONTH, "2026-04-01T01:00+02:00", "2026-03-01", "2026-04-01"),
]


def day(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T00:00Z")


@pytest.mark.parametrize(("period", "at", "begins", "ends"), CASES)
def test_periods_are_those_of_the_calendar_in_utc(
    period: Period, at: str, begins: str, ends: str
) -> None:
    moment = datetime.fromisoformat(at)

    assert (begin_of(period, moment), end_of(period, moment)) == (day(begins), day(ends))


def test_what_is_given_once_has_no_period() -> None:
    assert (
        begin_of(Period.ONCE, day("2026-03-01")) is end_of(Period.ONCE, day("2026-03-01")) is None
    )


NEVER = datetime.max.replace(tzinfo=UTC)
instants = st.datetimes(
    datetime(2020, 1, 1),
    datetime(2040, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=9))]),
)
calendar = st.sampled_from([Period.MONTH, Period.QUARTER, Period.YEAR])


@given(calendar, instants)
def test_each_instant_is_in_one_period(period: Period, at: datetime) -> None:
    begins, ends = begin_of(period, at), end_of(period, at)

    assert begins is not None
    assert ends is not None
    assert begins <= at < ends
    assert end_of(period, ends - timedelta.resolution) == ends
    assert begin_of(period, ends) == ends


budgets = st.lists(
    st.builds(
        lambda number, period, starts, length: Budget(
            id=number,
            donor="acme",
            amount=1,
            period=period,
            starts_at=starts,
            ends_at=starts + timedelta(days=length) if length else None,
        ),
        st.integers(1, 99),
        st.sampled_from(Period),
        instants,
        st.none() | st.integers(1, 900),
    ),
    unique_by=lambda each: each.id,
)


@given(budgets, instants)
def test_only_what_holds_pays_and_what_lapses_first_pays_first(
    given_: list[Budget], at: datetime
) -> None:
    found = purses(given_, at)

    ends = [each.ends or NEVER for each in found]
    assert ends == sorted(ends)
    assert all(end > at for end in ends)
    assert {each.budget.id for each in found} == {
        each.id for each in given_ if each.starts_at <= at < (each.ends_at or NEVER)
    }


@given(budgets, instants)
def test_the_next_period_is_in_the_future_and_something_begins_then(
    given_: list[Budget], at: datetime
) -> None:
    then = next_purse(given_, at)

    if then is not None:
        assert then > at
        now = {(each.budget.id, each.begins) for each in purses(given_, at)}
        assert {(each.budget.id, each.begins) for each in purses(given_, then)} - now
