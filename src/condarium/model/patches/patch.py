"""A patch of a channel's metadata: rules for any record, or instructions for single files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from condarium.errors import BadDocument, BadSpec
from condarium.model.document import Document
from condarium.model.patches.instructions import Instructions
from condarium.model.patches.instructions_text import InstructionsReader
from condarium.model.patches.rules import Rule, read_rules
from condarium.model.specfile import decode
from condarium.model.yamlnodes import Findings

SEMANTICS = 1
"""Counts up when equal patches come to mean something else; views of before keep theirs."""


class BadPatch(BadDocument):
    """A patch cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Patch:
    """Rules in the order in which they apply, or instructions by their subdir."""

    kind: Literal["rules", "instructions"]
    rules: tuple[Rule, ...] = ()
    instructions: Mapping[str, Instructions] = field(default_factory=dict)

    def candidates(self, subdir: str) -> frozenset[str] | None:
        """Give the packages of a subdir that it may touch, or more; None: any of them."""
        if self.kind == "instructions":
            found = self.instructions.get(subdir)
            return found.names if found else frozenset()
        return _union(rule.names for rule in self.rules if rule.is_for(subdir))

    def describe(self) -> str:
        """Say in a line what it is: '3 rules for numpy, scipy'."""
        if self.kind == "rules":
            count = f"{len(self.rules)} rule{'s' if len(self.rules) != 1 else ''}"
            names = _union(rule.names for rule in self.rules)
            return f"{count} for {'any package' if names is None else _listed(names)}"
        return "; ".join(
            f"instructions for {subdir}: {_counted(each)}"
            for subdir, each in sorted(self.instructions.items())
        )


def read_patch(document: Document, *, subdir: str | None = None) -> Patch:
    """Read conda-forge's YAML rules, or a patch_instructions.json; the content tells which.

    `subdir` is the one that instructions are for, unless they have subdirs themselves.

    Raises BadPatch with all that is wrong.
    """
    try:
        text = decode(document.content, document.name).removeprefix("\ufeff")
        findings = Findings(text=text, source=document.name, kind="a patch")
        patch = _read_json(findings, subdir) if _is_json(text) else _read_yaml(findings, subdir)
        findings.raise_any()
    except BadSpec as error:
        raise BadPatch(error.source, error.problems) from error.__cause__
    return patch


def _is_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def _read_json(findings: Findings, subdir: str | None) -> Patch:
    return Patch(kind="instructions", instructions=InstructionsReader(findings).read(subdir))


def _read_yaml(findings: Findings, subdir: str | None) -> Patch:
    if subdir is not None:
        hint = f"Leave it out, and add 'subdir_in: {subdir}' to the conditions."
        findings.problem(None, f"rules, given for {subdir}", "rules without a subdir", hint)
    return Patch(kind="rules", rules=read_rules(findings))


def _union(sets: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    union = frozenset[str]()
    for each in sets:
        if each is None:
            return None
        union |= each
    return union


def _listed(names: frozenset[str]) -> str:
    first = sorted(names)[:3]
    rest = len(names) - len(first)
    return ", ".join(first) + (f" and {rest} more" if rest else "")


def _counted(instructions: Instructions) -> str:
    records = len(instructions.packages.keys() | instructions.packages_conda.keys())
    counts = [f"{records} record{'s' if records != 1 else ''}"]
    counts += [f"{len(instructions.revoke)} revoked"] if instructions.revoke else []
    counts += [f"{len(instructions.remove)} removed"] if instructions.remove else []
    return ", ".join(counts)
