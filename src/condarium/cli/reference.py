"""The reference page of all operations, made from their declarations.

`python -m condarium.cli.reference FILE` writes it.
"""

import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import get_args, get_origin

from condarium.app import operations
from condarium.cli.arguments import GLOBAL_OPTIONS, metavar
from condarium.cli.exit_codes import MEANINGS
from condarium.cli.help import title, usage
from condarium.client.signature import OUTPUT, method_name, signature_of
from condarium.model.names import EnvironmentName
from condarium.model.paging import Page
from condarium.operation import Operation, Parameter

_INTRODUCTION = """\
# Operations

<!-- Generated from the declarations by `make docs`; changes here are lost. -->

An operation is declared once; the command line, the Python client and the REST API come from the
declaration. Values are written alike in all of them: an environment is `NAMESPACE/NAME` (a bare
`NAME` lies in the namespace `default`), a duration `90d`, `12h`, `2w`, `30m` or several of these
together, and a file on the command line may be `-` for standard input.

With `--json` a command prints one JSON document on standard output: its result, with times in
UTC, sizes in bytes and durations in seconds. If it fails, the document is
`{"error": {"code": …, "message": …, "hint": …}}` with whatever else the error knows, and standard
error says the same for people. In Python, `condarium.Client(store)` has a method for each
operation; it returns the same result as an object, and raises the error. Over HTTP the answer is
the same document, and arguments are called as in Python
([how to](../how-to/use-the-rest-api.md)).
"""


def reference() -> str:
    """The page, in Markdown."""
    parts = [_INTRODUCTION]
    groups: dict[str | None, list[Operation]] = {}
    for operation in operations().values():
        groups.setdefault(operation.groups[0] if operation.groups else None, []).append(operation)
    for group, members in groups.items():
        parts.append(f"## {title(group)}\n")
        parts += [_operation(operation) for operation in members]
    parts += ["## Options of every command\n", _global_options()]
    parts += ["## Exit status\n", _table(("status", "meaning"), _exit_codes())]
    return "\n".join(parts)


def _operation(operation: Operation) -> str:
    faces = [("command", f"`{usage(operation)}`"), ("Python", f"`{_python(operation)}`")]
    faces.append(("REST", _rest(operation)))
    faces += [("answers", f"`{_result(operation)}`"), ("needs", f"`{operation.permission}`")]
    parts = [f"### {operation.name}\n", f"{operation.summary}\n"]
    if operation.description:
        parts.append(f"{operation.description}\n")
    parts.append("\n".join(f"- {name}: {text}" for name, text in faces) + "\n")
    rows = [_parameter(operation, parameter) for parameter in operation.parameters]
    if operation.saves:
        rows.append((f"`-o`, `--{OUTPUT} FILE`", f"`{OUTPUT}`", "", "write the document to a file"))
    if rows:
        parts.append(_table(("command line", "Python", "REST", "meaning"), rows))
    return "\n".join(parts)


def _rest(operation: Operation) -> str:
    if operation.route is None:
        return "none: it works on a store of this machine"
    method, path = operation.route
    job = ", which answers with a job" if operation.job else ""
    return f"`{method} /api/v1{path}`{job}"


def _in_request(operation: Operation, parameter: Parameter) -> str:
    """Where a request has an argument; what an argument is called there has no `_` behind it."""
    if operation.route is None:
        return ""
    method, path = operation.route
    word = parameter.name.rstrip("_")
    if f"{{{word}}}" in path:
        return "path"
    if parameter.type is EnvironmentName and parameter.required:
        return "path"
    return f"`{word}` in the {'body' if method == 'POST' else 'query'}"


def _python(operation: Operation) -> str:
    """A call with the names of its arguments, those that have a default with it."""
    entries = [
        entry.replace(annotation=inspect.Parameter.empty)
        for entry in signature_of(operation).parameters.values()
    ]
    place = ".".join(("client", *operation.name.split()[:-1], method_name(operation)))
    return f"{place}{inspect.Signature(entries)}"


def _result(operation: Operation) -> str:
    kind, inner = get_origin(operation.result), get_args(operation.result)
    if kind is Page:
        return f"Page[{inner[0].__name__}]"
    return f"tuple[{inner[0].__name__}, ...]" if inner else str(operation.result.__name__)


def _parameter(operation: Operation, parameter: Parameter) -> tuple[str, str, str, str]:
    value = "" if parameter.type is bool else f" {metavar(parameter)}"
    spelled = [f"`{flag}`" for flag in parameter.flags[:-1]]
    spelled += [f"`{last}{value}`" for last in parameter.flags[-1:]]
    if parameter.positional:
        spelled.insert(0, f"`{value.strip()}`")
    required = " (required)" if parameter.required else ""
    where = _in_request(operation, parameter)
    return (", ".join(spelled), f"`{parameter.name}`", where, parameter.argument.help + required)


def _global_options() -> str:
    rows = [
        (", ".join(f"`{flag}`" for flag in flags), f"`{value}`" if value else "", text)
        for flags, value, text in GLOBAL_OPTIONS.values()
    ]
    return _table(("option", "value", "meaning"), rows)


def _exit_codes() -> list[tuple[str, str]]:
    return [(f"{code}", meaning) for code, meaning in MEANINGS.items()]


def _table(titles: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    lines = [" | ".join(titles), " | ".join("---" for _ in titles)]
    lines += [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference())
