"""The `if:` of a patch rule: what a record must be for the rule to change it."""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml

from condarium.model.patches.globs import Glob, glob
from condarium.model.patches.values import read_text, read_texts
from condarium.model.version_order import compare_versions, is_version
from condarium.model.yamlnodes import Findings, entries

_TEXTS = ("name", "version", "build", "subdir", "license", "license_family", "noarch", "arch")
_MORE_TEXTS = ("platform", "features", "md5", "sha256", "legacy_bz2_md5")
_NUMBERS = ("build_number", "timestamp", "size", "legacy_bz2_size")
_LISTS = ("depends", "constrains", "track_features")
_SPECIAL = (*(f"has_{each}" for each in _LISTS), "artifact_in")
_FIELDS = (*_TEXTS, *_MORE_TEXTS, *_NUMBERS)
_KEY = re.compile(
    rf"(?P<not>not_)?(?:(?P<special>{'|'.join(_SPECIAL)})"
    rf"|(?P<field>{'|'.join(_FIELDS)})(?:_(?P<operator>lt|le|gt|ge|eq|ne|in))?)"
)
_EXAMPLES = "a condition: name, name_in, version_lt, build_number, timestamp_lt, has_depends …"
_GLOB_SIGNS = re.compile(r"[*\[\]?()]")

Test = Callable[[Any], bool]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One line of an `if:`: whether `test` is true of a field, or false where it is negated.

    A test on a field that the record lacks is not true; a missing timestamp counts as 0 when it is
    compared. `globs` are those of which one must match, where that is all there is to the test.
    """

    field: str
    test: Test
    negated: bool = False
    globs: tuple[Glob, ...] = ()

    def holds(self, value: Any) -> bool:
        return (value is not None and self.test(value)) is not self.negated


def read_conditions(node: yaml.Node, findings: Findings) -> tuple[Condition, ...]:
    """Read the mapping under `if:`."""
    if not isinstance(node, yaml.MappingNode) or not node.value:
        hint = "Name at least the packages that the rule is for: 'name: numpy'."
        findings.problem(node, findings.describe(node), "conditions under 'if:'", hint)
        return ()
    read = (_condition(key, value, findings) for key, value in entries(node, findings))
    return tuple(each for each in read if each is not None)


def _condition(key: yaml.ScalarNode, value: yaml.Node, findings: Findings) -> Condition | None:
    match = _KEY.fullmatch(key.value)
    if match is None:
        findings.problem(key, f"the condition {key.value!r}", _EXAMPLES, _likely(key.value))
        return None
    negated = match["not"] is not None
    if special := match["special"]:
        return _special(special, value, findings, negated=negated)
    field, compared = match["field"], match["operator"]
    test = _test(field, compared, value, findings)
    globs = _globs(value, findings) if test is not None and compared in (None, "in") else ()
    return test and Condition(field=field, test=test, negated=negated, globs=globs)


def _special(key: str, value: yaml.Node, findings: Findings, *, negated: bool) -> Condition | None:
    globs = _globs(value, findings)
    if not globs:
        return None
    if key == "artifact_in":
        return Condition(field="artifact", test=_matching(globs), negated=negated, globs=globs)
    field = key.removeprefix("has_")
    # With several patterns each must match something, so only the first can be looked up.
    return Condition(field=field, test=_having(globs), negated=negated, globs=globs[:1])


def _test(field: str, compared: str | None, value: yaml.Node, findings: Findings) -> Test | None:
    if compared == "in":
        globs = _globs(value, findings)
        return _matching(globs) if globs else None
    text = read_text(value, findings)
    if text is None:
        return None
    if compared is None and (field != "version" or _GLOB_SIGNS.search(text)):
        return _matching((glob(text),))
    if field == "version":
        return _version_test(compared or "eq", text, value, findings)
    if field in _NUMBERS:
        return _number_test(field, str(compared), text, value, findings)
    if compared in ("eq", "ne"):
        return _same(text) if compared == "eq" else _different(text)
    findings.problem(
        value,
        f"{field}_{compared}, which compares texts",
        "lt, le, gt and ge only for version, build_number, timestamp and size",
        f"Use '{field}:' or '{field}_in:' with a pattern.",
    )
    return None


def _version_test(compared: str, text: str, node: yaml.Node, findings: Findings) -> Test | None:
    if not is_version(text) or "*" in text:
        hint = "Patterns go with 'version:' and 'version_in:'." if "*" in text else None
        findings.problem(node, f"{text!r}", "a version such as 1.2.0", hint)
        return None
    decide = getattr(operator, compared)
    return lambda value: decide(compare_versions(str(value), text), 0)


def _number_test(
    field: str, compared: str, text: str, node: yaml.Node, findings: Findings
) -> Test | None:
    if not text.isdecimal():
        findings.problem(node, f"{text!r}", f"a whole number for {field}")
        return None
    number = int(text)
    if field == "timestamp" and 10**9 <= number < 10**11:
        hint = f"Write {number}000."
        findings.problem(node, f"{number}, a time in seconds", "a time in milliseconds", hint)
        return None
    decide = getattr(operator, compared)
    return lambda value: isinstance(value, int | float) and decide(value, number)


def _matching(globs: Sequence[Glob]) -> Test:
    if len(globs) == 1:
        matches = globs[0].matches
        return lambda value: matches(str(value))
    return lambda value: any(each.matches(str(value)) for each in globs)


def _having(globs: Sequence[Glob]) -> Test:
    if len(globs) == 1:
        among = globs[0].among
        return lambda values: bool(among(values))
    return lambda values: all(each.among(values) for each in globs)


def _same(text: str) -> Test:
    return lambda value: str(value) == text


def _different(text: str) -> Test:
    return lambda value: str(value) != text


def _globs(node: yaml.Node, findings: Findings) -> tuple[Glob, ...]:
    return tuple(map(glob, read_texts(node, findings)))


def _likely(key: str) -> str:
    known = [*_FIELDS, *_SPECIAL, *(f"{each}_in" for each in _FIELDS)]
    known += [f"{each}_{op}" for each in ("version", *_NUMBERS) for op in ("lt", "le", "gt", "ge")]
    near = get_close_matches(key.removeprefix("not_"), known, n=1, cutoff=0.6)
    negation = "not_" if key.startswith("not_") else ""
    return f"Did you mean '{negation}{near[0]}:'?" if near else "Conditions are all of one record."
