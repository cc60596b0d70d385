"""How a setting is read out of its text: whole, or BadSetting says what was found."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from condarium.errors import BadInput
from condarium.model.secret import Secret, redact_url

_URL = re.compile(
    r"https?://([0-9A-Za-z.\-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[0-9A-Za-z._~\-]+)*/?"
)
_SIZES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS = {
    "": timedelta(seconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


class BadSetting(BadInput):
    """A setting does not say what it may say."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        self.name, self.found, self.expected = name, found, expected
        super().__init__(f"{name}: found {found!r}; expected {expected}")


def span(
    name: str, environ: Mapping[str, str], default: timedelta, *, zero: bool = False
) -> timedelta:
    """A duration such as 90d, or a number of seconds."""
    text = environ.get(name, "").strip()
    if not text:
        return default
    found = re.fullmatch(r"(\d{1,8})\s*([smhd]?)", text, re.ASCII)
    if not found or not (zero or int(found[1])):
        raise BadSetting(name, text, "a duration such as 90d, 12h, 30m or 45s")
    return int(found[1]) * _UNITS[found[2]]


def seconds(name: str, environ: Mapping[str, str], default: int) -> int:
    """A duration, which may be none at all, in seconds."""
    return round(span(name, environ, timedelta(seconds=default), zero=True).total_seconds())


def size(name: str, environ: Mapping[str, str], default: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    found = re.fullmatch(r"([1-9]\d{0,14})\s*([kMGT]?)B?", text, re.ASCII)
    if not found:
        raise BadSetting(name, text, "a number of bytes such as 500M or 20G")
    return int(found[1]) * _SIZES[found[2]]


def flag(name: str, environ: Mapping[str, str], *, default: bool | None) -> bool | None:
    text = environ.get(name, "").strip().lower()
    if text not in ("", "0", "1", "no", "yes", "false", "true"):
        raise BadSetting(name, text, "1 or 0")
    return text in ("1", "yes", "true") if text else default


def url(name: str, environ: Mapping[str, str]) -> str | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not _URL.fullmatch(text):
        raise BadSetting(name, redact_url(text), "a URL such as https://conda.example.org/channels")
    return text.rstrip("/")


def secret(name: str, environ: Mapping[str, str]) -> Secret | None:
    """A secret in a variable, or in the file that the variable with _FILE names."""
    if text := environ.get(name):
        return Secret(text)
    file = environ.get(f"{name}_FILE")
    if not file:
        return None
    try:
        return Secret(Path(file).expanduser().read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{name}_FILE", file, "a file with a secret that can be read") from error
