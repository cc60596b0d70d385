"""Read a request out of a file: all of it, and say everything that is wrong at once.

version: 1
project: github:conda-forge/numpy-feedstock#123
resources: [gpu-a100]
purpose: Tests of the CUDA builds
duration: 90d
use: 40
quota: 60
pull_requests: true
conditions: {branches: [main], events: [push], people: [github:ada#7], roles: [write]}
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import yaml

from condarium.errors import BadInput, BadSpec, SpecProblem
from condarium.model.document import Document
from condarium.model.governance.amounts import read_amount
from condarium.model.governance.grants import Conditions, Lending
from condarium.model.governance.projects import Person, Project
from condarium.model.governance.requests import Asked, Draft
from condarium.model.governance.resources import ResourceName
from condarium.model.similar import nearest
from condarium.model.yamlnodes import Findings, entries, is_null, is_text
from condarium.model.yamltext import compose
from condarium.values import parse_duration

_T = TypeVar("_T")
_Read = Callable[[str], _T]
_VERSION = "1"
_KEYS = (
    *("version", "project", "resources", "purpose", "duration", "use", "quota"),
    *("pull_requests", "revoke", "conditions"),
)
_CONDITIONS = ("branches", "events", "people", "roles", "trusted_forks", "fork_approval")
_KIND = "a request"


def read_request(document: Document) -> Draft:
    """Read a file of the form above. Raises BadSpec, and nothing else, with every problem of it."""
    return _File(Findings(text=_decode(document), source=document.name, kind=_KIND)).draft()


class _File:
    """The values of a file by their keys; what is wrong with one is found as it is asked for."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        node = compose(findings)
        if node is None or is_null(node):
            findings.problem(node, "an empty file", f"the keys of {_KIND}: {', '.join(_KEYS)}")
            findings.raise_any()
        self._values = {} if node is None else self._mapping(node, _KEYS)
        if not self._values:
            findings.raise_any()
        inner = self._values.get("conditions")
        self._conditions = self._mapping(inner, _CONDITIONS) if inner is not None else {}

    def draft(self) -> Draft:
        """Raises BadSpec."""
        top, conditions = self._values, self._conditions
        self._version()
        for key in ("project", "resources", "purpose"):
            if key not in top and not self._findings.problems:
                self._findings.problem(None, f"no key {key!r}", f"a line '{key}: …'")
        project = self._one(top, "project", Project.parse)
        resources = self._many(top, "resources", lambda text: ResourceName.parse(text).name)
        people = self._many(conditions, "people", Person.parse)
        lending = Lending(
            conditions=Conditions(
                branches=self._many(conditions, "branches", str),
                events=self._many(conditions, "events", str),
                pull_request=self._flag(top, "pull_requests"),
                trusted_forks=self._many(conditions, "trusted_forks", Project.parse),
                fork_approval=self._flag(conditions, "fork_approval"),
                people=people if "people" in conditions else None,
                roles=self._many(conditions, "roles", str),
            ),
            quota=self._one(top, "quota", read_amount),
        )
        purpose = self._one(top, "purpose", str)
        duration = self._one(top, "duration", _duration)
        use = self._one(top, "use", read_amount)
        revoke = self._flag(top, "revoke")
        self._findings.raise_any()
        assert project is not None  # else something was found
        return Draft(
            asked=Asked.REVOKE if revoke else Asked.USE,
            project=project,
            resources=resources,
            purpose=purpose or "",
            duration=duration,
            use=use,
            lending=lending,
        )

    def _version(self) -> None:
        found = self._values.get("version")
        if found is None:
            self._findings.problem(None, "no key 'version'", f"'version: {_VERSION}'")
        elif not isinstance(found, yaml.ScalarNode) or found.value != _VERSION:
            self._findings.problem(found, self._findings.describe(found), f"version {_VERSION}")

    def _mapping(self, node: yaml.Node, known: tuple[str, ...]) -> dict[str, yaml.Node]:
        """The values that are there, by key; an unknown key is a problem: it must not be lost."""
        if not isinstance(node, yaml.MappingNode):
            expected = f"a mapping with the keys {', '.join(known)}"
            self._findings.problem(node, self._findings.describe(node), expected)
            return {}
        found = entries(node, self._findings)
        for key, _ in found:
            if key.value not in known:
                alike = nearest(key.value, known)
                hint = f"Did you mean '{alike[0]}:'?" if alike else None
                expected = f"one of {', '.join(known)}"
                self._findings.problem(key, f"the key {key.value!r}", expected, hint)
        return {key.value: value for key, value in found if not is_null(value)}

    def _one(self, values: Mapping[str, yaml.Node], key: str, read: _Read[_T]) -> _T | None:
        return self._read(values[key], key, read) if key in values else None

    def _many(self, values: Mapping[str, yaml.Node], key: str, read: _Read[_T]) -> tuple[_T, ...]:
        """A list of texts; a text alone is a list of one."""
        node = values.get(key)
        items = node.value if isinstance(node, yaml.SequenceNode) else [node] if node else []
        found = [self._read(each, key, read) for each in items]
        return tuple(each for each in found if each is not None)

    def _read(self, node: yaml.Node, key: str, read: _Read[_T]) -> _T | None:
        if not isinstance(node, yaml.ScalarNode) or not (is_text(node) or _is_number(node)):
            self._findings.problem(node, f"{self._findings.describe(node)} as {key}", "a text")
            return None
        try:
            return read(node.value)
        except BadInput as error:
            said, _, expected = error.message.partition("; expected ")
            found = self._findings.describe(node)
            self._findings.problem(
                node, f"{found} as {key}", expected or f"another one: {said}", error.hint
            )
            return None

    def _flag(self, values: Mapping[str, yaml.Node], key: str) -> bool:
        node = values.get(key)
        if node is None:
            return False
        if isinstance(node, yaml.ScalarNode) and node.value in ("true", "false"):
            return bool(node.value == "true")
        self._findings.problem(node, f"{self._findings.describe(node)} as {key}", "true or false")
        return False


def _is_number(node: yaml.ScalarNode) -> bool:
    return node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


def _duration(text: str) -> timedelta:
    return parse_duration(text)


def _decode(document: Document) -> str:
    try:
        return document.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = document.content.count(b"\n", 0, error.start) + 1
        problem: Any = {"found": "bytes that are not UTF-8", "expected": "text in UTF-8"}
        raise BadSpec(document.name, [SpecProblem(line=line, column=1, **problem)]) from error
