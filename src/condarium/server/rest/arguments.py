"""Arguments as requests carry them: in the path, in the query, in a JSON object or in a form.

A file is a part of a form; a document may also be `{"name": …, "content": …}` in JSON. That a text
could be the path of a file on the server is never understood: whoever sends it is elsewhere.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs

import msgspec

from condarium.errors import BadInput
from condarium.model.document import Document
from condarium.model.names import EnvironmentName
from condarium.model.upload import Upload
from condarium.operation import Operation, Parameter
from condarium.server.bodies import nameless_file
from condarium.server.multipart import BadForm, Part
from condarium.server.problems import TooLarge
from condarium.storage.layout import Layout
from condarium.values import BadArgument, accept, did_you_mean

IN_MEMORY = 32 << 20
"""How many bytes a request may have beside the files that it hands in."""
_PARTS = 500
"""How many parts a form may have: each file is an open one."""
_LARGEST = 10**18
_BOOLEANS = {"true": True, "false": False}

Plain = dict[str, object]


class BadBody(BadInput):
    """The body is not what it must be."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"the body: found {found}; expected a JSON object with arguments",
            hint="Send it as `Content-Type: application/json`; files come as multipart/form-data.",
        )


class TooLong(TooLarge):
    """The request has more beside the files that it hands in than this server takes."""

    def __init__(self, limit: int | None = None) -> None:
        said = f"the request has more than {limit or IN_MEMORY} bytes beside packages and bundles"
        if limit is not None:
            said = f"the request has more than the {limit} bytes that one without any role may send"
        BadInput.__init__(self, said)
        self.limit = limit or IN_MEMORY


def key(parameter: Parameter) -> str:
    """What a parameter is called in a request: its name without what Python needs behind it."""
    return parameter.name.rstrip("_")


def of_path(operation: Operation, named: Mapping[str, str]) -> Plain:
    """The arguments that a path has; an environment takes two of its parts. Raises BadArgument."""
    if "namespace" not in named or "name" not in named:
        return _of_fields(operation, {word: [value] for word, value in named.items()})
    (environment,) = (p for p in operation.parameters if p.type is EnvironmentName and p.required)
    return {key(environment): f"{named['namespace']}/{named['name']}"}


def of_query(operation: Operation, query: bytes) -> Plain:
    """Raises BadArgument."""
    try:
        found = parse_qs(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1000
        )
    except ValueError as error:
        raise BadArgument(f"the query cannot be read: {error}") from error
    return _of_fields(operation, found)


def of_json(operation: Operation, body: bytes) -> Plain:
    """Raises BadBody, BadArgument."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadBody(f"no JSON ({error})") from error
    if not isinstance(found, dict):
        raise BadBody("JSON of another kind")
    return {word: _of_json(_known(operation, word), value) for word, value in found.items()}


def accepted(operation: Operation, given: Plain) -> dict[str, Any]:
    """Give what the operation takes. Raises BadArgument and BadName."""
    for parameter in operation.parameters:
        if parameter.required and given.get(key(parameter), []) == []:
            raise BadArgument(
                f"{key(parameter)} is missing: {parameter.argument.help}", hint=_takes(operation)
            )
    return accepted_yet(operation, given)


def accepted_yet(operation: Operation, given: Plain) -> dict[str, Any]:
    """The same of what has come, while more may come. Raises BadArgument and BadName."""
    known = {word: _known(operation, word) for word in given}
    return {known[word].name: accept(known[word], given[word], label=word) for word in given}


class Fields:
    """The fields of a form as they come: uploads go to files, all else stays in memory."""

    def __init__(self, operation: Operation, layout: Layout, opened: ExitStack) -> None:
        self._operation, self._layout, self._opened = operation, layout, opened
        self._found: list[tuple[Parameter, Part, IO[bytes]]] = []
        self._room = IN_MEMORY

    def take(self, arrived: Iterable[tuple[Part, bytes]]) -> None:
        """Raises BadForm, BadArgument, TooLong."""
        for part, content in arrived:
            if not self._found or part is not self._found[-1][1]:
                self._begin(part)
            parameter, _, file = self._found[-1]
            if parameter.type is not Upload:
                self._room -= len(content)
            if self._room < 0:
                raise TooLong
            file.write(content)

    def plain(self) -> Plain:
        """The arguments, when all has come. Raises BadArgument."""
        fields: dict[str, list[object]] = {}
        for parameter, part, file in self._found:
            fields.setdefault(key(parameter), []).append(_of_part(parameter, part, file))
        return _of_fields(self._operation, fields)

    def _begin(self, part: Part) -> None:
        parameter = _known(self._operation, part.name)
        if len(self._found) == _PARTS:
            raise BadForm(f"more than {_PARTS} parts")
        upload = parameter.type is Upload
        file = nameless_file(self._layout) if upload else BytesIO()
        self._found.append((parameter, part, self._opened.enter_context(file)))


def _of_part(parameter: Parameter, part: Part, file: IO[bytes]) -> object:
    if parameter.type not in (Upload, Document):
        file.seek(0)
        return file.read().decode(errors="replace")
    if not part.file_name:
        raise BadArgument(f"{key(parameter)}: found a text; expected a file, with its name")
    if parameter.type is Upload:
        file.flush()
        return Upload(part.file_name, Path(f"/proc/self/fd/{file.fileno()}"))
    file.seek(0)
    return Document(part.file_name, file.read())


def _of_fields(operation: Operation, fields: Mapping[str, Sequence[object]]) -> Plain:
    found: Plain = {}
    for word, values in fields.items():
        parameter = _known(operation, word)
        if len(values) > 1 and not parameter.many:
            raise BadArgument(f"{word}: found {len(values)} values; expected one")
        read = [_of_text(parameter, value) for value in values]
        found[word] = read if parameter.many else read[0]
    return found


def _of_text(parameter: Parameter, value: object) -> object:
    """The value that a text stands for; what stands for none is refused when it is accepted."""
    if not isinstance(value, str):
        return value
    if parameter.type is int and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if parameter.type is bool:
        return _BOOLEANS.get(value, value)
    return value


def _of_json(parameter: Parameter, value: object) -> object:
    match value:
        case list():
            if not parameter.many:
                raise BadArgument(f"{key(parameter)}: found a list; expected one value")
            return [_of_json(parameter, each) for each in value]
        case {"content": str(content), **others} if parameter.type is Document:
            return Document(str(others.get("name", key(parameter))), content.encode())
        case dict():
            expected = '{"name": …, "content": …}' if parameter.type is Document else "a value"
            raise BadArgument(f"{key(parameter)}: found an object; expected {expected}")
        case int() if abs(value) >= _LARGEST:
            raise BadArgument(f"{key(parameter)}: found {value}; expected a smaller number")
    return value


def _known(operation: Operation, word: str) -> Parameter:
    known = {key(parameter): parameter for parameter in operation.parameters}
    if word not in known:
        hint = did_you_mean(word, known) or _takes(operation)
        raise BadArgument(f"{operation.name} has no argument {word[:100]!r}", hint=hint)
    return known[word]


def _takes(operation: Operation) -> str:
    return f"It takes {', '.join(map(key, operation.parameters)) or 'no arguments'}."
