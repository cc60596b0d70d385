"""Read our own format: YAML with the keys of `fields`, every value at its line and column."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeVar

import yaml

from condarium.errors import BadDocument, BadInput
from condarium.governance.files.fields import (
    BUDGET,
    CONDITIONS,
    GRANT,
    LENDING,
    PULL_REQUESTS,
    RESOURCE,
    Field,
)
from condarium.governance.files.spelling import Misspelled
from condarium.governance.files.state import SaidBudget, SaidGrant, SaidResource, State
from condarium.governance.files.writing import VERSION
from condarium.model.governance.grants import Conditions, Lending
from condarium.model.governance.projects import Project
from condarium.model.governance.resources import Settings, check_name
from condarium.model.yamlnodes import Findings, entries, is_null, quoted
from condarium.values import did_you_mean

_V = TypeVar("_V")
_SECTIONS = ("version", "terms", "resources", "grants")
_MOST = 10_000
"""How many terms, and resources, a file may say: each is some statements in the database."""
_TOLD = 20
_WHERE = ("project", "resource", "resources")


class BadAccessFile(BadDocument):
    """A file does not say who may use what."""


@dataclass(frozen=True)
class Placed:
    """A value, and where it stands: the file's findings, and the node."""

    value: Any
    findings: Findings
    node: yaml.Node

    @property
    def where(self) -> str:
        return f"{self.findings.source}:{self.node.start_mark.line + 1}"


class Sections:
    """What the files together say, each once; a second time is a problem of its own file."""

    def __init__(self) -> None:
        self._terms: dict[str, Placed] = {}
        self._resources: dict[str, Placed] = {}
        self._grants: dict[tuple[str, str, str], Placed] = {}
        self._first: dict[tuple[str, str], tuple[str, str, str]] = {}

    def read(self, node: yaml.Node, findings: Findings) -> None:
        """Take what one document says; what is wrong goes to its findings."""
        found = read_keys(node, _SECTIONS, findings, "a file of condarium: version, resources …")
        _check_version(node, found.get("version"), findings)
        for name, value in _named(found.get("terms"), "terms", findings):
            text = read_value(value, _terms, "the text of the terms", findings) or ""
            self._add(self._terms, name.value, Placed(text, findings, name), f"terms {name.value}")
        for name, value in _named(found.get("resources"), "a resource", findings):
            said = Placed(_resource(value, findings), findings, name)
            self._add(self._resources, name.value, said, f"the resource {name.value}")
        for value in read_items(found.get("grants"), "a list of grants", findings):
            for grant in _grants(value, findings):
                said = Placed(grant, findings, value)
                what = f"a grant of {grant.resource} to {grant.project}"
                place = self._place(grant)
                self._first.setdefault(grant.place, place)
                self._add(self._grants, place, said, what)

    def state(self) -> State:
        """All of it in order; what it says of other things is checked to be there."""
        for said in self._resources.values():
            terms = said.value.settings.terms
            if terms is not None and terms not in self._terms:
                self._absent(said, f"the terms {terms!r}", "terms", self._terms)
        for said in self._grants.values():
            if said.value.resource not in self._resources:
                found = f"a grant of {said.value.resource}"
                self._absent(said, found, "resources", self._resources)
        return State.of(
            terms={name: said.value for name, said in self._terms.items()},
            resources={name: said.value for name, said in self._resources.items()},
            grants=[said.value for said in self._grants.values()],
        )

    def _place(self, grant: SaidGrant) -> tuple[str, str, str]:
        """Where a grant stands: of one name are several only where ids tell all of them apart."""
        nameless = (*grant.place, "")
        if grant.project.id is None or nameless in self._grants:
            return self._first.get(grant.place, nameless)
        return (*grant.place, grant.project.id)

    def _add(self, among: dict[Any, Placed], key: Any, said: Placed, what: str) -> None:
        if (first := among.setdefault(key, said)) is not said:
            said.findings.problem(
                said.node,
                f"{what} a second time (the first is at {first.where})",
                "each once in all files together",
                "Put both into one.",
            )

    def _absent(self, said: Placed, found: str, section: str, known: Mapping[str, Placed]) -> None:
        word = found.rpartition(" ")[2].strip("'")
        # to look for what is alike takes long where much is known, or much is absent
        near = list(known) if len(said.findings.problems) < _TOLD else []
        hint = did_you_mean(word, near) or f"Write them below '{section}:', in any of the files."
        said.findings.problem(said.node, found, f"one of those below '{section}:'", hint)


def read_keys(
    node: yaml.Node, known: Iterable[str], findings: Findings, expected: str
) -> dict[str, yaml.Node]:
    """The values of a mapping by its keys; one that is not known is a problem."""
    if not isinstance(node, yaml.MappingNode):
        findings.problem(node, findings.describe(node), expected)
        return {}
    found = dict[str, yaml.Node]()
    known = list(known)
    for key, value in entries(node, findings):
        if key.value not in known:
            hint = did_you_mean(key.value, known) or f"These are known: {', '.join(known)}."
            findings.problem(key, f"the key {quoted(key.value)}", expected, hint)
        elif not is_null(value):
            found[key.value] = value
    return found


def read_items(node: yaml.Node | None, expected: str, findings: Findings) -> list[yaml.Node]:
    """The items of a list; none where there is none."""
    if node is None:
        return []
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    findings.problem(node, findings.describe(node), expected, "Write each behind '- '.")
    return []


def read_value(
    node: yaml.Node, read: Callable[[str], _V], expected: str, findings: Findings
) -> _V | None:
    """What a scalar means; None and a problem where it means nothing."""
    if not isinstance(node, yaml.ScalarNode) or is_null(node):
        findings.problem(node, findings.describe(node), expected)
        return None
    try:
        return read(str(node.value))
    except BadInput as error:
        findings.problem(node, quoted(node.value), expected, error.hint)
        return None


def _terms(text: str) -> str:
    """A document as it is published: with one line break at its end."""
    if not text.strip():
        raise Misspelled(text, "a text")
    return f"{text.strip()}\n"


def _check_version(node: yaml.Node, version: yaml.Node | None, findings: Findings) -> None:
    expected = f"version: {VERSION}"
    if version is None:
        hint = f"Begin the file with 'version: {VERSION}'."
        findings.problem(node, "no version", expected, hint)
    elif not isinstance(version, yaml.ScalarNode) or version.value != str(VERSION):
        hint = "A newer condarium may have written it."
        findings.problem(version, findings.describe(version), expected, hint)


def _named(
    node: yaml.Node | None, what: str, findings: Findings
) -> Iterable[tuple[yaml.ScalarNode, yaml.Node]]:
    if node is None:
        return
    if not isinstance(node, yaml.MappingNode):
        findings.problem(node, findings.describe(node), f"{what} by name", "Write 'name: …'.")
        return
    if len(node.value) > _MOST:
        findings.problem(node, f"{len(node.value):,} times {what}", f"at most {_MOST:,}")
        return
    for key, value in entries(node, findings):
        if read_value(key, check_name, f"a name for {what}", findings) is not None:
            yield key, value


def _resource(node: yaml.Node, findings: Findings) -> SaidResource:
    keys = [*(field.key for field in RESOURCE), "budgets"]
    found = read_keys(node, keys, findings, "a resource: kind, provider, capacity …")
    budgets = read_items(found.pop("budgets", None), "a list of budgets", findings)
    values = _values(RESOURCE, found, findings)
    if "kind" not in found:
        findings.problem(node, "a resource without a kind", "kind: queue, runner or service")
    return SaidResource(
        settings=Settings(**{"kind": None, **values}),  # a problem has been told where it is None
        budgets=tuple(each for item in budgets if (each := _budget(item, findings))),
    )


def _budget(node: yaml.Node, findings: Findings) -> SaidBudget | None:
    found = read_keys(
        node, [field.key for field in BUDGET], findings, "a budget: donor, amount, period"
    )
    values = _values(BUDGET, found, findings)
    missing = [key for key in ("donor", "amount", "period") if key not in found]
    if missing:
        findings.problem(node, f"a budget without {missing[0]}", "donor, amount and period")
    return None if {"donor", "amount", "period"} - set(values) else SaidBudget(**values)


def _grants(node: yaml.Node, findings: Findings) -> Iterable[SaidGrant]:
    """What one entry grants: several where it names several resources."""
    fields = (PULL_REQUESTS, *LENDING, *GRANT)
    keys = [*_WHERE, "conditions", *(field.key for field in fields)]
    found = read_keys(node, keys, findings, "a grant: project, resource, …")
    names = list(_resources_of(node, found, findings))
    lending = Lending(conditions=_conditions(found, findings), **_values(LENDING, found, findings))
    rest = _values(GRANT, found, findings)
    if "project" not in found:
        findings.problem(node, "a grant without a project", "project: github:OWNER/NAME")
        return
    expected = "a project such as github:conda-forge/numpy-feedstock"
    project = read_value(found["project"], Project.parse, expected, findings)
    if project is not None:
        for name in names:
            yield SaidGrant(project=project, resource=name, lending=lending, **rest)


def _conditions(found: Mapping[str, yaml.Node], findings: Findings) -> Conditions:
    values = _values([PULL_REQUESTS], found, findings)
    if (node := found.get("conditions")) is not None:
        keys = [field.key for field in CONDITIONS]
        inner = read_keys(node, keys, findings, "conditions: branches, events, people …")
        values |= _values(CONDITIONS, inner, findings)
    return Conditions(**values)


def _resources_of(
    node: yaml.Node, found: Mapping[str, yaml.Node], findings: Findings
) -> Iterable[str]:
    if ("resource" in found) == ("resources" in found):
        both = "resource and resources" if "resource" in found else "a grant without a resource"
        findings.problem(node, both, "either resource: NAME or resources: [NAME, …]")
        return
    lone = [found["resource"]] if "resource" in found else None
    for each in lone or read_items(found.get("resources"), "a list of resources", findings):
        name = read_value(each, check_name, "the name of a resource", findings)
        if name is not None:
            yield name


def _values(
    fields: Iterable[Field], found: Mapping[str, yaml.Node], findings: Findings
) -> dict[str, Any]:
    """Values by their attributes, of those keys that are there and mean something."""
    values: dict[str, Any] = {}
    for field in fields:
        if (node := found.get(field.key)) is None:
            continue
        value = _value(field, node, findings)
        if value is not None:
            values[field.name] = value
    return values


def _value(field: Field, node: yaml.Node, findings: Findings) -> Any:
    if field.tree:
        return read_tree(node, field.expected, findings)
    if not field.many:
        return read_value(node, field.read, field.expected, findings)
    items = read_items(node, f"a list, each {field.expected}", findings)
    read = [read_value(item, field.read, field.expected, findings) for item in items]
    return tuple(each for each in read if each is not None)


def read_tree(node: yaml.Node, expected: str, findings: Findings) -> dict[str, Any] | None:
    """A mapping of plain data, as YAML takes it."""
    if not isinstance(node, yaml.MappingNode):
        findings.problem(node, findings.describe(node), expected)
        return None
    tree = _tree(node, findings)
    return tree if isinstance(tree, dict) else None


def _tree(node: yaml.Node, findings: Findings) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _tree(value, findings) for key, value in entries(node, findings)}
    if isinstance(node, yaml.SequenceNode):
        return [_tree(each, findings) for each in node.value]
    try:
        value = _CONSTRUCTOR.construct_object(node)
    except (ValueError, yaml.YAMLError):
        value = None if is_null(node) else node.value
    if value is None or isinstance(value, str | int) or _is_finite(value):
        return value
    return str(node.value)  # a date stays as it is written


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and isfinite(value)


_CONSTRUCTOR = yaml.constructor.SafeConstructor()
