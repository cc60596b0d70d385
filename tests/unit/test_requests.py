"""What a client sends is what a server understands: the same operation, with the same arguments."""

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

import httpx
import pytest

from condarium.app import operations
from condarium.client.requests import question_of
from condarium.engine.network.api import Question, _form
from condarium.model.document import Document
from condarium.model.governance.resources import ResourceName
from condarium.model.names import EnvironmentName
from condarium.model.upload import Upload
from condarium.model.view import ChannelName, View
from condarium.operation import Operation, Parameter
from condarium.server.multipart import Form, boundary_of
from condarium.server.rest.arguments import Fields, accepted, of_json, of_path, of_query
from condarium.server.rest.routes import find_route
from condarium.storage.layout import Layout

EVERY = [found for found in operations().values() if not found.local]
TEXT, BINARY = Document("ä b.yml", "ä: \u2028 1".encode()), Document("a.bin", b"\xff\r\n--\r\n")
VALUES = {
    str: 'a/b ?&=%+ä"',
    int: -3,
    bool: True,
    timedelta: timedelta(days=1, seconds=1.5),
    EnvironmentName: EnvironmentName("lab", "a.b-c"),
    ChannelName: ChannelName("lab"),
    ResourceName: ResourceName("gpu"),
    View: View.parse("lab/label/dev/as-of/2026-03-01T09:00:00Z/cooldown/7d"),
}


@pytest.mark.parametrize("document", [TEXT, BINARY], ids=["text", "binary"])
@pytest.mark.parametrize("operation", EVERY, ids=lambda found: found.name)
def test_a_request_brings_its_arguments(
    operation: Operation, document: Document, tmp_path: Path
) -> None:
    package = tmp_path / "tool-1.0-0.conda"
    package.write_bytes(b"bytes")
    values = {**VALUES, Document: document, Upload: Upload(package.name, package)}
    given = {found.name: _value(operation, found, values) for found in operation.parameters}
    question = question_of(operation, given)
    with ExitStack() as opened:
        found, arguments = _understood(question, Layout(tmp_path / "store"), opened)
        assert found is operation
        assert {name: _content(value) for name, value in arguments.items()} == {
            name: _content(value) for name, value in given.items()
        }


def _value(operation: Operation, parameter: Parameter, values: dict[Any, Any]) -> Any:
    value = parameter.choices[0] if parameter.choices else values[parameter.type]
    if (
        value == VALUES[str]
        and operation.route
        and f"{{{parameter.name.rstrip('_')}}}" in operation.route[1]
    ):
        value = value.replace("/", "")  # a part of a path has none
    return (value, value) if parameter.many else value


def _understood(
    question: Question, layout: Layout, opened: ExitStack
) -> tuple[Operation, dict[str, Any]]:
    """The operation and its arguments, as the server reads them out of a request."""
    operation, named = find_route(question.method, unquote(question.path))
    given = {**of_path(operation, named)}
    if question.query:
        given |= of_query(operation, urlencode(list(question.query)).encode())
    with _form(question) as form:
        request = httpx.Request("POST", "http://server", **form)
        body = request.read()
    if boundary := boundary_of(request.headers.get("Content-Type", "").encode()):
        reading, fields = Form(boundary), Fields(operation, layout, opened)
        fields.take(reading.feed(body))
        reading.end()
        given |= fields.plain()
    elif body:
        given |= of_json(operation, body)
    return operation, accepted(operation, given)


def _content(value: Any) -> Any:
    """A value by which two can be compared: an upload is where it was put."""
    match value:
        case tuple():
            return [_content(each) for each in value]
        case Upload(name=name, path=path):
            return [name, path.read_bytes()]
        case Document(name=name, content=content):
            return [name, content]
    return value
