"""Documentation that runs: what a page says to type, and what it says will come.

CONTRIBUTING.md explains the convention to those who write pages.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>\w*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_CHANGE = re.compile(r"[+~-] \S")
_LOOSE = (
    (re.compile(r"\b127\.0\.0\.1:\d+\b"), "SERVER"),
    (re.compile(r"\b(py\d*)?h?[0-9a-f]{7}_\d+(_cpython)?\b"), "BUILD"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z"), "WHEN"),
    (re.compile(r"\bprefixes/[a-z2-7]{16}\b"), "prefixes/ID"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "HASH"),
    (re.compile(r"\d[\d.,]* (min \d+ s|ms|s|[kMGT]?B)\b"), "AMOUNT"),
    (re.compile(r"\b\d+(\.\d+)+(\.\*|\.a0)?"), "VERSION"),
    (re.compile(r"\b[\d,]+( real)? (packages?|files?|added|removed|sets?|prefix(es)?)\b"), r"N \2"),
    (re.compile(r"(?<=[+~-])\d+\b"), "N"),
    (re.compile(r"\((hard link|reflink|copy)\)"), "(LINK)"),
    (re.compile(r"[ \t]+"), " "),
)
"""What may differ from one day and machine to another."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command, and the output that the page shows for it."""

    command: str
    shown: tuple[str, ...]

    @property
    def fails(self) -> bool:
        return bool(self.shown) and self.shown[0].startswith("error:")


@dataclass(frozen=True, kw_only=True)
class Write:
    """A block that is the content of a file."""

    file: str
    content: str


def steps(page: Path) -> Iterator[Step | Write]:
    for number, block in enumerate(_FENCE.finditer(page.read_text())):
        if block["file"]:
            yield Write(file=block["file"], content=block["body"])
        elif block["kind"] == "console":
            yield from _commands(block["body"])
        elif block["kind"] == "python":
            yield Write(file=f".block{number}.py", content=block["body"])
            yield Step(command=f"{{python}} .block{number}.py", shown=("…",))


def _commands(body: str) -> Iterator[Step]:
    command: str | None = None
    shown: list[str] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            if command is not None:
                yield Step(command=command, shown=tuple(shown))
            command, shown = line[2:], []
        elif line.startswith("> ") and not shown and command is not None:
            command += f"\n{line[2:]}"
        else:
            shown.append(line)
    assert command is not None, f"a console block without a command:\n{body}"
    yield Step(command=command, shown=tuple(shown))


def as_shown(shown: tuple[str, ...], said: str) -> bool:
    """Whether what a command said is what the page shows, but for what may differ."""
    lines = [_loosely(line) for line in _without_runs_of_changes(shown)]
    pattern = "".join(
        r"(?:.*\n)*" if line == "…" else r"[^\n]*".join(map(re.escape, line.split("…"))) + r"\n"
        for line in lines
    )
    found = [_loosely(line) for line in _without_runs_of_changes(said.splitlines())]
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in found)) is not None


def _loosely(line: str) -> str:
    for pattern, stands_for in _LOOSE:
        line = pattern.sub(stands_for, line)
    return line.strip()


def _without_runs_of_changes(lines: tuple[str, ...] | list[str]) -> Iterator[str]:
    """What PyPI has today decides how many packages a change brings."""
    before = False
    for line in lines:
        change = bool(_CHANGE.match(line))
        if not (change and before):
            yield "CHANGES" if change else line
        before = change
