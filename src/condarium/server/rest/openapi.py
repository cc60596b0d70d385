"""The REST face described (OpenAPI 3.1): addresses, arguments, and how answers look."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, get_origin

import condarium
from condarium.model.access.permissions import Permission
from condarium.model.document import Document
from condarium.model.jobs import Job
from condarium.model.names import EnvironmentName
from condarium.model.paging import Page
from condarium.model.upload import Upload
from condarium.operation import Operation, Parameter
from condarium.server.rest.arguments import key
from condarium.server.rest.openapi_texts import EXAMPLE, INTRODUCTION, PROBLEMS, SCHEMES, TAGS
from condarium.server.rest.schemas import KINDS, TEXT, Answers, Schema, ref

_ARGUMENTS: dict[Any, Schema] = {
    **KINDS,
    timedelta: {**TEXT, "examples": ["7d", "12h", "1d12h"]},
    Document: {
        "type": "object",
        "properties": {"name": TEXT, "content": TEXT},
        "required": ["content"],
        "examples": [EXAMPLE],
    },
}
_FILE: Schema = {**TEXT, "format": "binary"}
_FILES = (Document, Upload)
_PROBLEM: Schema = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "properties": {
        "status": {"type": "integer", "description": "the HTTP status"},
        "title": {**TEXT, "description": "the code in words"},
        "code": {**TEXT, "description": "its stable name", "examples": ["no-such-environment"]},
        "detail": {**TEXT, "description": "what was found, and what was expected"},
        "hint": {**TEXT, "description": "what to do next"},
        "data": {"type": "object", "description": "what else the error knows"},
    },
    "required": ["status", "title", "code", "detail"],
}
_HEADERS: Schema = {
    "Link": {"schema": TEXT, "description": 'the next page, if there is one: `<…>; rel="next"`'},
    "Location": {"schema": TEXT, "description": "where the job is"},
}
_REQUEST_HEADERS: Schema = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Sent again with the same key, the request is not carried out twice.",
        "schema": {**TEXT, "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$"},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=30` waits so many seconds for the job's result.",
        "schema": {**TEXT, "examples": ["wait=30", "respond-async"]},
    },
    "Queue": {
        "name": "Condarium-Queue",
        "in": "header",
        "description": "The label of the workers that may carry out the job; by default `default`.",
        "schema": {**TEXT, "pattern": "^[a-z0-9][a-z0-9_.-]{0,63}$", "examples": ["gpu"]},
    },
    "Priority": {
        "name": "Condarium-Priority",
        "in": "header",
        "description": "The job goes before those of a lower one; above 0 for administrators.",
        "schema": {"type": "integer", "minimum": -1000, "maximum": 1000},
    },
    "Chain": {
        "name": "Condarium-Chain",
        "in": "header",
        "description": "How many jobs wait for the job, one after the other. On machines that are "
        "lent it goes before those for which fewer do.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 1000},
    },
    "Time": {
        "name": "Condarium-Time",
        "in": "header",
        "description": "How long the job may take; on machines that are lent, so much is reserved.",
        "schema": {**TEXT, "examples": ["30m", "6h"]},
    },
}


def described(prefix: str, operations: Iterable[Operation]) -> Schema:
    """The document."""
    answers = Answers()
    paths: dict[str, Schema] = {}
    for operation in operations:
        if operation.route:
            method, path = operation.route
            paths.setdefault(prefix + path, {})[method.lower()] = _operation(operation, answers)
    paths[f"{prefix}/jobs/{{job}}/events"] = {"get": _events()}
    used = {each["tags"][0] for path in paths.values() for each in path.values()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "condarium",
            "version": condarium.__version__,
            "description": INTRODUCTION,
        },
        "tags": [{"name": tag, "description": TAGS.get(tag, "")} for tag in sorted(used)],
        "paths": paths,
        "security": [{name: []} for name in SCHEMES],
        "components": {
            "securitySchemes": SCHEMES,
            "parameters": _REQUEST_HEADERS,
            "headers": _HEADERS,
            "responses": {name: _problem(name) for name in PROBLEMS},
            "schemas": {**answers.schemas, "Problem": _PROBLEM},
        },
    }


def _operation(operation: Operation, answers: Answers) -> Schema:
    assert operation.route
    method, path = operation.route
    changes = operation.changes or operation.job
    said: Schema = {
        "operationId": operation.name.replace(" ", "-"),
        "tags": [_tag(path)],
        "summary": operation.summary.removesuffix("."),
        "description": _description(operation),
        "responses": _responses(operation, answers),
    }
    if operation.permission is Permission.CHANNEL_READ and not changes:
        said["security"] = [{}, *({name: []} for name in SCHEMES)]
    in_path = [word for word in ("namespace", "name") if "{namespace}/{name}" in path]
    said["parameters"] = [_in_path(word, f"the environment's {word}") for word in in_path]
    others = []
    for parameter in operation.parameters:
        if f"{{{key(parameter)}}}" in path and key(parameter) not in in_path:
            help_text, schema = parameter.argument.help, _argument(parameter, form=False)
            said["parameters"].append(_in_path(key(parameter), help_text, schema))
        elif not (in_path and parameter.type is EnvironmentName and parameter.required):
            others.append(parameter)
    if method == "POST":
        said["requestBody"] = _body(others)
    else:
        said["parameters"] += [_in_query(parameter) for parameter in others]
    if changes:
        said["parameters"].append(ref("IdempotencyKey", "parameters"))
    if operation.job:
        names = ("Prefer", "Queue", "Priority", "Chain", "Time")
        said["parameters"] += [ref(name, "parameters") for name in names]
    return said


def _description(operation: Operation) -> str:
    parts = [operation.description, f"Needs `{operation.permission}`."]
    if operation.job:
        parts.append("A worker carries it out: the answer is a job, unless `Prefer` waits for it.")
    return "\n\n".join(filter(None, parts))


def _responses(operation: Operation, answers: Answers) -> Schema:
    result = _content("its result", answers.schema(operation.result))
    if get_origin(operation.result) is Page:
        result["headers"] = {"Link": ref("Link", "headers")}
    said: Schema = {"200": result}
    if operation.job:
        said["202"] = _content("the job that it became", answers.schema(Job))
        said["202"]["headers"] = {"Location": ref("Location", "headers")}
    for name, (status, _) in PROBLEMS.items():
        if name != "Conflict" or operation.changes:
            said[status] = ref(name, "responses")
    return said


def _events() -> Schema:
    """Not an operation: the same on a command line is `job logs --follow`."""
    after = {"type": "integer", "minimum": 0}
    return {
        "operationId": "job-events",
        "tags": ["jobs"],
        "summary": "Follow what happens in a job",
        "description": "Server-sent events: `id` is the event's number, `event` its kind, `data` "
        "the event. At the end comes an event `end` with the job. `Last-Event-ID`, or `after`, "
        "goes on after an event.",
        "parameters": [
            _in_path("job", "the job's number", {"type": "integer", "minimum": 1}),
            {"name": "after", "in": "query", "required": False, "schema": after},
        ],
        "responses": {
            "200": _content("its events", TEXT, "text/event-stream"),
            **{status: ref(name, "responses") for name, (status, _) in PROBLEMS.items()},
        },
    }


def _tag(path: str) -> str:
    return path.split("/")[1]


def _problem(name: str) -> Schema:
    return _content(PROBLEMS[name][1], ref("Problem"), "application/problem+json")


def _in_path(word: str, text: str, schema: Schema = TEXT) -> Schema:
    if word == "view":
        text += "; its slashes may be there as they are"
    return {"name": word, "in": "path", "required": True, "description": text, "schema": schema}


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
    schema = _FILE if form and parameter.type in _FILES else _ARGUMENTS.get(parameter.type, TEXT)
    if parameter.choices:
        schema = {**TEXT, "enum": list(parameter.choices)}
    if parameter.many:
        return {"type": "array", "items": schema}
    plain = isinstance(parameter.default, str | int | bool) and parameter.default is not False
    return {**schema, "default": parameter.default} if plain else schema


def _content(text: str, schema: Schema, kind: str = "application/json") -> Schema:
    return {"description": text, "content": {kind: {"schema": schema}}}
