"""The REST face described (OpenAPI 3.1): addresses, arguments, and how answers look."""

import dataclasses
import inspect
import types
import typing
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Any, Literal, Union, get_args, get_origin

import condarium
from condarium.model.document import Document
from condarium.model.names import EnvironmentName
from condarium.model.plain import attributes
from condarium.model.upload import Upload
from condarium.model.view import ChannelName, View
from condarium.operation import Operation, Parameter
from condarium.server.arguments import key

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NAMES: dict[Any, Schema] = {
    EnvironmentName: {**_TEXT, "examples": ["lab/fit"]},
    ChannelName: {**_TEXT, "examples": ["lab"]},
    View: {**_TEXT, "examples": ["lab", "lab/label/dev", "lab/as-of/r12", "lab/cooldown/7d"]},
}
_KINDS: dict[Any, Schema] = {
    str: _TEXT,
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    **_NAMES,
}
_ARGUMENTS: dict[Any, Schema] = {
    **_KINDS,
    timedelta: {**_TEXT, "examples": ["7d", "12h", "1d12h"]},
    Document: {
        "type": "object",
        "properties": {"name": _TEXT, "content": _TEXT},
        "required": ["content"],
    },
}
_FILE: Schema = {**_TEXT, "format": "binary"}
_FILES = (Document, Upload)
_PROBLEM: Schema = {
    "type": "object",
    "properties": {
        "status": {"type": "integer"},
        **dict.fromkeys(("title", "code", "detail", "hint"), _TEXT),
    },
    "required": ["status", "title", "code", "detail"],
}


def described(prefix: str, operations: Iterable[Operation]) -> Schema:
    """The document."""
    answers = Answers()
    paths: dict[str, Schema] = {}
    for operation in operations:
        if operation.route:
            method, path = operation.route
            paths.setdefault(prefix + path, {})[method.lower()] = _operation(operation, answers)
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "basic": {"type": "http", "scheme": "basic"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "condarium", "version": condarium.__version__},
        "paths": paths,
        "security": [{name: []} for name in schemes],
        "components": {
            "securitySchemes": schemes,
            "schemas": {**answers.schemas, "Problem": _PROBLEM},
        },
    }


def _operation(operation: Operation, answers: "Answers") -> Schema:
    assert operation.route
    method, path = operation.route
    said: Schema = {
        "operationId": operation.name.replace(" ", "-"),
        "tags": [operation.groups[0] if operation.groups else operation.name],
        "summary": operation.summary,
        "description": f"{operation.description}\n\nNeeds `{operation.permission}`.".strip(),
        "responses": {
            "200": _content("its result", answers.schema(operation.result)),
            "default": _content("what went wrong", _ref("Problem"), "application/problem+json"),
        },
    }
    in_path = [word for word in ("namespace", "name") if f"{{{word}}}" in path]
    said["parameters"] = [_in_path(word, f"the environment's {word}") for word in in_path]
    others = []
    for parameter in operation.parameters:
        if f"{{{key(parameter)}}}" in path:
            said["parameters"].append(_in_path(key(parameter), parameter.argument.help))
        elif not (in_path and parameter.type is EnvironmentName):
            others.append(parameter)
    if method == "POST":
        said["requestBody"] = _body(others)
    else:
        said["parameters"] += [_in_query(parameter) for parameter in others]
    return said


def _in_path(word: str, text: str) -> Schema:
    return {"name": word, "in": "path", "required": True, "description": text, "schema": _TEXT}


def _in_query(parameter: Parameter) -> Schema:
    return {
        "name": key(parameter),
        "in": "query",
        "required": parameter.required,
        "description": parameter.argument.help,
        "schema": _argument(parameter, form=False),
    }


def _body(parameters: list[Parameter]) -> Schema:
    """As JSON, where no file is needed, and as a form, where one may be given."""
    kinds = {}
    if not any(p.type is Upload and p.required for p in parameters):
        jsonable = [p for p in parameters if p.type is not Upload]
        kinds["application/json"] = {"schema": _object(jsonable, form=False)}
    if any(p.type in _FILES for p in parameters):
        kinds["multipart/form-data"] = {"schema": _object(parameters, form=True)}
    return {"required": any(p.required for p in parameters), "content": kinds}


def _object(parameters: list[Parameter], *, form: bool) -> Schema:
    properties = {
        key(p): {**_argument(p, form=form), "description": p.argument.help} for p in parameters
    }
    required = [key(p) for p in parameters if p.required]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _argument(parameter: Parameter, *, form: bool) -> Schema:
    schema = _FILE if form and parameter.type in _FILES else _ARGUMENTS.get(parameter.type, _TEXT)
    if parameter.choices:
        schema = {**_TEXT, "enum": list(parameter.choices)}
    if parameter.many:
        return {"type": "array", "items": schema}
    plain = isinstance(parameter.default, str | int | bool) and parameter.default is not False
    return {**schema, "default": parameter.default} if plain else schema


class Answers:
    """The schemas of plain forms (`to_plain`), those of dataclasses by name."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}

    def schema(self, hint: Any) -> Schema:
        origin, inner = get_origin(hint), get_args(hint)
        if hint in _KINDS:
            return _KINDS[hint]
        if hint is timedelta:
            return {"type": "number", "description": "seconds"}
        if hint is datetime:
            return {**_TEXT, "format": "date-time"}
        if origin is Literal:
            return {"enum": list(inner)}
        if origin in (Union, types.UnionType):
            return {"anyOf": [self.schema(each) for each in inner]}
        if origin is tuple:
            return {"type": "array", "items": self.schema(inner[0])}
        if origin is not None:
            return {"type": "object", "additionalProperties": self.schema(inner[1])}
        return self._class(hint) if inspect.isclass(hint) else {}

    def _class(self, kind: type) -> Schema:
        if issubclass(kind, Enum):
            return {**_TEXT, "enum": [each.value for each in kind]}
        if not dataclasses.is_dataclass(kind):
            return _TEXT if issubclass(kind, PurePath) else {}
        if kind.__name__ not in self.schemas:
            self.schemas[kind.__name__] = {}  # it may have others of its kind in it
            self.schemas[kind.__name__] = self._dataclass(kind)
        return _ref(kind.__name__)

    def _dataclass(self, kind: type) -> Schema:
        hints = typing.get_type_hints(kind)
        for name in attributes(kind):
            if isinstance(found := inspect.getattr_static(kind, name, None), property):
                hints[name] = typing.get_type_hints(found.fget).get("return", Any)
        properties = {name: self.schema(hints[name]) for name in attributes(kind)}
        return {"type": "object", "properties": properties, "required": list(properties)}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(text: str, schema: Schema, kind: str = "application/json") -> Schema:
    return {"description": text, "content": {kind: {"schema": schema}}}
