"""YAML as nodes that still know their line, and whose scalars keep the text of their author.

A spec is never turned into Python values by YAML's own rules: `3.10` would become 3.1, and a line
number would be gone by the time that something is found to be wrong there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import yaml

from condarium.errors import BadSpec, SpecProblem
from condarium.model.secret import redact_url

_TAG = "tag:yaml.org,2002:"
_JINJA = re.compile(r"\{\{|\{%")

JINJA_HINT = (
    "Nothing is filled in here: write out what the template should give, and use one file per "
    "variant."
)


class Place(NamedTuple):
    """A line and a column, counted from 0 as YAML's own marks do."""

    line: int
    column: int = 0


@dataclass
class Findings:
    """What turns up while a text is read: problems, and warnings, each at its place."""

    text: str
    source: str
    problems: list[SpecProblem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    kind: str = "an environment.yml"
    """What the text should be, with its article."""
    largest: int = 1_000_000
    """How many characters it may have."""

    def problem(
        self,
        where: yaml.Node | Place | None,
        found: str,
        expected: str,
        hint: str | None = None,
    ) -> None:
        line, column = _place(where)
        new = SpecProblem(
            line=line,
            column=column,
            found=redact_url(found),
            expected=expected,
            hint=redact_url(hint) if hint else None,
        )
        if new not in self.problems:
            self.problems.append(new)

    def warn(self, where: yaml.Node | None, words: str) -> None:
        line, column = _place(where)
        self.warnings.append(f"{self.source}:{line}:{column}: {words}")

    def raise_any(self) -> None:
        """Raise BadSpec if there is a problem."""
        if self.problems:
            in_order = sorted(self.problems, key=lambda each: (each.line, each.column))
            raise BadSpec(self.source, in_order)

    def warn_secret(self, node: yaml.ScalarNode) -> None:
        """Warn where a URL brings a password or a token along."""
        if redact_url(node.value) != node.value:
            self.warn(
                node,
                "a password or token in a spec is kept with it and shown to all who may read it; "
                "put it into the configuration (.condarc) instead",
            )

    def after(self, node: yaml.Node) -> str:
        """What stands behind a node on its line: a comment, or nothing."""
        return re.split("[\r\n]", self.text[node.end_mark.index :][:400], maxsplit=1)[0]

    def describe(self, node: yaml.Node) -> str:
        """Name what a node is, as its author would."""
        if _JINJA.match(self.text, node.start_mark.index):
            return "a Jinja expression"
        if isinstance(node, yaml.MappingNode):
            return _describe_mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return "a list" if node.value else "an empty list"
        return _describe_scalar(node)


def is_text(node: yaml.Node) -> bool:
    """Whether YAML takes a node as text, rather than as a number, a date, true, false or null."""
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}str"


def is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}null"


def entries(node: yaml.MappingNode, findings: Findings) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    """The keys and values of a mapping, merge keys resolved; a key given twice is a problem."""
    own: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            findings.problem(
                key, f"{findings.describe(key)} as a key", "a word", _no_jinja(findings, key)
            )
        elif _is_merge(key):
            continue
        elif key.value in own:
            first = own[key.value][0].start_mark.line + 1
            findings.problem(
                key,
                f"{key.value!r} a second time (the first is in line {first})",
                "every key once",
                "Put both into one.",
            )
        else:
            own[key.value] = (key, value)
    merged = {key.value: (key, value) for key, value in _merged(node, set())}
    return list((merged | own).values())


def _merged(node: yaml.MappingNode, seen: set[int]) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    """What `<<:` brings; `seen` keeps a mapping that merges itself from going on for ever."""
    seen.add(id(node))
    for key, value in node.value:
        if not _is_merge(key):
            continue
        for base in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if isinstance(base, yaml.MappingNode) and id(base) not in seen:
                yield from _merged(base, seen)
                yield from (
                    (k, v)
                    for k, v in base.value
                    if isinstance(k, yaml.ScalarNode) and not _is_merge(k)
                )


def _is_merge(key: yaml.Node) -> bool:
    return key.tag == f"{_TAG}merge"


def _no_jinja(findings: Findings, node: yaml.Node) -> str | None:
    return JINJA_HINT if _JINJA.match(findings.text, max(0, node.start_mark.index - 1)) else None


def _place(where: yaml.Node | Place | None) -> tuple[int, int]:
    place = where.start_mark if isinstance(where, yaml.Node) else where or Place(0)
    return place.line + 1, place.column + 1


def _describe_mapping(node: yaml.MappingNode) -> str:
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    return f"a mapping ('{keys[0]}: …')" if keys and keys[0] else "a mapping"


def _describe_scalar(node: yaml.Node) -> str:
    kind = node.tag.removeprefix(_TAG)
    text = quoted(node.value)
    if kind == "null":
        return "nothing"
    if kind == "bool":
        return f"{text} (which YAML takes as true or false)"
    names = {"int": "the number", "float": "the number", "timestamp": "the date"}
    return f"{names[kind]} {text[1:-1]}" if kind in names else text


def quoted(text: str) -> str:
    """A text in quotes as an error may show it: not long, and without passwords and tokens."""
    hidden = redact_url(text)
    return repr(hidden if len(hidden) <= 80 else f"{hidden[:77]}…")
