"""What a person is told about a patch that is not valid: one row for each kind."""

from contextlib import suppress
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from condarium.errors import BadInput
from condarium.model.document import Document
from condarium.model.patches import BadPatch, read_patch


class Bad(NamedTuple):
    kind: str
    text: str
    line: int
    column: int
    words: tuple[str, ...]


def _if(condition: str) -> str:
    return f"if:\n  {condition}\nthen:\n  - add_depends: b\n"


def _then(change: str) -> str:
    return f"if:\n  name: a\nthen:\n  - {change}\n"


RULES = [
    # what is no rule
    Bad("empty", "", 1, 1, ("no rule", "'if:' with conditions")),
    Bad("only comments", "# nothing\n---\n", 1, 1, ("no rule",)),
    Bad("not YAML", "if: {name: a\nthen: []\n", 1, 5, ("never closed", "Close the bracket")),
    Bad("a tab", "if:\n\tname: a\n", 2, 1, ("a tab", "two spaces")),
    Bad("not UTF-8", "if: \udcff", 1, 5, ("0xff", "Save the file as UTF-8")),
    Bad("a text", "hello\n", 1, 1, ("'hello'", "a rule", "'---'")),
    Bad("a list of rules", "- if: {name: a}\n", 1, 1, ("a list", "line with '---'")),
    Bad("no then", "if:\n  name: a\n", 1, 1, ("without 'then:'",)),
    Bad("no if in the second", _if("name: a") + "---\nthen:\n- add_depends: b", 6, 1, ("'if:'",)),
    Bad("another key", "if:\n  name: a\nthen:\n- add_depends: b\nelse: 1", 5, 1, ("'else'",)),
    Bad("deep nesting", "if: " + "[" * 60, 1, 54, ("deep", "a patch")),
    # conditions
    Bad("no condition", "if: {}\nthen:\n- add_depends: b\n", 1, 5, ("'name: numpy'",)),
    Bad("unknown condition", _if("nam: a"), 2, 3, ("'nam'", "Did you mean 'name:'?")),
    Bad("unknown, negated", _if("not_has_depend: a"), 2, 3, ("Did you mean 'not_has_depends:'?",)),
    Bad("condition twice", _if("name: a\n  name: b"), 3, 3, ("second time", "Put both into one")),
    Bad("condition on null", _if("name:"), 2, 8, ("nothing", "a text")),
    Bad("condition on a bool", _if("name: yes"), 2, 9, ("true or false", "quotes")),
    Bad("condition on a date", _if("version: 2024-01-01"), 2, 12, ("the date", "quotes")),
    Bad("1.10 without quotes", _if("version: 1.10"), 2, 12, ("the number 1.10", "quotes")),
    Bad("1.10 in a list", _if("version_in: [1.9, 1.10]"), 2, 21, ("1.10", "quotes")),
    Bad("list for one", _if("name: [a, b]"), 2, 9, ("a list", "one text")),
    Bad("empty list", _if("name_in: []"), 2, 12, ("an empty list",)),
    Bad("mapping in a list", _if("name_in: [{a: b}]"), 2, 13, ("a mapping", "one text")),
    Bad("no version", _if("version_lt: '>=2'"), 2, 15, ("'>=2'", "a version such as")),
    Bad("pattern compared", _if("version_lt: '2.*'"), 2, 15, ("'2.*'", "version_in:")),
    Bad("text compared", _if("name_lt: b"), 2, 12, ("compares texts", "'name_in:'")),
    Bad("no number", _if("build_number_lt: two"), 2, 20, ("'two'", "a whole number")),
    Bad("seconds", _if("timestamp_lt: 1633470721"), 2, 17, ("seconds", "Write 1633470721000")),
    # changes
    Bad("no list", "if:\n  name: a\nthen:\n  add_depends: b\n", 4, 3, ("a list of changes", "'- ")),
    Bad("empty list of changes", "if: {name: a}\nthen: []", 2, 7, ("an empty list",)),
    Bad("change without a key", _then("add_depends"), 4, 5, ("'add_depends'", "a change:")),
    Bad("unknown change", _then("tigten_depends: {}"), 4, 5, ("Did you mean 'tighten_depends:'",)),
    Bad("adding nothing", _then("add_depends: []"), 4, 18, ("an empty list",)),
    Bad("adding an empty text", _then("add_depends: ''"), 4, 18, ("an empty text", "a text")),
    Bad("adding no dependency", _then("add_depends: '>=2'"), 4, 18, ("begins with a name",)),
    Bad("unknown field", _then("add_depends: b ${versoin}"), 4, 18, ("${versoin}", "next_version")),
    Bad("old where there is none", _then("add_depends: b ${old}"), 4, 18, ("${old}", "'new:'")),
    Bad("lone dollar", _then("add_depends: b $ 1"), 4, 18, ("'$' without a field", "'$$'")),
    Bad("replace without new", _then("replace_depends: {old: b}"), 4, 22, ("no new",)),
    Bad("replace by a text", _then("replace_depends: b"), 4, 22, ("'b'", "old and new")),
    Bad("unknown key", _then("rename_depends: {old: b, new: c, to: d}"), 4, 38, ("'to'",)),
    Bad("no bound", _then("tighten_depends: {name: b}"), 4, 22, ("no bound", "max_pin: x.x")),
    Bad("bound with a0", _then("tighten_depends: {name: b, upper_bound: 2a0}"), 4, 45, ("'2a0'",)),
    Bad("pin of numbers", _then("loosen_depends: {name: b, max_pin: 1.2}"), 4, 40, ("x.x",)),
    Bad("bound to relax", _then("relax_exact_depends: {name: b, upper_bound: '2'}"), 4, 36, ()),
]

_P = '{"packages": {'
INSTRUCTIONS = [
    Bad("not JSON", '{"packages": {,}}', 1, 15, ("not JSON", "Check commas")),
    Bad("NaN", '{"packages": {"a-1-0.conda":\n{"x": NaN}}}', 2, 7, ("NaN is no number",)),
    Bad("a list", "[1]", 1, 1, ("a list", "an object with packages")),
    Bad("unknown key", '{"packages": {},\n "removed": []}', 2, 2, ("'removed'", "'remove'")),
    Bad("another version", '{"patch_instructions_version": 2}', 1, 2, ("version 2", "version 1")),
    Bad("list of packages", '{"packages": []}', 1, 2, ("an empty list", "file name →")),
    Bad("no file name", _P + '"numpy": {}}}', 1, 15, ("'numpy'", "artifact_in")),
    Bad("a path", _P + '"noarch/a-1-0.conda": {}}}', 1, 15, ("name-version-build.conda",)),
    Bad("wrong place", '{"packages.conda": {"a-1-0.tar.bz2": {}}}', 1, 21, ("under 'packages'",)),
    Bad("null for a file", _P + '"a-1-0.conda": null}}', 1, 15, ("null", "'remove'")),
    Bad("text of depends", _P + '"a-1-0.conda": {"depends": "b"}}}', 1, 31, ("a list of texts",)),
    Bad("numbers", _P + '"a-1-0.conda":\n{"constrains": [1]}}}', 2, 2, ("list of texts, or null",)),
    Bad("remove a text", '{"remove": "a-1-0.conda"}', 1, 2, ("a list of file names",)),
    Bad("revoke no file", '{"revoke": ["a-1-0.conda",\n"a"]}', 2, 1, ("'a'",)),
    Bad("unknown subdir", '{"linux-64": {}, "linux-46": {}}', 1, 18, ("'linux-46'", "'linux-64'")),
    Bad("subdir of a list", '{"noarch": []}', 1, 2, ("list",)),
    Bad("key twice", '{"remove": [],\n "remove": []}', 2, 2, ("a second time",)),
    *(
        Bad(f"change of {key}", _P + f'"a-1-0.conda": {{"{key}": 1}}}}}}', 1, 31, (key, "never"))
        for key in (
            *("name", "version", "build", "subdir", "md5", "sha256", "size"),
            *("legacy_bz2_md5", "legacy_bz2_size", "indexed_timestamp"),
        )
    ),
]


def _refusal(name: str, bad: Bad, subdir: str | None) -> BadPatch:
    with pytest.raises(BadPatch) as caught:
        read_patch(Document(name, bad.text.encode("utf-8", "surrogateescape")), subdir=subdir)
    error = caught.value
    assert isinstance(error, BadInput)
    assert (error.line, error.column) == (bad.line, bad.column), error.message
    said = f"{error.message} {error.hint}"
    assert said.startswith(f"{name}:{bad.line}:{bad.column}: found ")
    assert [word for word in bad.words if word not in said] == [], said
    return error


@pytest.mark.parametrize("bad", RULES, ids=lambda bad: bad.kind)
def test_refused_rules(bad: Bad) -> None:
    _refusal("fix.yaml", bad, None)


@pytest.mark.parametrize("bad", INSTRUCTIONS, ids=lambda bad: bad.kind)
def test_refused_instructions(bad: Bad) -> None:
    _refusal("patch_instructions.json", bad, "linux-64")


def test_instructions_need_a_subdir_and_rules_have_it_in_themselves() -> None:
    missing = Bad("", '{"packages": {}}', 1, 1, ("without a subdir", "Say the subdir"))
    _refusal("patch_instructions.json", missing, None)
    given = Bad("", _if("name: a"), 1, 1, ("rules, given for noarch", "'subdir_in: noarch'"))
    _refusal("fix.yaml", given, "noarch")


@given(st.sampled_from([*RULES, *INSTRUCTIONS]), st.data())
@settings(deadline=None)
def test_no_damage_to_a_patch_breaks_its_reader(bad: Bad, data: st.DataObject) -> None:
    content = bad.text.encode("utf-8", "surrogateescape")
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 8)))
    with suppress(BadPatch):
        read_patch(Document("p", content[:start] + data.draw(_damage) + content[end:]))


_damage = st.one_of(
    st.binary(max_size=4),
    st.sampled_from(["null", "- ", "{", "[", ": ", '"', "\n", "&a ", "*a", "---\n"]).map(
        str.encode
    ),
    st.sampled_from(["!!python/object:os.system ", "!!int ", "!!float x", "? "]).map(str.encode),
)


def test_all_problems_are_said_at_once() -> None:
    text = "if:\n  nam: a\n  version: 1.10\nthen:\n  - ad_depends: b\n  - remove_depends:\n"
    error = _refusal("fix.yaml", Bad("", text, 2, 3, ("Did you mean",)), None)
    assert [problem.line for problem in error.problems] == [2, 3, 5, 6]
