"""Sizes, times and counts in words."""

from datetime import UTC, datetime


def size(count: int) -> str:
    """Bytes in decimal units, as settings and limits have them: a quota of 20G is 20.0 GB.

    >>> size(1536), size(5), size(20 * 10**9), size(999_999)
    ('1.5 kB', '5 B', '20.0 GB', '1.0 MB')
    """
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def seconds(amount: float) -> str:
    """A duration that was measured.

    >>> seconds(0.042), seconds(3.21), seconds(95)
    ('42 ms', '3.2 s', '1 min 35 s')
    """
    if amount < 0.9995:
        return f"{amount * 1000:.0f} ms"
    if amount < 59.95:
        return f"{amount:.1f} s"
    minutes, rest = divmod(round(amount), 60)
    return f"{minutes} min {rest} s"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago; the day itself where that is more than a month.

    >>> ago(datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC))
    '2 h ago'
    """
    passed = (now - moment).total_seconds()
    if passed < 60:
        return "just now" if passed > -60 else f"{moment:%Y-%m-%d %H:%M}"
    if passed < 3600:
        return f"{passed // 60:.0f} min ago"
    if passed < 48 * 3600:
        return f"{passed // 3600:.0f} h ago"
    if passed < 31 * 86400:
        return f"{passed // 86400:.0f} d ago"
    return f"{moment:%Y-%m-%d}"


def clock(moment: datetime) -> str:
    """An instant in UTC as a clock shows it: what is less than a second is cut off.

    >>> clock(datetime(2026, 3, 1, 9, 59, 59, 999_999, tzinfo=UTC))
    '2026-03-01T09:59:59Z'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """A number and its noun.

    >>> count(1, "package"), count(1200, "package"), count(2, "prefix", "prefixes")
    ('1 package', '1,200 packages', '2 prefixes')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def short(digest: str) -> str:
    """The start of a digest: enough to recognise it."""
    return digest[:12]
