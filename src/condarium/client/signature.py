"""How an operation looks as a Python method: its signature and its help."""

import inspect
import keyword
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import GenericAlias
from typing import Any

from condarium.model.document import Document
from condarium.model.governance.resources import ResourceName
from condarium.model.names import EnvironmentName
from condarium.model.upload import Upload
from condarium.model.view import ChannelName, View
from condarium.operation import Operation, Parameter

_WIDER: Mapping[Any, Any] = {
    timedelta: timedelta | str,
    Document: Document | Path | str,
    EnvironmentName: EnvironmentName | str,
    ChannelName: ChannelName | str,
    View: View | str,
    ResourceName: ResourceName | str,
    Upload: Upload | Path | str,
}
"""What a caller may write for a type, where that is more than the type."""

OUTPUT = "output"
"""The argument that saves a result's document to a file."""


def method_name(operation: Operation) -> str:
    """The verb, as a name that Python allows."""
    name = operation.verb.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


def signature_of(operation: Operation) -> inspect.Signature:
    """The positional arguments first, then those given by name; `output` where one can be saved."""
    parameters = sorted(operation.parameters, key=lambda parameter: not parameter.positional)
    entries = [_entry(parameter) for parameter in parameters]
    if operation.saves:
        entries.append(
            inspect.Parameter(
                OUTPUT, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=str | Path | None
            )
        )
    return inspect.Signature(entries, return_annotation=operation.result)


def docstring_of(operation: Operation) -> str:
    """The operation's own docstring, and a list of its arguments."""
    lines = [f"{parameter.name}: {parameter.argument.help}" for parameter in operation.parameters]
    if operation.saves:
        lines.append(f"{OUTPUT}: a file to write the result's {operation.saves} to")
    arguments = "Arguments:\n" + "\n".join(f"    {line}" for line in lines) if lines else ""
    parts = (operation.summary, operation.description, arguments)
    return "\n\n".join(part for part in parts if part)


def _entry(parameter: Parameter) -> inspect.Parameter:
    annotation: Any = _WIDER.get(parameter.type, parameter.type)
    if parameter.many:
        annotation = GenericAlias(Sequence, (annotation,))
    if parameter.optional:
        annotation = annotation | None
    kind = inspect.Parameter
    return inspect.Parameter(
        parameter.name,
        kind.POSITIONAL_OR_KEYWORD if parameter.positional else kind.KEYWORD_ONLY,
        default=parameter.default,
        annotation=annotation,
    )
