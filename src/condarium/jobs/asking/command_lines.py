"""An operation and its arguments, written as on a command line: what a schedule is made of."""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from condarium.errors import BadInput
from condarium.operation import Operation, Parameter
from condarium.values import accept, did_you_mean

_BOOLEANS = {"true": True, "false": False}


class BadCommand(BadInput):
    """This is no operation with its arguments."""

    def __init__(self, found: str, reason: str, hint: str | None = None) -> None:
        self.found = found
        super().__init__(f"{found!r}: {reason}", hint=hint)


def read_command(
    text: str, operations: Mapping[str, Operation]
) -> tuple[Operation, dict[str, Any]]:
    """Read such as `gc`, or `channel mirror lab --from https://…`.

    Raises BadCommand, BadArgument and BadName.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadCommand(text, str(error)) from error
    for count in range(len(words), 0, -1):
        if operation := operations.get(" ".join(words[:count])):
            return operation, _arguments(operation, words[count:], text)
    hint = did_you_mean(" ".join(words[:2]), operations)
    raise BadCommand(text, "it does not begin with the name of an operation", hint)


def _arguments(operation: Operation, words: Sequence[str], text: str) -> dict[str, Any]:
    given: dict[str, list[object]] = {}
    places = [parameter for parameter in operation.parameters if parameter.positional]
    left = list(words)
    while left:
        word = left.pop(0)
        if word.startswith("-"):
            flag, equals, value = word.partition("=")
            parameter = _by_flag(operation, flag, text)
            if parameter.type is bool:
                given[parameter.name] = [_BOOLEANS.get(value, value) if equals else True]
                continue
            if not equals and not left:
                raise BadCommand(text, f"{flag} needs a value")
            word = value if equals else left.pop(0)
        elif places:
            parameter = places[0] if places[0].many else places.pop(0)
        else:
            raise BadCommand(text, f"{operation.name} does not take {word!r}")
        given.setdefault(parameter.name, []).append(_value(parameter, word))
    return _accepted(operation, given, text)


def _accepted(
    operation: Operation, given: Mapping[str, Sequence[object]], text: str
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for parameter in operation.parameters:
        values = given.get(parameter.name, ())
        if parameter.required and not values:
            raise BadCommand(text, f"{parameter.name} is missing: {parameter.argument.help}")
        if values:
            value = list(values) if parameter.many else values[-1]
            found[parameter.name] = accept(parameter, value, label=parameter.name)
    return found


def _by_flag(operation: Operation, flag: str, text: str) -> Parameter:
    flags = {each: parameter for parameter in operation.parameters for each in parameter.flags}
    if flag not in flags:
        raise BadCommand(text, f"{operation.name} has no {flag}", did_you_mean(flag, flags))
    return flags[flag]


def _value(parameter: Parameter, word: str) -> object:
    if parameter.type is int and re.fullmatch(r"-?[0-9]{1,18}", word):
        return int(word)
    return word
