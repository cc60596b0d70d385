"""How single values are spelled in files: spans of time, amounts, instants, rules of review."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from condarium.errors import BadInput
from condarium.model.governance.amounts import read_amount, say_amount
from condarium.values import parse_duration

_CREDITS = re.compile(r"([0-9.]+)(?: credits?)?", re.ASCII)
_UNITS = (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


class Misspelled(BadInput):
    """A text in a file is not spelled as what it should be."""

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found[:80], expected
        super().__init__(f"found {self.found!r}; expected {expected}")


def read_span(text: str) -> timedelta:
    """A duration above nothing, in whole seconds."""
    span = parse_duration(text)
    if span < timedelta(seconds=1) or span.microseconds:
        raise Misspelled(text, "a second or more")
    return span


def say_span(span: timedelta) -> str:
    """The text that `read_span` reads as this, in its largest units but weeks.

    >>> say_span(timedelta(days=180)), say_span(timedelta(hours=30))
    ('180d', '1d 6h')
    """
    left, parts = int(span.total_seconds()), []
    for unit, seconds in _UNITS[1:]:
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts)


def read_credits(text: str) -> int:
    """Microcredits: `40 credits`, `1 credit`, `2.5`."""
    found = _CREDITS.fullmatch(text)
    if found is None:
        raise Misspelled(text, "an amount such as 40 credits")
    return read_amount(found[1])


def say_credits(amount: int) -> str:
    said = say_amount(amount)
    return f"{said} {'credit' if said == '1' else 'credits'}"


def read_moment(text: str) -> datetime:
    """An instant with its zone, or a day in UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Misspelled(text, "an instant") from None
    if moment.tzinfo is None:
        if len(text) > len("2026-03-01"):
            raise Misspelled(text, "an instant with its zone, such as 2026-03-01T09:00:00Z")
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def say_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_count(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,6}", text, re.ASCII):
        raise Misspelled(text, "a whole number above nothing")
    return int(text)


def read_word(text: str) -> str:
    """The name of a branch, an event or a role."""
    if not re.fullmatch(r"[^\s,]{1,255}", text):
        raise Misspelled(text, "a name without spaces or commas")
    return text


def read_flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise Misspelled(text, "true or false")
    return _FLAGS[text.lower()]


_FLAGS: Mapping[str, bool] = {"true": True, "yes": True, "on": True} | {
    "false": False, "no": False, "off": False
}  # fmt: skip


def one_of(words: type) -> Callable[[str], object]:
    """What reads one word of an enumeration."""

    def read(text: str) -> object:
        try:
            return words(text)
        except ValueError:
            raise Misspelled(text, f"one of {', '.join(words)}") from None  # type: ignore[arg-type]  # an enumeration of words

    return read
