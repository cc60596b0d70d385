"""Views: a channel as it is, or was, seen through a label, an instant or a cooldown.

A view's address is the path under which a server shows it, and its name on a command line:

    lab                                      the label `main` as it is now
    lab/label/dev                            another label
    lab/as-of/r12                            as revision 12 left it
    lab/as-of/2026-03-01T09:00:00Z           as it was at an instant (RFC 3339)
    lab/cooldown/7d                          only what has been there for seven days
    lab/label/dev/as-of/r12/cooldown/7d      all of these
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from condarium.errors import BadInput, BadName
from condarium.model.subdirs import is_subdir

MAIN = "main"
"""The label of what is published without one, and the one that is shown where none is named."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,63}")
_LABEL = re.compile(r"[a-zA-Z][0-9a-zA-Z_\-./]{0,127}")
_WORDS = ("label", "as-of", "cooldown")
_ROUTES = ("files", "packages", "search")
"""What follows `/channels/` in the REST API, where else a channel's name does."""
_PLACES = (
    "t",
    "api",
    "source",
    "static",
    "healthz",
    "readyz",
    "metrics",
    "sign-in",
    "account",
    "lending",
)
_RESERVED = frozenset({*_PLACES, *_WORDS, *_ROUTES})
_COOLDOWN = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60}
_LONGEST_COOLDOWN = timedelta(days=3650)


class BadView(BadInput):
    """This is not the address of a view."""

    def __init__(self, text: str, found: str, expected: str) -> None:
        self.text, self.found, self.expected = text, found, expected
        super().__init__(
            f"{text!r} is not a view of a channel: found {found}; expected {expected}",
            hint="Write CHANNEL, and after it any of /label/LABEL, /as-of/r12, "
            "/as-of/2026-03-01T09:00:00Z and /cooldown/7d.",
        )


@dataclass(frozen=True, order=True)
class ChannelName:
    """The name of a channel of this store, a single part of a path."""

    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises BadName."""
        if not _NAME.fullmatch(text) or text in _RESERVED or is_subdir(text):
            name, _, label = text.partition("/label/")
            raise BadName(
                f"{text!r} is not the name of a channel",
                hint=f"Only a channel is named here: {name}. Where there is `--label`, {label} is "
                "given with it."
                if name and label
                else "It is 1 to 64 lower-case letters, digits, '.', '_' or '-', begins with a "
                "letter or a digit, and is neither a subdir nor one of "
                f"{', '.join(sorted(_RESERVED))}.",
            )
        return cls(text)

    def __str__(self) -> str:
        return self.name


def check_label(text: str) -> str:
    """Give a label back (CEP 26), or raise BadName."""
    parts = text.split("/")
    if not _LABEL.fullmatch(text) or text == "nolabel" or {"", ".", ".."} & {*parts}:
        raise BadName(
            f"{text!r} is not a label",
            hint="It begins with a letter and has up to 128 letters, digits, '_', '-', '.' and "
            "'/'; `nolabel` is reserved (CEP 26).",
        )
    if unfit := [part for part in parts if part in _WORDS or is_subdir(part)]:
        raise BadName(
            f"the label {text!r} has the part {unfit[0]!r}, which means something in a URL",
            hint="Use another word between the slashes.",
        )
    return text


@dataclass(frozen=True, kw_only=True)
class View:
    """A view of one channel. `as_of` is a revision's number or an aware UTC datetime."""

    channel: ChannelName
    label: str = MAIN
    as_of: int | datetime | None = None
    cooldown: timedelta | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address. Raises BadView, and BadName for a channel or a label."""
        name, *rest = text.strip("/").split("/")
        given = _sections(text, rest)
        return cls(
            channel=ChannelName.parse(name),
            label=check_label(given["label"]) if "label" in given else MAIN,
            as_of=_as_of(text, given["as-of"]) if "as-of" in given else None,
            cooldown=_cooldown(text, given["cooldown"]) if "cooldown" in given else None,
        )

    def __str__(self) -> str:
        """The address, always with the same words in the same order."""
        parts = [str(self.channel)]
        if self.label != MAIN:
            parts += ["label", self.label]
        if self.as_of is not None:
            parts += ["as-of", say_as_of(self.as_of)]
        if self.cooldown is not None:
            parts += ["cooldown", say_cooldown(self.cooldown)]
        return "/".join(parts)


def say_as_of(as_of: int | datetime) -> str:
    """`r12`, or an instant in UTC."""
    if isinstance(as_of, int):
        return f"r{as_of}"
    return as_of.astimezone(UTC).isoformat().replace("+00:00", "Z")


def say_cooldown(cooldown: timedelta) -> str:
    """In days, hours or minutes, the largest in which it is a whole number: `7d`, `36h`."""
    seconds = int(cooldown.total_seconds())
    unit = next(unit for unit in "dhm" if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _sections(text: str, parts: Sequence[str]) -> dict[str, str]:
    """What follows each of the words; a label goes on to the next word."""
    given: dict[str, list[str]] = {}
    word = ""
    for part in parts:
        if part in _WORDS:
            word = part
            if word in given:
                raise BadView(text, f"{word!r} twice", "it once")
            given[word] = []
        elif not word or (word != "label" and given[word]):
            raise BadView(text, repr(part), f"one of {', '.join(_WORDS)}")
        else:
            given[word].append(part)
    for word, values in given.items():
        if not any(values):
            raise BadView(text, f"nothing after {word!r}", "a value")
    return {word: "/".join(values) for word, values in given.items()}


def _as_of(text: str, value: str) -> int | datetime:
    if re.fullmatch(r"r[0-9]{1,18}", value):
        return int(value[1:])
    try:
        moment = datetime.fromisoformat(value.replace(" ", "+"))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    expected = "a revision such as r12, or an instant with its zone such as 2026-03-01T09:00:00Z"
    raise BadView(text, repr(value), expected)


def _cooldown(text: str, value: str) -> timedelta:
    found = _COOLDOWN.fullmatch(value)
    if not found:
        raise BadView(text, repr(value), "a cooldown such as 7d, 36h, 2w or 30m")
    cooldown = timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    if cooldown > _LONGEST_COOLDOWN:
        raise BadView(text, repr(value), "a cooldown of ten years (3650d) at most")
    return cooldown
