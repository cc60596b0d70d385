"""What servers and workers log: constant messages with fields, as text or as JSON, no secrets."""

import json
import logging
import re
import sys
import time
import traceback
from contextvars import ContextVar
from typing import Any

from condarium.settings.telemetry import TelemetrySettings

REQUEST: ContextVar[str | None] = ContextVar("request", default=None)
"""The id of the request that is being answered."""

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRETS = (
    (re.compile(r"(/t/)[^/\s\"'?]+"), r"\1…"),
    (re.compile(r"\bcondarium_[A-Za-z0-9_\-]{20,}"), "condarium_…"),
    (re.compile(r"(://)[^/@\s\"']+@"), r"\1…@"),
    (
        re.compile(r"([?&](?:token|secret|password|code|state|key|signature)=)[^&\s\"']+", re.I),
        r"\1…",
    ),
    (re.compile(r"((?:bearer|basic)\s+)[A-Za-z0-9._~+/=\-]{8,}", re.I), r"\1…"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def configure_logs(settings: TelemetrySettings) -> None:
    """Have condarium's log written to standard error; where a program has its own way, leave it."""
    log = logging.getLogger("condarium")
    if logging.getLogger().handlers or any(type(each) is not _Handler for each in log.handlers):
        return
    handler = _Handler()
    handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    log.handlers[:] = [handler]
    log.propagate = False
    log.setLevel(settings.log_level.upper())


class _Handler(logging.StreamHandler[Any]):
    """Writes to whatever standard error is now."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, message, the fields, and what went wrong."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "at": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            **{name: _plain(value) for name, value in fields_of(record).items()},
        }
        if record.exc_info:
            said["error"] = without_secrets("".join(traceback.format_exception(*record.exc_info)))
        return json.dumps(said, ensure_ascii=False)


class TextLines(logging.Formatter):
    """For people: the message and its fields on one line, then what went wrong."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={_plain(value)}" for name, value in fields_of(record).items())
        head = f"{_instant(record)} {record.levelname.lower()}: {record.getMessage()}{fields}"
        lines = [head.replace("\n", "\\n")]
        if record.exc_info:
            lines.append("".join(traceback.format_exception(*record.exc_info)).rstrip())
        return one_line_safe(without_secrets("\n".join(lines)))


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """What was given as `extra`, and the request's id."""
    fields = {name: value for name, value in vars(record).items() if name not in _OWN}
    request = REQUEST.get()
    return {**({"request": request} if request else {}), **fields}


def without_secrets(text: str) -> str:
    """Take out what looks like a token, or like somebody's password in a URL."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def one_line_safe(text: str) -> str:
    """Show control characters rather than have a terminal obey them."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return without_secrets(str(value))


def _instant(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"
