"""Rules (`if:` … `then:`) as conda-forge writes its patches: each works on one record at a time."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from condarium.model.patches.actions import read_changes
from condarium.model.patches.changes import Change, texts
from condarium.model.patches.conditions import Condition, read_conditions
from condarium.model.patches.file_names import package_name
from condarium.model.patches.globs import Glob
from condarium.model.yamlnodes import Findings, entries
from condarium.model.yamltext import compose_all

_LISTS = ("depends", "constrains", "track_features")


@dataclass(frozen=True)
class Rule:
    """What changes (`then`) for the records that meet all conditions (`where`)."""

    where: tuple[Condition, ...]
    then: tuple[Change, ...]

    def apply(self, file: str, record: dict[str, Any], subdir: str) -> dict[str, Any]:
        """Give the record as the rule wants it: the same object where nothing changes."""
        if all(each.holds(_value(each.field, file, record)) for each in self._in_subdir):
            for change in self.then:
                record = change.apply(record, subdir)
        return record

    def is_for(self, subdir: str) -> bool:
        """Whether any record in a subdir can meet the conditions."""
        return all(each.holds(subdir) for each in self.where if each.field == "subdir")

    @cached_property
    def names(self) -> frozenset[str] | None:
        """The packages that it can be for; None where that cannot be told."""
        known = [names for names in map(_names, self.where) if names is not None]
        return frozenset.intersection(*known) if known else None

    @cached_property
    def dependency(self) -> Glob | None:
        """What a record has to depend on; None where the rule does not ask for anything."""
        asked = [each for each in self.where if each.field == "depends" and not each.negated]
        return asked[0].globs[0] if asked else None

    @cached_property
    def _in_subdir(self) -> tuple[Condition, ...]:
        """What is left to ask in a subdir that the rule is for, the cheap questions first."""
        left = [each for each in self.where if each.field != "subdir"]
        return tuple(sorted(left, key=lambda each: each.field in _LISTS))


def read_rules(findings: Findings) -> tuple[Rule, ...]:
    """Read all documents of a YAML text, each a rule; what is wrong goes to `findings`."""
    nodes = [node for node in compose_all(findings) if not _is_empty(node)]
    if not nodes:
        hint = "A rule is 'if:' with conditions and 'then:' with a list of changes."
        findings.problem(None, "no rule", "a rule, or several separated by '---'", hint)
    rules = (_rule(node, findings) for node in nodes)
    return tuple(each for each in rules if each is not None)


def _rule(node: yaml.Node, findings: Findings) -> Rule | None:
    if not isinstance(node, yaml.MappingNode):
        hint = "Separate several rules by a line with '---'."
        findings.problem(node, findings.describe(node), "a rule: 'if:' and 'then:'", hint)
        return None
    parts = dict[str, yaml.Node]()
    for key, value in entries(node, findings):
        parts[key.value] = value
        if key.value not in ("if", "then"):
            hint = "Conditions go below 'if:', changes below 'then:'."
            findings.problem(key, f"the key {key.value!r}", "'if:' and 'then:' only", hint)
    for each in ("if", "then"):
        if each not in parts:
            findings.problem(node, f"a rule without '{each}:'", "'if:' and 'then:'")
    if "if" not in parts or "then" not in parts:
        return None
    return Rule(read_conditions(parts["if"], findings), read_changes(parts["then"], findings))


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.value


def _value(field: str, file: str, record: dict[str, Any]) -> Any:
    if field in _LISTS:
        return texts(record, field)
    if field == "artifact":
        return file
    return record.get(field, 0 if field == "timestamp" else None)


def _names(condition: Condition) -> frozenset[str] | None:
    if condition.negated or not condition.globs or condition.field not in ("name", "artifact"):
        return None
    if condition.field == "artifact":
        names = [package_name(each.text) if each.is_literal else None for each in condition.globs]
    else:
        names = [each.first_word for each in condition.globs]
    return frozenset(each for each in names if each) if all(names) else None
