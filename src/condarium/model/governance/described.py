"""What people say of a resource, as they write it, read into settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

from condarium.errors import BadInput
from condarium.model.governance.amounts import CREDIT, BadAmount, read_amount, say_amount
from condarium.model.governance.resources import Approvals, Settings, check_label, check_name
from condarium.model.subdirs import parse_subdir

NOTHING = ("", "none")
"""What is said to empty a setting."""
_LONGEST_JOB = timedelta(days=366)
_LONGEST_UNUSED = timedelta(days=3660)
_MOST = 100_000
_LINE, _TEXT = 500, 10_000


class BadSetting(BadInput):
    """Something that was said of a resource cannot be."""

    def __init__(self, setting: str, found: object, expected: str) -> None:
        self.setting, self.found, self.expected = setting, str(found)[:60], expected
        super().__init__(f"{setting}: found {self.found!r}; expected {expected}")


@dataclass(frozen=True, kw_only=True)
class Described:
    """What is said of a resource; None, or no text at all, leaves a setting as it is.

    A text is emptied by `""` or `none`, a limit by `none`, a list by one of them alone. Numbers are
    texts: of jobs, and of credits for an hour.
    """

    provider: str | None = None
    description: str | None = None
    platform: str | None = None
    label: str | None = None
    labels: tuple[str, ...] = ()
    capacity: str | None = None
    most_per_project: str | None = None
    longest_job: timedelta | None = None
    factor: str | None = None
    terms: str | None = None
    rule: tuple[str, ...] = ()
    unique_label: bool | None = None
    unused_after: timedelta | None = None
    public: bool | None = None
    contact: str | None = None
    private: str | None = None

    def settings(self, before: Settings) -> Settings:
        """The settings that follow. Raises BadSetting, BadName, BadRule, UnknownPlatform."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        given = {name: value for name, value in said.items() if value not in (None, ())}
        return replace(before, **{name: _READ[name](name, each) for name, each in given.items()})


def differences(before: Settings, after: Settings) -> dict[str, str]:
    """The settings that differ, by name, as they are after; nothing of what is private."""
    names = [each.name for each in fields(Settings)]
    changed = [name for name in names if getattr(before, name) != getattr(after, name)]
    return {name: _say(name, getattr(after, name)) for name in changed}


def _say(name: str, value: Any) -> str:
    if name in ("private", "machine"):
        return "changed"
    if name == "factor":
        return say_amount(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)


def _name(_: str, text: str) -> str:
    return "" if text in NOTHING else check_name(text)


def _label(_: str, text: str) -> str:
    return "" if text in NOTHING else check_label(text)


def _labels(_: str, texts: tuple[str, ...]) -> tuple[str, ...]:
    if len(texts) == 1 and texts[0] in NOTHING:
        return ()
    return tuple(dict.fromkeys(check_label(text) for text in texts))


def _platform(_: str, text: str) -> str:
    return "" if text in NOTHING else parse_subdir(text)


def _terms(_: str, text: str) -> str | None:
    return None if text in NOTHING else check_name(text)


def _limit(name: str, text: str) -> int | None:
    if text in NOTHING:
        return None
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= _MOST):
        raise BadSetting(name, text, f"a number from 1 to {_MOST:,}, or none for no limit")
    return int(text)


def _factor(name: str, text: str) -> int:
    expected = "how many credits an hour costs, such as 1 or 2.5"
    try:
        amount = read_amount(text)
    except BadAmount:
        raise BadSetting(name, text, expected) from None
    if not 0 < amount <= _MOST * CREDIT:
        raise BadSetting(name, text, f"{expected}: more than 0, at most {_MOST:,}")
    return amount


def _longest_job(name: str, time: timedelta) -> timedelta:
    if not timedelta() < time <= _LONGEST_JOB:
        raise BadSetting(name, time, f"more than no time, at most {_LONGEST_JOB.days} days")
    return time


def _unused_after(name: str, time: timedelta) -> timedelta:
    if not timedelta() < time <= _LONGEST_UNUSED:
        raise BadSetting(name, time, f"more than no time, at most {_LONGEST_UNUSED.days} days")
    return time


def _rule(_: str, texts: tuple[str, ...]) -> tuple[Approvals, ...]:
    return tuple(Approvals.parse(text) for text in texts)


def _line(name: str, text: str) -> str:
    if text in NOTHING:
        return ""
    if len(text) > _LINE or len(text.splitlines()) != 1:
        raise BadSetting(name, text, f"one line of at most {_LINE} characters")
    return text


def _text(name: str, text: str) -> str:
    if len(text) > _TEXT:
        raise BadSetting(name, text, f"at most {_TEXT:,} characters")
    return "" if text in NOTHING else text


def _flag(_: str, value: bool) -> bool:
    return value


_READ: Mapping[str, Callable[[str, Any], Any]] = {
    "provider": _name,
    "description": _line,
    "platform": _platform,
    "label": _label,
    "labels": _labels,
    "capacity": _limit,
    "most_per_project": _limit,
    "longest_job": _longest_job,
    "factor": _factor,
    "terms": _terms,
    "rule": _rule,
    "unique_label": _flag,
    "unused_after": _unused_after,
    "public": _flag,
    "contact": _line,
    "private": _text,
}
