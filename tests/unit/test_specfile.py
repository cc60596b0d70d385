"""environment.yml: what is read, and how problems are told."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.specs import all_words, depends, piplist, read, refusal, spec_of

from condarium.errors import BadSpec
from condarium.model.spec import EnvironmentSpec, SpecReading, spec_digest_text
from condarium.model.specfile import decode


def test_all_problems_of_a_file_are_told_at_once_in_its_order() -> None:
    error = refusal(
        "name: my env\nplatforms: [linux]\ndependencies:\n  - numpy==>1\n  - scipy\n  - 3.10\n"
    )
    assert [problem.line for problem in error.problems] == [1, 2, 4, 6]
    assert error.message.count("environment.yml:") == 4
    assert "Did you mean 'linux-64'?" in error.message
    assert error.hint is None


def test_one_problem_carries_its_parts_as_data() -> None:
    error = refusal("channels: [x]\ndependencies:\n  - numpy>>1\n")
    assert (error.source, error.line, error.column) == ("environment.yml", 3, 5)
    assert error.found == "'numpy>>1'"
    assert error.expected == "a conda MatchSpec such as 'numpy >=1.26,<2'"
    assert error.code == "bad-spec"


def test_a_secret_in_a_bad_line_is_not_shown() -> None:
    error = refusal("channels: ['https://me:hunter2@h/t/s3cr3t/c, x']\ndependencies: []\n")
    assert "hunter2" not in all_words(error)
    assert "s3cr3t" not in all_words(error)


FULL = """
name: fit
channels:
  - conda-forge
  - https://conda.example/lab
  - nodefaults
platforms: [linux-64, osx-arm64]
system-requirements:
  cuda: 12.10
  macos: "13.0"
dependencies:
  - python =3.12
  - conda-forge::numpy >=1.26,<2   # an ordinary comment
  - libblas=*=*openblas
  - pip
  - pip:
      - --extra-index-url https://pypi.example/simple
      - rich[jupyter] >=13 ; python_version < "3.14"
      - mine @ https://h.example/mine-1.0-py3-none-any.whl
variables:
  OMP_NUM_THREADS: 1
  DEBUG: yes
  VERSION: 3.10
  EMPTY: ""
category: dev
prefix: /somewhere/else
"""


def test_every_part_of_a_spec_is_read_as_it_was_written() -> None:
    assert read(FULL) == SpecReading(
        spec=EnvironmentSpec(
            name="fit",
            channels=("conda-forge", "https://conda.example/lab"),
            nodefaults=True,
            platforms=("linux-64", "osx-arm64"),
            system_requirements=(("cuda", "12.10"), ("osx", "13.0")),
            dependencies=(
                "python =3.12",
                "conda-forge::numpy >=1.26,<2",
                "libblas=*=*openblas",
                "pip",
            ),
            pip=(
                'rich[jupyter] >=13 ; python_version < "3.14"',
                "mine @ https://h.example/mine-1.0-py3-none-any.whl",
            ),
            pip_options=("--extra-index-url=https://pypi.example/simple",),
            variables=(
                ("OMP_NUM_THREADS", "1"),
                ("DEBUG", "yes"),
                ("VERSION", "3.10"),
                ("EMPTY", ""),
            ),
        )
    )


@pytest.mark.parametrize(
    "matchspec",
    [
        "numpy",
        "numpy=1.26",
        "numpy 1.26.*",
        "numpy >= 1.2, < 2",
        "numpy~=1.2",
        "numpy =1.11.*=*nomkl*",
        "numpy[version='>=1']",
        "numpy 1.2|1.3",
        "numpy 1.11 py27_0",
        "conda-forge/linux-64::numpy",
        "https://conda.example/lab::numpy",
        "pytorch>=2.7.0=cuda12*",
        "r-rstac>=0.9.1_5",
        "_libgcc_mutex",
        "__glibc >=2.28",
        "7zip",
        "'numpy >=1.2 # in quotes'",
    ],
)
def test_a_matchspec_as_conda_accepts_it_is_read(matchspec: str) -> None:
    assert spec_of(depends(matchspec)).dependencies == (matchspec.strip("'"),)


@pytest.mark.parametrize(
    ("item", "option"),
    [
        ("-i https://h/simple", "--index-url=https://h/simple"),
        ("-ihttps://h/simple", "--index-url=https://h/simple"),
        ("--index-url=https://h/simple", "--index-url=https://h/simple"),
        ("-f https://h/wheels", "--find-links=https://h/wheels"),
        ("--pre", "--pre"),
        ("--no-binary numpy", "--no-binary=numpy"),
        ("--only-binary=:all:", "--only-binary=:all:"),
    ],
)
def test_an_option_of_pip_is_kept_in_one_form(item: str, option: str) -> None:
    assert spec_of(piplist(f'"{item}"')).pip_options == (option,)


def test_pip_needs_a_python_or_what_always_brings_one() -> None:
    assert spec_of("dependencies:\n  - pip\n  - pip: [rich]\n").pip == ("rich",)
    assert spec_of("dependencies:\n  - conda-forge::python=3.12\n  - pip: [rich]\n").pip == (
        "rich",
    )
    assert spec_of("dependencies:\n  - zlib\n  - pip: []\n").pip == ()


def test_two_pip_lists_are_put_together_with_a_warning() -> None:
    reading = read("dependencies:\n  - python\n  - pip: [rich]\n  - pip: [httpx]\n")
    assert reading.spec.pip == ("rich", "httpx")
    assert reading.warnings[0].startswith("environment.yml:4:5: a second 'pip:' list")


def test_an_unknown_key_has_no_effect_but_a_warning() -> None:
    reading = read("dependencies: []\nauthor: somebody\n")
    assert reading.warnings == (
        "environment.yml:2:1: the key 'author' is not known and has no effect",
    )


def test_a_secret_in_a_channel_gets_a_warning_that_does_not_show_it() -> None:
    reading = read("channels: ['https://me:hunter2@h/c']\ndependencies: []\n")
    assert reading.spec.channels == ("https://me:hunter2@h/c",)
    assert "password" in reading.warnings[0]
    assert "hunter2" not in reading.warnings[0]


def test_a_name_that_a_store_cannot_have_gets_a_warning() -> None:
    assert "c++" in read("name: c++\ndependencies: []\n").warnings[0]


def test_aliases_and_merge_keys_are_resolved() -> None:
    spec = spec_of(
        "x-numpy: &np numpy >=1\nx-env: &env {A: a, B: b}\ndependencies: [*np]\n"
        "variables:\n  <<: *env\n  B: c\n"
    )
    assert spec.dependencies == ("numpy >=1",)
    assert dict(spec.variables) == {"A": "a", "B": "c"}


def test_a_mapping_that_merges_itself_comes_to_an_end() -> None:
    spec = spec_of("dependencies: []\nvariables: &v\n  A: a\n  <<: *v\n")
    assert spec.variables == (("A", "a"),)


def test_what_is_given_twice_is_kept_once() -> None:
    spec = spec_of("channels: [a, b, a]\ndependencies: [git, git]\nplatforms: [osx-64, osx-64]\n")
    assert (spec.channels, spec.dependencies, spec.platforms) == (("a", "b"), ("git",), ("osx-64",))


def test_line_ends_and_byte_order_marks_make_no_difference() -> None:
    expected = spec_of(FULL)
    assert spec_of("\ufeff" + FULL.replace("\n", "\r\n")) == expected
    assert spec_of(decode(b"\xef\xbb\xbf" + FULL.encode())) == expected
    assert spec_of(decode(FULL.encode("utf-16"))) == expected


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines_are_counted_alike_with_both_line_ends(newline: str) -> None:
    text = depends("numpy", "scipy", "a==>1", "b # [win]").replace("\n", newline)
    assert [problem.line for problem in refusal(text).problems] == [4, 5]


def test_a_comment_in_brackets_that_is_no_selector_is_only_a_comment() -> None:
    assert spec_of(depends("numpy # [see issue 3]")).dependencies == ("numpy",)


def test_bytes_that_are_not_utf8_are_refused_at_their_place() -> None:
    with pytest.raises(BadSpec) as caught:
        decode(b"name: x\n# caf\xe9\n", "env.yml")
    assert (caught.value.line, caught.value.column) == (2, 6)
    assert "env.yml:2:6: found the byte 0xe9" in caught.value.message
    assert "UTF-8" in (caught.value.hint or "")


LINES = """\
name: x
channels:
  - conda-forge
dependencies:
  - numpy
  - pip:
      - rich
      - git+https://x
  - -e .
:
-
  -
variables:
  A: b
platforms: [linux-64]
system-requirements:
  cuda: 12
\t
{{ x }}
<<: *a
? [a]
&a
*a
  - &a
  - *a
'
"
[
{
}
]
!!int x
---
%
@
#
""".splitlines()


def outcome(text: str) -> SpecReading | BadSpec:
    """Anything else that is raised fails the test."""
    try:
        return read(text)
    except BadSpec as error:
        return error


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(LINES), max_size=12).map("\n".join)))
def test_any_text_is_read_or_refused_and_nothing_else_happens(text: str) -> None:
    result = outcome(text)
    if isinstance(result, SpecReading):
        assert json.loads(spec_digest_text(result.spec))
    else:
        assert 1 <= result.line <= len(text.splitlines()) + 1


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30).map(json.dumps))
def test_any_item_is_read_or_refused_and_nothing_else_happens(item: str) -> None:
    for result in (outcome(depends(item)), outcome(piplist(item))):
        assert isinstance(result, SpecReading) or result.problems


@given(st.permutations(["a", "b >=1", "c"]), st.permutations(["linux-64", "osx-64"]))
def test_the_order_of_dependencies_and_platforms_does_not_change_the_question(
    dependencies: list[str], platforms: list[str]
) -> None:
    spec = EnvironmentSpec(dependencies=("a", "b >=1", "c"), platforms=("linux-64", "osx-64"))
    other = EnvironmentSpec(dependencies=tuple(dependencies), platforms=tuple(platforms))
    assert spec_digest_text(spec) == spec_digest_text(other)


def test_what_changes_a_solve_changes_the_question_and_the_rest_does_not() -> None:
    spec = EnvironmentSpec(channels=("a", "b"), dependencies=("x",), pip=("y",))
    text = spec_digest_text(spec)
    for same in (replace(spec, name="n"), replace(spec, variables=(("A", "b"),))):
        assert spec_digest_text(same) == text
    for other in (
        replace(spec, channels=("b", "a")),
        replace(spec, nodefaults=True),
        replace(spec, dependencies=("x >=1",)),
        replace(spec, pip=()),
        replace(spec, pip_options=("--pre",)),
        replace(spec, platforms=("win-64",)),
        replace(spec, system_requirements=(("cuda", "12"),)),
    ):
        assert spec_digest_text(other) != text


REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "environment-yml.md"


def test_every_example_of_the_reference_is_read_without_a_warning() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", REFERENCE.read_text("utf-8"), re.DOTALL)
    assert len(examples) >= 2
    assert [read(example).warnings for example in examples] == [()] * len(examples)
