"""What each condition and each change of a patch rule does: one row for each."""

from typing import Any, NamedTuple

import pytest
from tests.support.patches import rules

from condarium.model.patches import PatchSet, Record

FILE = "fit-1.2.3-py312_1.conda"
RECORD: Record = {
    "name": "fit",
    "version": "1.2.3",
    "build": "py312_1",
    "build_number": 1,
    "depends": ["numpy >=1.20", "python >=3.12,<3.13.0a0", "zlib", "zlib-ng 2.0 h1_0"],
    "constrains": ["scipy >=1.0,<2.0a0"],
    "track_features": "slow old",
    "license": "MIT",
    "timestamp": 1_700_000_000_000,
}

HOLD = [
    "name: fit",
    "name: f?t",
    "name_in: [other, 'fi*']",
    "name_eq: fit",
    "not_name: other",
    "version: 1.2.3",
    "version: 1.2.3.0",
    "version: '1.2.*'",
    "version: '1.[23].?'",
    "version_in: ['0.*', 1.2.3]",
    "not_version_in: [1.2.3.0]",
    "version_lt: '1.10'",
    "version_lt: 1.2.3post1",
    "version_gt: 1.2.3rc1",
    "{version_ge: 1.2.3, version_le: 1.2.3}",
    "{version_eq: 1.2.3, version_ne: 1.2.4}",
    "build: py312_*",
    "build_number: 1",
    "build_number_in: [0, 1]",
    "build_number_in: '?'",
    "{build_number_lt: 2, build_number_ge: 1}",
    "timestamp_lt: 1700000000001",
    "timestamp: 1700000000000",
    "not_timestamp_gt: 1700000000000",
    "subdir_in: linux-64",
    "subdir: linux-*",
    "not_subdir_in: [noarch, 'osx-*']",
    "artifact_in: fit-1.2.3-py312_1.conda",
    "artifact_in: [other-1-0.conda, 'fit-*']",
    "has_depends: zlib",
    "has_depends: numpy?( *)",
    "has_depends: zlib?( *)",
    "has_depends: zlib*",
    "has_depends: ['numpy*', 'python >=3.12,*']",
    "not_has_depends: numpy",
    "not_has_depends: ['numpy*', scipy]",
    "not_has_depends: py?( *)",
    "has_constrains: scipy*",
    "not_has_constrains: numpy*",
    "has_track_features: old",
    "not_has_track_features: ol",
    "license: MIT",
    "not_license_family: GPL",
]


def _applies(condition: str, subdir: str = "linux-64", **other: Any) -> bool:
    where = condition if condition.startswith("{") else f"{{{condition}}}"
    patch = rules(f"if: {where}\nthen:\n- add_depends: seen")
    return bool(PatchSet([patch]).apply(subdir, {FILE: RECORD | other}).changed)


@pytest.mark.parametrize("condition", HOLD)
def test_condition(condition: str) -> None:
    assert _applies(condition)
    if not condition.startswith("{"):
        other = condition.removeprefix("not_") if condition[:4] == "not_" else f"not_{condition}"
        assert not _applies(other)


def test_a_condition_on_what_a_record_lacks() -> None:
    assert not _applies("size_lt: 10")
    assert _applies("not_size_lt: 10")
    assert _applies("timestamp_lt: 5", timestamp=None) is False
    without = {key: value for key, value in RECORD.items() if key != "timestamp"}
    patch = rules("if: {timestamp_lt: 5}\nthen:\n- add_depends: seen")
    assert PatchSet([patch]).apply("linux-64", {FILE: without}).changed
    assert not _applies("subdir_in: linux-64", subdir="noarch")


class Case(NamedTuple):
    change: str
    before: list[str]
    after: list[str]


CHANGES = [
    Case("add_depends: b", ["a"], ["a", "b"]),
    Case("add_depends: [b, a]", ["a"], ["a", "b"]),
    Case("add_depends: b <=${version}", [], ["b <=1.2.3"]),
    Case("add_depends: b ${next_version} ${build}_$build_number", [], ["b 1.2.4 py312_1_1"]),
    Case("add_depends: b ${major_version}.${minor_version}.${patch_version}", [], ["b 1.2.3"]),
    Case("add_depends: ${name}-${subdir}", [], ["fit-linux-64"]),
    Case("add_depends: b$$c", [], ["b$c"]),
    Case("remove_depends: b", ["a", "b", "b 1"], ["a", "b 1"]),
    Case("remove_depends: [b*, 'c?( *)']", ["a", "b", "b 1", "c 1", "cd"], ["a", "cd"]),
    Case("remove_depends: '*'", ["a", "b"], []),
    Case("reset_depends: [x, y]", ["a"], ["x", "y"]),
    Case("replace_depends: {old: b 1, new: b 2}", ["a", "b 1", "c"], ["a", "b 2", "c"]),
    Case("replace_depends: {old: b 1.*, new: b 2}", ["b 1.0", "b 1.5", "c"], ["b 2", "c"]),
    Case("replace_depends: {old: b 1.*, new: b 2}", ["b 1.0", "b 1.1", "b 1.2"], ["b 2"]),
    Case("replace_depends: {old: 'b 1.[*]', new: b 2}", ["b 1.*", "b 1.0"], ["b 2", "b 1.0"]),
    Case("replace_depends: {old: b*, new: '${old},<9'}", ["b >=1", "c"], ["b >=1,<9", "c"]),
    Case("replace_depends: {old: b 1, new: c}", ["c", "b 1"], ["c"]),
    Case("replace_depends: {old: 'b ${version}', new: b}", ["b 1.2.3"], ["b"]),
    Case("replace_depends: {old: b, new: b}", ["b", "a"], ["b", "a"]),
    Case("rename_depends: {old: b, new: c}", ["b >=1 x", "b-d", "b"], ["c >=1 x", "b-d", "c"]),
    Case("relax_exact_depends: {name: b}", ["b 1.2 h_0"], ["b >=1.2"]),
    Case("relax_exact_depends: {name: b, max_pin: x.x}", ["b 1.2.3 h_0"], ["b >=1.2.3,<1.3.0a0"]),
    Case("relax_exact_depends: {name: b}", ["b >=1.2 h_0", "b 1"], ["b >=1.2 h_0", "b 1"]),
    Case("relax_exact_depends: {name: b}", ["b =1.2 h_0", "b * h_0"], ["b =1.2 h_0", "b * h_0"]),
    # tighten: what has no bound gets one, a bound comes down, and none goes up
    Case("tighten_depends: {name: b, upper_bound: 2}", ["b"], ["b <2.0a0"]),
    Case("tighten_depends: {name: b, upper_bound: '2.0'}", ["b >=1.5"], ["b >=1.5,<2.0a0"]),
    Case("tighten_depends: {name: b, upper_bound: '2.1'}", ["b >=1"], ["b >=1,<2.1.0a0"]),
    Case("tighten_depends: {name: b, upper_bound: '2'}", ["b >=1.2.3"], ["b >=1.2.3,<2.0.0a0"]),
    Case("tighten_depends: {name: b, upper_bound: '2'}", ["b >=1,!=1.5"], ["b >=1,!=1.5,<2.0a0"]),
    Case("tighten_depends: {name: b, upper_bound: '2'}", ["b >=3"], ["b >=3"]),
    Case("tighten_depends: {name: b, upper_bound: '2'}", ["b >=1|>3"], ["b >=1|>3"]),
    Case("tighten_depends: {name: b, upper_bound: '2'}", ["b >=1,<9.0a0 h*"], ["b >=1,<2.0a0 h*"]),
    Case("tighten_depends: {name: b, upper_bound: '10'}", ["b >=1,<9.0a0"], ["b >=1,<9.0a0"]),
    Case("tighten_depends: {name: b, upper_bound: '2'}", ["b <3", "b <2"], ["b <2.0a0", "b <2"]),
    Case("tighten_depends: {name: b, upper_bound: '2'}", ["b <=2", "b <=1"], ["b <2.0a0", "b <=1"]),
    Case("tighten_depends: {name: b, max_pin: x}", ["b >=1.5,<3.0a0"], ["b >=1.5,<2.0a0"]),
    Case("tighten_depends: {name: b, max_pin: x.x}", ["b >=1.2.3"], ["b >=1.2.3,<1.3.0a0"]),
    Case("tighten_depends: {name: b, max_pin: x.x.x}", ["b >=1.2"], ["b >=1.2,<1.2.1.0a0"]),
    Case("tighten_depends: {name: b, max_pin: x}", ["b", "b 1", "b >=x"], ["b", "b 1", "b >=x"]),
    Case("tighten_depends: {name: b, max_pin: x.x}", ["b >=1.2a"], ["b >=1.2a"]),
    Case("tighten_depends: {name: 'b*', max_pin: x}", ["bc >=1", "d"], ["bc >=1,<2.0a0", "d"]),
    Case(
        "tighten_depends: {name: b, upper_bound: '${major_version}'}",
        ["b >=0.5"],
        ["b >=0.5,<1.0a0"],
    ),
    # loosen: a bound goes up, or away, and none comes down
    Case("loosen_depends: {name: b, upper_bound: '3'}", ["b >=1,<2.0a0"], ["b >=1,<3.0a0"]),
    Case("loosen_depends: {name: b, upper_bound: '10'}", ["b >=1,<9.0a0"], ["b >=1,<10.0a0"]),
    Case("loosen_depends: {name: b, upper_bound: '9'}", ["b >=1,<10.0a0"], ["b >=1,<10.0a0"]),
    Case("loosen_depends: {name: b, max_pin: x}", ["b >=1.2,<1.3.0a0 h"], ["b >=1.2,<2.0.0a0 h"]),
    Case("loosen_depends: {name: b, upper_bound: null}", ["b >=1,<2.0a0 h"], ["b >=1 h"]),
    Case("loosen_depends: {name: b, upper_bound: None}", ["b >=1,<2.0a0"], ["b >=1"]),
    Case("loosen_depends: {name: b, upper_bound: 9}", ["b", "b <2", "b 1"], ["b", "b <2", "b 1"]),
]


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: f"{case.change} {case.before}")
def test_change(case: Case) -> None:
    _assert_change("depends", case.change, case.before, case.after)


@pytest.mark.parametrize(
    "case",
    [case for case in CHANGES if case.change.split("_")[0] not in ("tighten", "loosen", "relax")],
    ids=lambda case: f"{case.change} {case.before}",
)
def test_constrains_change_alike(case: Case) -> None:
    change = case.change.replace("depends", "constrains", 1)
    _assert_change("constrains", change, case.before, case.after)


def _assert_change(key: str, change: str, before: list[str], after: list[str]) -> None:
    patch = rules(f"if: {{name: fit}}\nthen:\n- {change}")
    record = {**RECORD, key: before}
    patched = PatchSet([patch]).apply("linux-64", {FILE: record})
    expected = {**RECORD, key: after}
    if not after and key == "constrains":
        del expected[key]
    assert patched.records == {FILE: expected}
    assert patched.changed == ({FILE} if before != after else set())
    assert record == {**RECORD, key: before}


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        ("add_track_features: [fast, slow]", "slow", "slow fast"),
        ("add_track_features: fast", None, "fast"),
        ("remove_track_features: s*", "slow old", "old"),
        ("remove_track_features: ['*']", "slow old", None),
    ],
)
def test_track_features(change: str, before: str | None, after: str | None) -> None:
    bare = {key: value for key, value in RECORD.items() if key != "track_features"}
    record = bare | ({"track_features": before} if before else {})
    patch = rules(f"if: {{name: fit}}\nthen:\n- {change}")
    patched = PatchSet([patch]).apply("linux-64", {FILE: record}).records[FILE]
    assert patched == bare | ({"track_features": after} if after else {})


def test_a_change_that_a_record_has_no_value_for_is_left_out() -> None:
    patch = rules(
        "if: {name: fit}\nthen:\n- add_depends: b <${next_version}\n- add_depends: c ${build}\n"
        "- add_depends: d\n- tighten_depends: {name: d, upper_bound: '${version}'}"
    )
    record = {"name": "fit", "version": "1.0rc1", "depends": []}
    patched = PatchSet([patch]).apply("noarch", {"fit-1.0rc1-0.conda": record})
    assert patched.records["fit-1.0rc1-0.conda"]["depends"] == ["d"]


def test_rules_see_what_earlier_ones_did() -> None:
    patch = rules(
        "if: {has_depends: a}\nthen:\n- rename_depends: {old: a, new: b}\n---\n"
        "if: {has_depends: b}\nthen:\n- rename_depends: {old: b, new: c}\n"
    )
    back = rules("if: {has_depends: c}\nthen:\n- add_depends: a\n")
    record = {"name": "x", "version": "1", "depends": ["a"]}
    patched = PatchSet([patch, back]).apply("noarch", {"x-1-0.conda": record})
    assert patched.records["x-1-0.conda"]["depends"] == ["c", "a"]
    patched = PatchSet([back, patch]).apply("noarch", {"x-1-0.conda": record})
    assert patched.records["x-1-0.conda"]["depends"] == ["c"]


@pytest.mark.parametrize(
    ("text", "candidates", "words"),
    [
        ("if: {name: a}", {"a"}, "1 rule for a"),
        ("if: {name_in: [a, b], version: '1'}", {"a", "b"}, "1 rule for a, b"),
        ("if: {name: a, name_in: [a, b]}", {"a"}, "1 rule for a"),
        ("if: {name: a*}", None, "1 rule for any package"),
        ("if: {not_name: a}", None, "1 rule for any package"),
        ("if: {name_in: [d, c, b, a, e]}", set("abcde"), "1 rule for a, b, c and 2 more"),
        ("if: {artifact_in: [a-b-1-0.conda, c-1-0.tar.bz2]}", {"a-b", "c"}, "1 rule for a-b, c"),
        ("if: {artifact_in: 'a-1-*.conda'}", None, "1 rule for any package"),
        ("if: {has_depends: a}", None, "1 rule for any package"),
        ("if: {subdir_in: noarch}", set(), "1 rule for any package"),
        ("if: {name: a, not_subdir_in: linux-64}", set(), "1 rule for a"),
    ],
)
def test_candidates(text: str, candidates: set[str] | None, words: str) -> None:
    patch = rules(f"{text}\nthen:\n- add_depends: x")
    assert patch.candidates("linux-64") == candidates
    assert patch.describe() == words
