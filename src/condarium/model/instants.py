"""Instants, as people are shown them, and as they write them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from condarium.errors import BadInput

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class BadInstant(BadInput):
    """A text does not say when."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"found {found[:60]!r}; expected an instant such as 2026-03-01T09:00:00Z, a day such "
            "as 2026-03-01 (in UTC), or how long ago, such as 7d or 36h"
        )


@dataclass(frozen=True, kw_only=True)
class AsOf:
    """When something is looked at: at an instant, or over a whole day that is said in `since`.

    Of a day, `at` is its last moment, or now where it is today.
    """

    at: datetime
    since: datetime | None = None

    @classmethod
    def read(cls, text: str, now: datetime) -> "AsOf":
        """What `read_instant` reads, where a day is all of it. Raises BadInstant.

        >>> str(AsOf.read("2026-03-01", datetime(2026, 3, 1, 9, tzinfo=UTC)))
        'on 2026-03-01, at any time of the day (UTC)'
        """
        moment = read_instant(text, now)
        if not _DAY.fullmatch(text):
            return cls(at=moment)
        last = moment + timedelta(days=1, microseconds=-1)
        return cls(at=now if moment <= now < last else last, since=moment)

    def __str__(self) -> str:
        if self.since is None:
            return f"as of {say_instant(self.at)}"
        return f"on {self.since:%Y-%m-%d}, at any time of the day (UTC)"


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def say_instant(moment: datetime) -> str:
    """An instant in UTC to the second, rounded up: asked for as-of it, what was then is there.

    >>> say_instant(datetime(2026, 3, 1, 9, 59, 59, 1, tzinfo=UTC))
    '2026-03-01T10:00:00Z'
    """
    whole = moment.astimezone(UTC) + timedelta(microseconds=-moment.microsecond % 1_000_000)
    return f"{whole:%Y-%m-%dT%H:%M:%SZ}"


def read_instant(text: str, now: datetime) -> datetime:
    """An instant with its zone, a day, or how long ago. Raises BadInstant.

    >>> read_instant("1d", datetime(2026, 3, 2, tzinfo=UTC)).isoformat()
    '2026-03-01T00:00:00+00:00'
    """
    try:
        if ago := re.fullmatch(r"([0-9]{1,6})([mhdw])", text):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        if moment.tzinfo is None and len(text) == len("2026-03-01"):
            return moment.replace(tzinfo=UTC)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadInstant(text)
