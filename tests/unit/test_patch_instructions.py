"""patch_instructions.json: what it does to records, in which order, and what it leaves alone."""

import json
from typing import Any

import pytest
from tests.support.patches import instructions, rules

from condarium.model.document import Document
from condarium.model.patches import Patched, PatchSet, Record, read_patch


def _record(**more: Any) -> Record:
    return {"name": "a", "version": "1", "build": "0", "depends": ["b", "c"], **more}


def _patched(records: dict[str, Record], **content: Any) -> Patched:
    return PatchSet([instructions("noarch", **content)]).apply("noarch", records)


TWINS = {"a-1-0.tar.bz2": _record(), "a-1-0.conda": _record(), "a-2-0.conda": _record(version="2")}


@pytest.mark.parametrize(
    ("update", "before", "after"),
    [
        ({"depends": ["x"]}, {}, {"depends": ["x"]}),
        ({"license": "MIT"}, {}, {"license": "MIT"}),
        ({"license": None}, {"license": "GPL"}, {}),
        ({"license": None}, {}, {}),
        ({"depends": []}, {}, {"depends": []}),
        ({"extra": {"x": 1}}, {"extra": {"y": 2}}, {"extra": {"x": 1, "y": 2}}),
        ({"extra": {"y": None}}, {"extra": {"x": 1, "y": 2}}, {"extra": {"x": 1}}),
        ({"extra": {"x": 1}}, {"extra": "text"}, {"extra": {"x": 1}}),
        ({"extra": {"l": [3]}}, {"extra": {"l": [1, 2]}}, {"extra": {"l": [3]}}),
    ],
)
def test_how_an_update_merges(update: Record, before: Record, after: Record) -> None:
    records = {"a-1-0.conda": _record(**before)}
    patched = _patched(records, packages_conda={"a-1-0.conda": update})
    assert patched.records == {"a-1-0.conda": _record(**after)}
    assert records == {"a-1-0.conda": _record(**before)}


def test_a_tar_bz2_entry_reaches_its_conda_twin_which_may_say_otherwise() -> None:
    update = {"depends": ["x"], "license": "MIT"}
    patched = _patched(TWINS, packages={"a-1-0.tar.bz2": update})
    assert patched.records["a-1-0.conda"] == _record(**update)
    assert patched.changed == {"a-1-0.tar.bz2", "a-1-0.conda"}
    assert patched.records["a-2-0.conda"] is TWINS["a-2-0.conda"]

    own = {"a-1-0.conda": {"depends": ["y"]}}
    patched = _patched(TWINS, packages={"a-1-0.tar.bz2": update}, packages_conda=own)
    assert patched.records["a-1-0.tar.bz2"] == _record(**update)
    assert patched.records["a-1-0.conda"] == _record(depends=["y"], license="MIT")


def test_a_conda_entry_does_not_reach_back() -> None:
    patched = _patched(TWINS, packages_conda={"a-1-0.conda": {"license": "MIT"}})
    assert patched.changed == {"a-1-0.conda"}


def test_revoked_records_stay_and_cannot_be_installed() -> None:
    patched = _patched(TWINS, revoke=["a-1-0.tar.bz2"], packages={"a-1-0.tar.bz2": {"depends": []}})
    expected = _record(depends=["package_has_been_revoked"], revoked=True)
    assert patched.records["a-1-0.tar.bz2"] == patched.records["a-1-0.conda"] == expected
    again = PatchSet([instructions("noarch", revoke=["a-1-0.conda"])])
    assert again.apply("noarch", patched.records).changed == frozenset()


def test_removed_records_go_with_their_twins() -> None:
    patched = _patched(TWINS, remove=["a-1-0.tar.bz2", "unknown-1-0.conda"])
    assert patched.removed == ("a-1-0.conda", "a-1-0.tar.bz2")
    assert patched.records == {"a-2-0.conda": TWINS["a-2-0.conda"]}
    assert _patched(TWINS, remove=["a-1-0.conda"]).removed == ("a-1-0.conda",)


def test_nothing_new_changes_nothing() -> None:
    update = {"depends": ["b", "c"], "license": None}
    patched = _patched(TWINS, packages={"a-1-0.tar.bz2": update, "z-1-0.conda": {"license": "X"}})
    assert patched.changed == frozenset()
    assert all(patched.records[file] is TWINS[file] for file in TWINS)


def test_patches_follow_each_other_whatever_their_kind() -> None:
    rule = rules("if: {name: a, has_depends: x}\nthen:\n- add_depends: y")
    update = instructions("noarch", packages={"a-1-0.conda": {"depends": ["x"]}})
    gone = instructions("noarch", remove=["a-1-0.conda"])
    records = {"a-1-0.conda": _record()}
    assert PatchSet([update, rule]).apply("noarch", records).records == {
        "a-1-0.conda": _record(depends=["x", "y"])
    }
    assert PatchSet([rule, update]).apply("noarch", records).records == {
        "a-1-0.conda": _record(depends=["x"])
    }
    assert PatchSet([gone, update, rule]).apply("noarch", records).records == {}
    assert PatchSet([update]).apply("linux-64", records).changed == frozenset()


def test_instructions_of_several_subdirs() -> None:
    content = {
        "noarch": {"patch_instructions_version": 1, "remove": ["a-1-0.conda", "b-c-1-0.conda"]},
        "linux-64": {"packages": {"d-1-0.tar.bz2": {"license": "MIT"}}, "revoke": ["e-1-0.conda"]},
    }
    patch = read_patch(Document("all.json", json.dumps(content).encode()))
    assert patch.kind == "instructions"
    assert patch.candidates("noarch") == {"a", "b-c"}
    assert patch.candidates("linux-64") == {"d", "e"}
    assert patch.candidates("win-64") == frozenset()
    assert patch.describe() == (
        "instructions for linux-64: 1 record, 1 revoked; "
        "instructions for noarch: 0 records, 2 removed"
    )
