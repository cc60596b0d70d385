"""Secrets that do not print themselves, and URLs without the secrets in them."""

import re
from dataclasses import dataclass, field

MASK = "********"

# `//user:password@` of a URL: up to the last "@" before its path.
_USER_INFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.\-]*://)[^\s/?#'\"<>]*@")
# The same where characters of the password should have been written as %23, %2F or %3F: what
# stands behind the ":" is no port, so that all up to the last "@" is the password.
_BROKEN_USER_INFO = re.compile(
    r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.\-]*://)(?!\[[0-9a-fA-F:.]*\])[^\s/?#'\"<>:@]*"
    r":(?!\d{1,5}(?:[/?#]|\Z))\S*@"
)
_ANY_USER_INFO = re.compile(r"(?P<scheme>\A\s*(?:[a-zA-Z][a-zA-Z0-9+.\-]*://)?).*@", re.S)
# `/t/TOKEN/` anywhere in the path of a URL that goes over a network.
_TOKEN = re.compile(
    r"(?P<before>(?!file:)\b[a-z][a-z0-9+.\-]*://[^\s'\"<>]*?/t/)[^\s/?#'\"<>)]+", re.I
)
_PARAMETER = re.compile(
    r"(?P<before>[?&](?:[a-z0-9_\-]*(?:token|secret|password|signature|credential|api_?key|sig)"
    r"[a-z0-9_\-]*)=)[^\s&#'\"<>)]+",
    re.I,
)


@dataclass(frozen=True, repr=False)
class Secret:
    """A text that appears in no message, log or repr; only `reveal` gives it.

    >>> Secret("hunter2")
    Secret('********')
    """

    _text: str = field()

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._text)


def redact_url(text: str) -> str:
    """Mask the credentials of every URL inside a text.

    >>> redact_url("GET https://me:pw@host/t/abc/chan?token=x failed")
    'GET https://********@host/t/********/chan?token=******** failed'
    """
    text = _USER_INFO.sub(rf"\g<scheme>{MASK}@", text)
    text = _BROKEN_USER_INFO.sub(rf"\g<scheme>{MASK}@", text)
    text = _TOKEN.sub(rf"\g<before>{MASK}", text)
    return _PARAMETER.sub(rf"\g<before>{MASK}", text)


def redact_broken_url(text: str) -> str:
    """Mask all that may be credentials in a text that should be one URL, and is not.

    >>> redact_broken_url("https://me:p#w/x@host/chan")
    'https://********@host/chan'
    """
    return redact_url(_ANY_USER_INFO.sub(rf"\g<scheme>{MASK}@", text))
