"""Instants, as people are shown them."""

from datetime import UTC, datetime, timedelta


def say_instant(moment: datetime) -> str:
    """An instant in UTC to the second, rounded up: asked for as-of it, what was then is there.

    >>> say_instant(datetime(2026, 3, 1, 9, 59, 59, 1, tzinfo=UTC))
    '2026-03-01T10:00:00Z'
    """
    whole = moment.astimezone(UTC) + timedelta(microseconds=-moment.microsecond % 1_000_000)
    return f"{whole:%Y-%m-%dT%H:%M:%SZ}"
