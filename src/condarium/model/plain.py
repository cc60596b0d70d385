"""Results as plain data: what JSON can say."""

import dataclasses
import inspect
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import PurePath
from typing import Any

from condarium.errors import CondariumError
from condarium.model.governance.resources import ResourceName
from condarium.model.names import EnvironmentName
from condarium.model.view import ChannelName, View


def to_plain(value: object) -> Any:
    """Give dicts, lists, text, numbers, booleans and None.

    A dataclass is a dict of its fields and of what it computes from them (its properties); a time
    is ISO 8601 in UTC with a `Z`, a duration its seconds; names and paths are text.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, EnvironmentName | ChannelName | View | ResourceName | PurePath):
        return str(value)
    return _composite(value)


def error_data(error: CondariumError) -> dict[str, Any]:
    """What an error carries beside its message and its hint, as far as JSON can say it."""
    found = {}
    for name, value in vars(error).items():
        if not name.startswith("_") and name not in ("message", "hint"):
            with suppress(TypeError):
                found[name] = to_plain(value)
    return found


def _composite(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in attributes(type(value))}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [to_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no plain form")


@cache
def attributes(kind: type) -> tuple[str, ...]:
    """The names of a dataclass's public fields and properties."""
    fields = [field.name for field in dataclasses.fields(kind) if not field.name.startswith("_")]
    properties = inspect.getmembers_static(kind, lambda member: isinstance(member, property))
    return (*fields, *(name for name, _ in properties if not name.startswith("_")))
