"""From the words of a command line to an operation and its arguments.

argparse finds options and their values; which commands there are, what they take and what is said
when they are given something else is derived from the operations.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from getpass import getpass
from typing import Any, NoReturn

from condarium.client.files import accept
from condarium.client.signature import OUTPUT
from condarium.errors import BadInput
from condarium.model.document import Document
from condarium.operation import Operation, Parameter
from condarium.values import BadArgument, did_you_mean

GLOBAL_OPTIONS: Mapping[str, tuple[tuple[str, ...], str | None, str]] = {
    "store": (("--store",), "DIR", "the store's folder; by default CONDARIUM_STORE"),
    "server": (("--server",), "URL", "work with a server; by default CONDARIUM_SERVER"),
    "detach": (("--detach",), None, "do not wait for the job that a server makes of it"),
    "job_queue": (("--job-queue",), "LABEL", "for which workers that job is; by default `default`"),
    "job_priority": (("--job-priority",), "N", "the job goes before those of a lower one"),
    "job_chain": (("--job-chain",), "N", "so many jobs wait for that one, each for the one before"),
    "job_time": (("--job-time",), "TIME", "how long that job may take, such as 30m"),
    "json": (("--json",), None, "print one JSON document on standard output"),
    "quiet": (("-q", "--quiet"), None, "no progress and no remarks; say only what was asked for"),
    "no_color": (("--no-color",), None, "no colours; NO_COLOR=1 does the same"),
    "help": (("-h", "--help"), None, "explain the command"),
}
"""What every command understands: its flags, the name of its value if it has one, and its help."""

_VALUED = {flag for flags, metavar, _ in GLOBAL_OPTIONS.values() if metavar for flag in flags}
_HELP = {"-h", "--help"}


class BadCommandLine(BadInput):
    """The command line cannot be understood."""


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """The command's words, and everything else in its order."""

    words: tuple[str, ...]
    others: tuple[str, ...]
    help: bool
    version: bool


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was asked of every command alike."""

    store: str | None = None
    server: str | None = None
    detach: bool = False
    job_queue: str | None = None
    job_priority: str | None = None
    job_chain: str | None = None
    job_time: str | None = None
    json: bool = False
    quiet: bool = False
    no_color: bool = False
    help: bool = False


def split(argv: Sequence[str], commands: Iterable[str]) -> CommandLine:
    """Find the command among the options that may stand before it.

    A command may be the beginning of others too, as `backup` is of `backup list`: what follows it
    belongs to its name where it makes the name of another.
    """
    commands = set(commands)
    groups = {name[: space.start()] for name in commands for space in re.finditer(" ", name)}
    words: list[str] = []
    others: list[str] = []
    command, wanted, position = "", 1, 0
    while position < len(argv) and len(words) < wanted and argv[position] != "--":
        word = argv[position]
        if not word.startswith("-"):
            if command in commands and f"{command} {word}" not in commands | groups:
                break
            words.append(word)
            command = " ".join(words[words[0] == "help" :])
            wanted = len(words) + (not command or command in groups)
        else:
            others.append(word)
            if word in _VALUED and position + 1 < len(argv):
                position += 1
                others.append(argv[position])
        position += 1
    asks = words[:1] == ["help"]
    return CommandLine(
        words=tuple(words[asks:]),
        others=(*others, *argv[position:]),
        help=asks or not _HELP.isdisjoint(others),
        version="--version" in others,
    )


def rest_of(operation: Operation) -> Parameter | None:
    """The parameter that takes everything after `--`: the program that an operation starts."""
    last = [parameter for parameter in operation.parameters if parameter.positional][-1:]
    if operation.local and last and last[0].many and last[0].type is str:
        return last[0]
    return None


def parse(operation: Operation, words: Sequence[str]) -> tuple[Options, dict[str, Any]]:
    """Give the options and the operation's arguments. Raises BadCommandLine and BadArgument."""
    rest = rest_of(operation)
    head, tail = _before_program(operation, words, rest) if rest else (words, ())
    parsed, left = _parser(operation, rest).parse_known_intermixed_args(head)
    found = vars(parsed)
    options = Options(**{name: found.pop(name) for name in GLOBAL_OPTIONS if name in found})
    if options.help:
        return options, {}
    if left:
        raise _not_understood(operation, left)
    if rest and tail:
        found[rest.name] = list(tail)
    _merge(operation, found)
    _ask(operation, found)
    _require(operation, found)
    return options, _convert(operation, found)


def label(parameter: Parameter) -> str:
    """What a person calls the parameter: its longest flag, or the placeholder of its value."""
    return metavar(parameter) if parameter.positional else parameter.flags[-1]


def metavar(parameter: Parameter) -> str:
    if parameter.choices and not parameter.argument.metavar:
        return "{" + ",".join(parameter.choices) + "}"
    return parameter.argument.metavar or parameter.name.rstrip("_").replace("_", "-").upper()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        message = re.sub(r"ignored explicit argument (.*)", r"found \1; it takes no value", message)
        raise BadCommandLine(f"{self.prog}: {message}", hint=_see_help(self.prog))


def _parser(operation: Operation, rest: Parameter | None) -> _Parser:
    parser = _Parser(
        prog=f"condarium {operation.name}",
        add_help=False,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    for name, (flags, value, _) in GLOBAL_OPTIONS.items():
        parser.add_argument(*flags, dest=name, action="store" if value else "store_true")
    for parameter in operation.parameters:
        if parameter is not rest:
            _add(parser, parameter)
    if operation.saves:
        parser.add_argument("-o", f"--{OUTPUT}", dest=OUTPUT)
    return parser


def _add(parser: argparse.ArgumentParser, parameter: Parameter) -> None:
    """Add a parameter; what is missing is found later, in words of our own."""
    if parameter.positional:
        parser.add_argument(parameter.name, nargs="*" if parameter.many else "?")
        if parameter.flags:
            parser.add_argument(*parameter.flags, dest=f"{parameter.name}{_BY_FLAG}")
    elif parameter.type is bool:
        parser.add_argument(*parameter.flags, dest=parameter.name, action="store_true")
    else:
        action = "append" if parameter.many else "store"
        parser.add_argument(*parameter.flags, dest=parameter.name, action=action)


def _before_program(
    operation: Operation, words: Sequence[str], rest: Parameter
) -> tuple[Sequence[str], Sequence[str]]:
    """Split where the program begins: its options are its own, with `--` before it or without."""
    before = sum(p.positional for p in operation.parameters if p is not rest)
    own = [p for p in operation.parameters if p.flags and p.type is not bool]
    valued = {*_VALUED, *(flag for parameter in own for flag in parameter.flags)}
    position = seen = 0
    while position < len(words):
        word = words[position]
        if word == "--" and seen == before:
            return words[:position], words[position + 1 :]
        if not word.startswith("-"):
            if seen == before:
                return words[:position], words[position:]
            seen += 1
        position += 2 if word in valued else 1
    return words, ()


_BY_FLAG = " by flag"
"""Behind the name of an argument that was given by its flag, and might stand without one."""


def _merge(operation: Operation, found: dict[str, Any]) -> None:
    """Take what was given either way for one. Raises BadCommandLine where it was given twice."""
    prog = f"condarium {operation.name}"
    for parameter in operation.parameters:
        by_flag = found.pop(f"{parameter.name}{_BY_FLAG}", None)
        if by_flag is None:
            continue
        if parameter.name in found:
            twice = f"{found[parameter.name]!r} and {by_flag!r}"
            message = f"{prog}: {metavar(parameter)} was given twice: {twice}"
            raise BadCommandLine(message, hint=f"Leave {parameter.flags[0]} out, or the other.")
        found[parameter.name] = by_flag


def _ask(operation: Operation, found: dict[str, Any]) -> None:
    """Ask whoever sits at a terminal for the secrets that were left out; nothing shows them."""
    for parameter in operation.parameters:
        prompt = parameter.argument.asked
        if prompt and parameter.name not in found and sys.stdin.isatty() and sys.stderr.isatty():
            typed = _typed(f"{prompt}: ")
            if typed and _typed("The same again: ") != typed:
                raise BadCommandLine("the two differ", hint="Try again.")
            if typed or parameter.required:
                found[parameter.name] = Document("what was typed", typed.encode())


def _typed(prompt: str) -> str:
    try:
        return getpass(prompt)
    except EOFError:  # Ctrl-D
        sys.stderr.write("\n")
        raise BadCommandLine("nothing was typed", hint="Ctrl-D ended the input.") from None


def _require(operation: Operation, found: Mapping[str, Any]) -> None:
    missing = [p for p in operation.parameters if p.required and found.get(p.name, []) == []]
    if missing:
        names = " and ".join(_spelled(parameter) for parameter in missing)
        prog = f"condarium {operation.name}"
        raise BadCommandLine(f"{prog}: {names} is missing", hint=_see_help(prog))


def _spelled(parameter: Parameter) -> str:
    if parameter.positional:
        return metavar(parameter)
    return f"{parameter.flags[0]} {metavar(parameter)}"


def _convert(operation: Operation, found: Mapping[str, Any]) -> dict[str, Any]:
    known = {parameter.name: parameter for parameter in operation.parameters}
    values = {
        name: _value(known[name], value) if name in known else value
        for name, value in found.items()
        if value != [] or name not in known  # no value at all: the default holds
    }
    stdin = sum(isinstance(v, Document) and v.name == _STDIN for v in values.values())
    if stdin > 1:
        raise BadCommandLine("standard input (-) was given twice", hint="Name a file instead.")
    return values


def _value(parameter: Parameter, found: Any) -> Any:
    """A parameter's value from its text, or from several texts."""
    if parameter.type is int:
        found = [_whole(parameter, text) for text in ([found] if isinstance(found, str) else found)]
        found = found if parameter.many else found[0]
    elif parameter.type is Document and found == "-":
        found = Document(_STDIN, sys.stdin.buffer.read())
    return accept(parameter, found, label=label(parameter))


_STDIN = "standard input"


def _whole(parameter: Parameter, text: str) -> int:
    if re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    hint = _OTHER_ENVIRONMENT if "/" in text and "generation" in parameter.argument.help else None
    raise BadArgument(f"{label(parameter)}: found {text!r}; expected a whole number", hint=hint)


_OTHER_ENVIRONMENT = (
    "A generation is a number. To compare with another environment: "
    "condarium env show NS/NAME --lock -q > other.lock, then env diff … --lock other.lock"
)


def _not_understood(operation: Operation, left: Sequence[str]) -> BadCommandLine:
    prog = f"condarium {operation.name}"
    unknown = [word for word in left if word.startswith("-") and word != "--"]
    if not unknown:
        return BadCommandLine(f"{prog}: found {left[0]!r}, one too many", hint=_see_help(prog))
    option = unknown[0].partition("=")[0]
    close = did_you_mean(option, all_flags(operation))
    return BadCommandLine(f"{prog} has no option {option}", hint=close or _see_help(prog))


def all_flags(operation: Operation) -> list[str]:
    own = [flag for parameter in operation.parameters for flag in parameter.flags]
    output = ["-o", f"--{OUTPUT}"] if operation.saves else []
    return [*own, *output, *(flag for flags, _, _ in GLOBAL_OPTIONS.values() for flag in flags)]


def global_flags() -> set[str]:
    """The flags that may stand without a command."""
    return {flag for flags, _, _ in GLOBAL_OPTIONS.values() for flag in flags}


def _see_help(prog: str) -> str:
    return f"`{prog} --help` shows what it takes."
