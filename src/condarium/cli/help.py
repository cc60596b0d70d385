"""The pages that explain commands: plain text of at most 80 columns."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from condarium import __version__
from condarium.cli.arguments import GLOBAL_OPTIONS, metavar, rest_of
from condarium.client.signature import OUTPUT
from condarium.operation import Operation, Parameter

_WIDTH = 80
_TITLES: Mapping[str | None, str] = {
    "env": "Environments",
    "channel": "Channels",
    "channel label": "Labels of channels",
    "channel patch": "Patches of channels",
    "channel source": "Source archives",
    "query": "Questions",
    "user": "Users",
    "service-account": "Service accounts",
    "group": "Groups",
    "namespace": "Namespaces",
    "token": "Tokens",
    "audit": "The audit log",
    "config": "Configuration",
    "backup": "Backups",
    "job": "Jobs",
    "worker": "Workers",
    "schedule": "Schedules",
    None: "Locks and the store",
}
"""The headings of groups; a group that has none here is headed by its own name."""

_PARTS: Mapping[str, tuple[str, ...]] = {
    "Begin": ("quickstart", "login", "logout", "whoami"),
    "Environments": ("lock", "env"),
    "Questions": ("query",),
    "Channels": ("channel",),
    "Who may do what": (
        *("user", "service-account", "group", "namespace", "access", "token", "audit"),
    ),
    "Jobs": ("job", "schedule"),
    "Lent machines": ("resource", "terms", "request", "grant", "admission", "ledger"),
    "To run it": ("serve", "worker", "doctor", "gc", "backup", "restore", "upgrade", "config"),
}
"""The parts of the overview: first words of commands. What none names stands in the last."""
_WHOLE = frozenset({"env", "query", "channel"})
"""The groups whose commands each have a line in the overview."""

_START = """\
Start with:
  condarium env build lab/fit -f environment.yml
  condarium env run lab/fit -- python
"""
_MORE = "`condarium COMMAND --help` explains a command."


def overview(operations: Iterable[Operation]) -> str:
    """Every command, by group."""
    members = _by_part(operations)
    parts = [f"condarium {__version__}\nusage: condarium COMMAND [ARGUMENTS] [OPTIONS]\n"]
    parts += [_section(part, _rows(members[part])) for part in _PARTS]
    parts += [_section("Options", [*_global_options(), ("--version", "say which version it is")])]
    parts += [_START, _MORE]
    return "\n".join(parts)


def group_overview(group: str, operations: Iterable[Operation]) -> str:
    """The commands of one group."""
    usage = f"usage: condarium {group} COMMAND [ARGUMENTS] [OPTIONS]\n"
    return "\n".join((usage, _section(title(group), _commands(operations)), _MORE))


def page(operation: Operation) -> str:
    """One command: what it does, and each thing that it takes."""
    positional = [parameter for parameter in operation.parameters if parameter.positional]
    arguments = [(_placeholder(operation, p), p.argument.help) for p in positional]
    parts = [f"usage: {usage(operation)}\n", f"{_wrap(operation.summary)}\n"]
    if description := _for_a_person(operation.description):
        parts.append(f"{_paragraphs(description)}\n")
    parts.append(_section("Arguments", arguments))
    parts.append(_section("Options", options(operation)))
    parts.append(_section("Options of every command", _global_options(operation)))
    return "\n".join(part for part in parts if part).rstrip("\n")


def usage(operation: Operation) -> str:
    """The command with its arguments, and `[OPTIONS]` where it has any that may be left out."""
    words, program = ["condarium", operation.name], rest_of(operation)
    for parameter in operation.parameters:
        if parameter.positional and parameter is not program:
            words.append(_placeholder(operation, parameter))
        elif parameter.flags and parameter.required and not parameter.argument.asked:
            words.append(f"{parameter.flags[0]} {metavar(parameter)}")
    words.append("[OPTIONS]")
    if program:
        words.append(_placeholder(operation, program))
    return " ".join(words)


def options(operation: Operation) -> list[tuple[str, str]]:
    """The options of a command: how each is spelled, and its help."""
    rows = []
    for parameter in operation.parameters:
        if parameter.flags:
            value = "" if parameter.type is bool else f" {metavar(parameter)}"
            rows.append((", ".join(parameter.flags) + value, _help(parameter)))
    if operation.saves:
        rows.append((f"-o, --{OUTPUT} FILE", f"write the {operation.verb} to a file"))
    return rows


def title(group: str | None) -> str:
    return _TITLES.get(group) or str(group).capitalize()


def _help(parameter: Parameter) -> str:
    required = parameter.required and not parameter.argument.asked
    return f"{parameter.argument.help}{' (required)' if required else ''}"


def _placeholder(operation: Operation, parameter: Parameter) -> str:
    name = f"{metavar(parameter)}..." if parameter.many else metavar(parameter)
    if parameter is rest_of(operation):
        name = f"-- {name}"
    return name if parameter.required else f"[{name}]"


def _by_part(operations: Iterable[Operation]) -> dict[str, list[Operation]]:
    parts: dict[str, list[Operation]] = {part: [] for part in _PARTS}
    order = [(part, word) for part, words in _PARTS.items() for word in words]
    words = [word for _, word in order]
    for operation in sorted(operations, key=lambda each: _place(words, each.name.split()[0])):
        place = _place(words, operation.name.split()[0])
        parts[order[min(place, len(order) - 1)][0]].append(operation)
    return parts


def _place(words: Sequence[str], word: str) -> int:
    return words.index(word) if word in words else len(words)


def _rows(operations: Iterable[Operation]) -> list[tuple[str, str]]:
    """Commands with their summaries; those of most groups on one line."""
    rows: dict[str, str] = {}
    for operation in operations:
        if operation.group is None or operation.group in _WHOLE:
            rows[operation.name] = operation.summary
        else:
            key = f"{operation.group} …"
            rows[key] = f"{rows[key]}, {operation.verb}" if key in rows else operation.verb
    return list(rows.items())


def _commands(operations: Iterable[Operation]) -> list[tuple[str, str]]:
    return [(operation.name, operation.summary) for operation in operations]


def _global_options(operation: Operation | None = None) -> list[tuple[str, str]]:
    """All of them, or those that make a difference to an operation."""
    left_out = _needless(operation) if operation else set()
    return [
        (", ".join(flags) + (f" {value}" if value else ""), text)
        for name, (flags, value, text) in GLOBAL_OPTIONS.items()
        if name not in left_out
    ]


def _needless(operation: Operation) -> set[str]:
    of_jobs = {"detach", "job_queue", "job_priority", "job_chain", "job_time"}
    needless = set() if operation.job else of_jobs
    if operation.local:
        needless |= {"server"} if "store" in operation.injected else {"server", "store"}
    return needless


def _section(heading: str, rows: Iterable[tuple[str, str]]) -> str:
    """A heading and two columns; a long left cell stands on a line of its own."""
    rows = list(rows)
    if not rows:
        return ""
    column = min(max(len(left) for left, _ in rows), 22) + 4
    lines = [f"{heading}:"]
    for left, right in rows:
        texts = textwrap.wrap(right, _WIDTH - column) or [""]
        if len(left) + 4 > column:
            lines.append(f"  {left}")
            left = ""
        lines.append(f"  {left}".ljust(column) + texts[0])
        lines += [" " * column + text for text in texts[1:]]
    return "\n".join(lines) + "\n"


def _for_a_person(description: str) -> str:
    """Without the names of exceptions: those are for who calls a method."""
    return re.sub(r"Raises [A-Z][^.]*\.\s*", "", description).strip()


def _wrap(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _WIDTH)


def _paragraphs(text: str) -> str:
    return "\n\n".join(_wrap(paragraph) for paragraph in text.split("\n\n"))
