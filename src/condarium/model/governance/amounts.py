"""Credits: what machine time costs. A credit is an hour on a machine whose cost factor is 1.

They are counted in whole microcredits, so that a ledger adds up exactly.
"""

import re
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

from condarium.errors import BadInput

CREDIT = 1_000_000
"""Microcredits."""
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)


class BadAmount(BadInput):
    """A text is no number of credits, or no factor."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"found {found[:40]!r}; expected a number such as 40 or 2.5, with at most 6 decimals"
        )


class Period(StrEnum):
    """For how long an amount is: calendar months, quarters and years in UTC, or once for all."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    ONCE = "once"


def read_amount(text: str) -> int:
    """A number as millionths: of credits, or of a factor. Raises BadAmount.

    >>> read_amount("2.5")
    2500000
    """
    if not _NUMBER.fullmatch(text):
        raise BadAmount(text)
    return int(Decimal(text) * CREDIT)


def say_amount(amount: int) -> str:
    """The shortest text that `read_amount` reads as this; a negative amount has its sign.

    >>> say_amount(2_500_000), say_amount(-40_000_000)
    ('2.5', '-40')
    """
    text = f"{Decimal(amount) / CREDIT:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cost_of(time: timedelta, factor: int) -> int:
    """Microcredits for so long on a machine of this cost factor (in millionths), rounded up.

    >>> cost_of(timedelta(minutes=30), 2 * CREDIT)
    1000000
    """
    microseconds = time // timedelta(microseconds=1)
    exact = Decimal(microseconds) * factor / Decimal(3_600_000_000)
    return int(exact.to_integral_value(ROUND_CEILING))


def part_of(amount: int, took: timedelta, time: timedelta) -> int:
    """What is due for a part of the time for which an amount is, rounded up; never more than it.

    So a job is charged at the price that held when it was admitted.

    >>> part_of(2 * CREDIT, timedelta(minutes=15), timedelta(hours=1))
    500000
    """
    if took >= time:
        return amount
    return -(-amount * (took // timedelta(microseconds=1)) // (time // timedelta(microseconds=1)))
