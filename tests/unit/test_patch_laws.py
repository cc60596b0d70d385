"""Laws of patches, on rules and records that hypothesis makes.

Numbers have one digit, so that they are in the same order as texts (see `naive_patches`).
"""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.naive_patches import patch_naively
from tests.support.patches import instructions_between, rules

from condarium.model.document import Document
from condarium.model.patches import Patch, PatchSet, Record, read_patch

NAMES = ("fit", "grid", "mesh", "mesh-io")
SUBDIRS = ("linux-64", "noarch")
names = st.sampled_from(NAMES)
digits = st.integers(0, 8).map(str)
versions = st.lists(digits, min_size=1, max_size=3).map(".".join)
odd_versions = st.builds(str.__add__, versions, st.sampled_from(["", "a1", "rc2", ".post1"]))
numbers = st.integers(0, 3)


def _dependency(name: str) -> st.SearchStrategy[str]:
    bounds = st.builds(
        lambda low, high: f">={low},<{int(high) + 1}.0a0", versions, st.sampled_from("12345678")
    )
    version = st.one_of(bounds, versions, versions.map(">={}".format), versions.map("<{}".format))
    return st.one_of(
        st.just(name),
        version.map(f"{name} {{}}".format),
        version.map(f"{name} {{}} h_*".format),
    )


def _dependencies() -> st.SearchStrategy[list[str]]:
    chosen = st.lists(names, unique=True, max_size=4)
    return chosen.flatmap(lambda few: st.tuples(*map(_dependency, few)).map(list))


@st.composite
def record_sets(draw: st.DrawFn) -> dict[str, Record]:
    drawn = draw(st.lists(st.tuples(names, odd_versions, numbers), unique=True, max_size=6))
    return {
        f"{name}-{version}-h_{number}{draw(st.sampled_from(['.conda', '.tar.bz2']))}": {
            "name": name,
            "version": version,
            "build": f"h_{number}",
            "build_number": number,
            "timestamp": draw(st.integers(1, 9)),
            "depends": draw(_dependencies()),
            **draw(st.fixed_dictionaries({}, optional={"constrains": _dependencies()})),
        }
        for name, version, number in drawn
    }


def _globs() -> st.SearchStrategy[str]:
    return st.builds(
        str.__add__, names, st.sampled_from(["", "?( *)", "*", " >=[0-4]*", " *,<?.0a0", " *"])
    )


def _several(one: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.one_of(one, st.lists(one, min_size=1, max_size=2))


_CONDITIONS: dict[str, st.SearchStrategy[Any]] = {
    "name": st.one_of(names, names.map("{:.3}*".format)),
    "name_in": _several(names),
    "not_name": names,
    "version": versions,
    "not_version_in": _several(versions),
    **{f"version_{how}": odd_versions for how in ("lt", "le", "gt", "ge", "eq", "ne")},
    "build": st.sampled_from(["h_?", "h_1", "*_[02]"]),
    "build_number": numbers,
    "build_number_in": st.lists(numbers, min_size=1),
    **{f"build_number_{how}": numbers for how in ("lt", "ge", "ne")},
    **{f"timestamp_{how}": st.integers(1, 9) for how in ("lt", "le", "gt")},
    "subdir_in": _several(st.sampled_from(SUBDIRS)),
    "not_subdir_in": _several(st.sampled_from(SUBDIRS)),
    "artifact_in": st.builds("{}-{}-h_{}.conda".format, names, versions, numbers),
    **{
        f"{negation}has_{key}": _several(_globs())
        for negation in ("", "not_")
        for key in ("depends", "constrains")
    },
}
_texts = st.one_of(
    names.flatmap(_dependency), names.map("{} <=${{version}}".format), names.map("{}*".format)
)
_pairs = st.builds(
    lambda old, new: {"old": old, "new": new},
    names.map("{}?( *)".format),
    st.one_of(names.flatmap(_dependency), st.just("${old}")),
)
_renames = st.builds(lambda old, new: {"old": old, "new": new}, names, names)
_bounds = st.one_of(
    st.builds(lambda name, pin: {"name": name, "max_pin": pin}, names, st.sampled_from(["x"])),
    st.builds(lambda name, upper: {"name": name, "upper_bound": upper}, names, versions),
)
_CHANGES = {
    **{f"{how}_{key}": _several(_texts) for how in ("add", "reset") for key in ("depends",)},
    "add_constrains": _several(_texts),
    "remove_depends": _several(_globs()),
    "remove_constrains": _several(_globs()),
    "replace_depends": _pairs,
    "replace_constrains": _pairs,
    "rename_depends": _renames,
    "rename_constrains": _renames,
    "relax_exact_depends": names.map(lambda name: {"name": name}),
    "tighten_depends": _bounds,
    "loosen_depends": _bounds,
}


def _one_of(table: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[tuple[str, Any]]:
    keys = st.sampled_from(sorted(table))
    return keys.flatmap(lambda key: st.tuples(st.just(key), table[key]))


_rules = st.fixed_dictionaries(
    {
        "if": st.lists(_one_of(_CONDITIONS), min_size=1, max_size=3).map(dict),
        "then": st.lists(_one_of(_CHANGES).map(lambda each: dict([each])), min_size=1, max_size=3),
    }
)
rule_lists = st.lists(_rules, min_size=1, max_size=5)


def _patch(several: list[dict[str, Any]]) -> Patch:
    return rules("\n---\n".join(json.dumps(each) for each in several).join(["---\n", "\n"]))


@settings(max_examples=50, deadline=None)
@given(rule_lists, record_sets(), st.sampled_from(SUBDIRS))
def test_rules_are_as_applied_one_after_the_other(
    drawn: list[dict[str, Any]], records: dict[str, Record], subdir: str
) -> None:
    before = copy.deepcopy(records)
    expected = patch_naively(drawn, records, subdir, stumbling=False)
    patched = PatchSet([_patch(drawn)]).apply(subdir, records)
    assert patched.records == expected
    assert patched.removed == ()
    assert patched.changed == {file for file in records if records[file] != expected[file]}
    assert records == before


@settings(max_examples=50, deadline=None)
@given(rule_lists, record_sets(), st.sampled_from(SUBDIRS))
def test_where_patches_and_records_are_split_makes_no_difference(
    drawn: list[dict[str, Any]], records: dict[str, Record], subdir: str
) -> None:
    whole = PatchSet([_patch(drawn)]).apply(subdir, records)
    single = PatchSet([_patch([each]) for each in drawn])
    for name in NAMES:
        own = {file: record for file, record in records.items() if record["name"] == name}
        patched = single.apply(subdir, own)
        assert patched.records == {file: whole.records[file] for file in own}
        assert patched.changed == whole.changed & own.keys()


@settings(max_examples=50, deadline=None)
@given(rule_lists, record_sets(), st.sampled_from(SUBDIRS))
def test_nothing_but_candidates_is_touched(
    drawn: list[dict[str, Any]], records: dict[str, Record], subdir: str
) -> None:
    patch = _patch(drawn)
    candidates = patch.candidates(subdir)
    changed = PatchSet([patch]).apply(subdir, records).changed
    assert candidates is None or {records[file]["name"] for file in changed} <= candidates


@settings(max_examples=50, deadline=None)
@given(record_sets(), st.data())
def test_instructions_can_say_every_change(before: dict[str, Record], data: st.DataObject) -> None:
    kept = [file for file in before if data.draw(st.booleans())]
    # A removal also reaches the twin.
    kept = [f for f in kept if not f.endswith(".conda") or _other(f) not in before.keys() - kept]
    after = {f: before[f] | {"depends": data.draw(_dependencies())} for f in kept}
    for file in kept:
        if data.draw(st.booleans()):
            after[file].pop("constrains", None)
            after[file]["extra"] = {"of": data.draw(digits)}
    content = json.dumps(instructions_between(before, after))
    patch = read_patch(Document("p.json", content.encode()), subdir="noarch")
    patched = PatchSet([patch]).apply("noarch", before)
    assert patched.records == after
    assert patched.removed == tuple(sorted(before.keys() - after.keys()))
    gone_or_changed = {*patched.changed, *patched.removed}
    assert {before[file]["name"] for file in gone_or_changed} <= (
        patch.candidates("noarch") or set()
    )


def _other(file: str) -> str:
    return file.removesuffix(".conda") + ".tar.bz2"
