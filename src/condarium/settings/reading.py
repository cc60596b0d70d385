"""How a setting is read out of its text: whole, or BadSetting says what was found."""

import re
from collections.abc import Mapping

from condarium.errors import BadInput
from condarium.model.secret import redact_url

_URL = re.compile(
    r"https?://([0-9A-Za-z.\-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[0-9A-Za-z._~\-]+)*/?"
)
_SIZES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class BadSetting(BadInput):
    """A setting does not say what it may say."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        self.name, self.found, self.expected = name, found, expected
        super().__init__(f"{name}: found {found!r}; expected {expected}")


def seconds(name: str, environ: Mapping[str, str], default: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not re.fullmatch(r"\d{1,8}", text, re.ASCII):
        raise BadSetting(name, text, "a whole number of seconds")
    return int(text)


def size(name: str, environ: Mapping[str, str], default: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    found = re.fullmatch(r"([1-9]\d{0,14})\s*([kMGT]?)B?", text, re.ASCII)
    if not found:
        raise BadSetting(name, text, "a number of bytes such as 500M or 20G")
    return int(found[1]) * _SIZES[found[2]]


def url(name: str, environ: Mapping[str, str]) -> str | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not _URL.fullmatch(text):
        raise BadSetting(name, redact_url(text), "a URL such as https://conda.example.org/channels")
    return text.rstrip("/")
