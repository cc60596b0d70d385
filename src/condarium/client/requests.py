"""An operation with its arguments, as the request that asks a server for it."""

import re
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from condarium.engine.network.api import Question, SentFile
from condarium.model.document import Document
from condarium.model.jobs import Placing
from condarium.model.names import EnvironmentName
from condarium.model.upload import Upload
from condarium.model.view import ChannelName, View
from condarium.operation import Operation

PREFIX = "/api/v1"
_KINDS: Mapping[str, Any] = {"channel": ChannelName, "view": View}
"""Parts of a path that stand for the one argument of their type, whatever it is called."""


def question_of(
    operation: Operation, arguments: Mapping[str, Any], placing: Placing | None = None
) -> Question:
    """The request for an operation that is not local. A server knows it again by its key."""
    assert operation.route
    method, template = operation.route
    given = {name: value for name, value in arguments.items() if value not in (None, ())}
    path, others = _path(operation, template, given)
    if method == "GET":
        return Question(method=method, path=path, query=_query(others))
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    if placing:
        headers["Condarium-Queue"] = placing.queue
        headers["Condarium-Priority"] = str(placing.priority)
        headers["Condarium-Chain"] = str(placing.chain)
        if placing.time is not None:
            headers["Condarium-Time"] = f"{placing.time.total_seconds():f}s"
    if method == "DELETE":
        return Question(method=method, path=path, query=_query(others), headers=headers)
    if not any(map(_needs_form, others.values())):
        body = {name: _plain(value) for name, value in others.items()}
        return Question(method=method, path=path, body=body, headers=headers)
    files = {name: value for name, value in others.items() if _is_file(value)}
    return Question(
        method=method,
        path=path,
        fields={name: _texts(value) for name, value in others.items() if name not in files},
        files=[_sent(name, file) for name, value in files.items() for file in _each(value)],
        headers=headers,
    )


def _path(
    operation: Operation, template: str, given: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The path with its parts filled in, and the arguments that are not in it, by their keys."""
    left = dict(given)

    def take(part: str) -> str:
        value = left.pop(_parameter(operation, part))
        return quote(str(value), safe="/:" if isinstance(value, View) else "")

    if "{namespace}/{name}" in template:
        environment = left.pop(_parameter(operation, "environment", EnvironmentName))
        parts = f"{environment.namespace}/{environment.name}"
        template = template.replace("{namespace}/{name}", parts)
    path = re.sub(r"\{(\w+)\}", lambda found: take(found[1]), template)
    return PREFIX + path, {name.rstrip("_"): value for name, value in left.items()}


def _parameter(operation: Operation, part: str, kind: Any = None) -> str:
    """The name of the argument that is a part of the path."""
    kind = kind or _KINDS.get(part)
    required = [parameter for parameter in operation.parameters if parameter.required]
    named = [p.name for p in required if p.name.rstrip("_") == part]
    return (named or [p.name for p in required if p.type is kind and not p.many])[0]


def _query(arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, text) for name, value in arguments.items() for text in _texts(value)]


def _texts(value: Any) -> list[str]:
    return [_text(each) for each in _each(value)]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(_plain(value))


def _plain(value: Any) -> Any:
    match value:
        case bool() | int() | str():
            return value
        case timedelta():
            return f"{value.total_seconds():f}s"
        case tuple():
            return [_plain(each) for each in value]
        case Document():
            return {"name": value.name, "content": value.content.decode()}
    return str(value)


def _each(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_file(value: Any) -> bool:
    return isinstance(_each(value)[0], Document | Upload)


def _needs_form(value: Any) -> bool:
    return any(
        isinstance(each, Upload) or (isinstance(each, Document) and not _is_text(each.content))
        for each in _each(value)
    )


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _sent(name: str, file: Document | Upload) -> SentFile:
    content = file.path if isinstance(file, Upload) else file.content
    return SentFile(field=name, name=file.name, content=content)
