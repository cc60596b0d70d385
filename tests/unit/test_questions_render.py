"""How answers about packages look."""

from datetime import UTC, datetime
from typing import Any

from condarium.cli.page import Page
from condarium.cli.render import renderer
from condarium.model.answers import (
    Dependencies,
    Dependents,
    Found,
    FoundPackage,
    Need,
    Reasons,
    Step,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIT = {"source": "lab/fit generation 1", "platform": "linux-64"}


def shown(result: Any, **page: Any) -> list[str]:
    sheet = Page(now=NOW, **page)
    renderer(type(result))(result, sheet)
    return sheet.text().splitlines()


def package(name: str = "numpy", version: str = "2.0", **other: Any) -> FoundPackage:
    values: dict[str, Any] = {
        "build": "py_0",
        "subdir": "linux-64",
        "channel": "https://conda.example/lab/forge",
        "size": 2**20,
        "timestamp": NOW,
    }
    return FoundPackage(name=name, version=version, **{**values, **other})


def found(*packages: FoundPackage, **other: Any) -> Found:
    place = {"source": "https://conda.example/lab/forge", "platform": "linux-64"}
    return Found(spec="numpy", packages=packages, **place, **other)


def need(dependent: str, wanted: str, *specs: str, **other: Any) -> Need:
    values: dict[str, Any] = {"dependent_version": "1", "package_version": "2"}
    return Need(dependent=dependent, package=wanted, specs=specs, **{**values, **other})


def test_one_package_is_a_line_for_each_version() -> None:
    rows = shown(found(package(build="py_1"), package(), package(version="1.0", timestamp=None)))
    assert [" ".join(row.split()) for row in rows] == [
        "VERSION NEWEST BUILD BUILDS CHANNEL SIZE DATE",
        "2.0 py_1 2 lab/forge/linux-64 1.0 MB 2026-03-02",
        "1.0 py_0 1 lab/forge/linux-64 1.0 MB",
    ]


def test_the_same_version_in_two_channels_is_two_lines() -> None:
    assert (
        len(shown(found(package(), package(channel="file:///srv/own"), package(version="1.0"))))
        == 4
    )


def test_one_version_is_a_line_for_each_build() -> None:
    rows = shown(found(package(build="py_1"), package(channel="file:///srv/own")))
    assert [row.split()[:3] for row in rows[1:]] == [
        ["2.0", "py_1", "lab/forge/linux-64"],
        ["2.0", "py_0", "own/linux-64"],
    ]


def test_several_packages_are_a_line_each_with_the_newest_version() -> None:
    rows = shown(found(package(), package(version="1.0"), package("numpydoc")))
    assert [" ".join(row.split()) for row in rows] == [
        "NAME NEWEST VERSIONS BUILDS CHANNEL",
        "numpy 2.0 2 2 lab/forge/linux-64",
        "numpydoc 2.0 1 1 lab/forge/linux-64",
    ]


def test_a_terminal_shows_what_fits_and_counts_the_rest() -> None:
    many = found(*(package(version=f"{number}.0") for number in range(100, 0, -1)))
    assert len(shown(many)) == 101
    lines = shown(many, width=80)
    assert lines[1].startswith("100.0")
    assert lines[-2] == "… and 75 more; --limit N shows the first N"
    assert lines[-1] == "100 versions in https://conda.example/lab/forge (linux-64)"
    assert max(map(len, lines)) <= 80


def test_what_the_caller_left_out_is_counted() -> None:
    lines = shown(found(package(), package(version="1.0"), limit=2, omitted=3), width=80)
    assert "… and 3 more; --limit N shows the first N" in lines
    assert lines[-1].startswith("5 versions in")


def test_dependencies_are_the_words_in_which_they_are_asked_for() -> None:
    answer = Dependencies(
        package=package(constrains=("numpy-base <0a0",)),
        needs=(need("numpy", "libblas", "libblas >=3.9"),),
        tree=False,
        **FIT,
    )
    assert shown(answer) == [
        "numpy 2.0 py_0 (lab/fit generation 1, linux-64) needs",
        "  libblas >=3.9  2",
        "and if one of these is there, it must be",
        "  numpy-base <0a0",
    ]


def test_a_tree_shows_what_a_package_needs_once_and_as_near_as_can_be() -> None:
    answer = Dependencies(
        package=package("app", constrains=("x <1",)),
        needs=(
            need("app", "a", "a"),
            need("app", "b", "b >=2"),
            need("a", "b", "b >=1"),
            need("b", "__glibc", "__glibc >=2.17", package_version=None),
            need("b", "a", "a"),
        ),
        tree=True,
        **FIT,
    )
    assert shown(answer)[1:] == [
        "a 2",
        "└─ b 2  >=1 …",
        "b 2  >=2",
        "├─ __glibc  >=2.17",
        "└─ a 2 …",
    ]


def test_dependents_are_a_table_with_the_words_in_which_they_ask() -> None:
    answer = Dependents(
        package="numpy", version=None, needs=(need("pandas", "numpy", "numpy >=2"),), tree=False,
        **FIT,
    )  # fmt: skip
    assert [row.split() for row in shown(answer)] == [
        ["PACKAGE", "VERSION", "ASKS", "FOR"],
        ["pandas", "1", "numpy", ">=2"],
    ]
    assert shown(answer, width=80)[-1] == (
        "1 package needs numpy in lab/fit generation 1 (linux-64)"
    )


def test_dependents_as_a_tree_lead_to_what_needs_them() -> None:
    answer = Dependents(
        package="c", version="1", needs=(need("b", "c", "c"), need("a", "b", "b >1")), tree=True,
        **FIT,
    )  # fmt: skip
    assert shown(answer)[1:] == ["b 1", "└─ a 1  >1"]


def test_a_package_that_nothing_needs_is_said_to_be_one() -> None:
    answer = Dependents(package="c", version="1", needs=(), tree=False, **FIT)
    assert shown(answer) == ["c 1 (lab/fit generation 1, linux-64) is needed by nothing"]


def step(name: str, *specs: str) -> Step:
    return Step(package=name, version="1", specs=specs)


def reasons(**other: Any) -> Reasons:
    values: dict[str, Any] = {"asked": (), "chains": (), "through": (), "spec": True}
    return Reasons(package="openssl", version="3", **FIT, **{**values, **other})


CHAINS = (
    (step("python", "python =3.12"), step("openssl", "openssl >=3,<4")),
    (step("lab", "lab"), step("curl", "curl >8"), step("openssl", "openssl >=3")),
    (step("lab", "lab"), step("krb5", "krb5"), step("openssl", "openssl")),
)


def test_reasons_are_trees_from_what_was_asked_for() -> None:
    assert shown(reasons(chains=CHAINS, through=("pip",), omitted=2)) == [
        "openssl 3 (lab/fit generation 1, linux-64) is needed by",
        "python 1  asked for: python =3.12",
        "└─ openssl 1  >=3,<4",
        "lab 1  asked for: lab",
        "├─ curl 1  >8",
        "│  └─ openssl 1  >=3",
        "└─ krb5 1",
        "   └─ openssl 1",
        "… and 2 more chains as short as these",
        "through these, also by pip",
    ]


def test_a_package_that_was_asked_for_is_said_to_be_so() -> None:
    head = "openssl 3 (lab/fit generation 1, linux-64) is asked for: openssl =3"
    assert shown(reasons(asked=("openssl =3",))) == [head]
    lines = shown(reasons(asked=("openssl =3",), chains=CHAINS[:1]))
    assert lines[:2] == [head, "and it is needed by"]


def test_a_package_without_reason_is_said_to_have_none() -> None:
    assert shown(reasons())[0].endswith("is needed by nothing that was asked for")
    assert shown(reasons(spec=False))[0].endswith("is needed by nothing")


def test_answers_fit_a_terminal() -> None:
    deep = tuple(step(f"package-with-a-long-name-{n}", "x >=1.2.3,<4") for n in range(12))
    place = {"source": "https://conda.example/" + "x" * 90, "platform": "linux-64"}
    for answer in (
        reasons(chains=(deep,)),
        Dependencies(package=package(), needs=(need("a", "b", "b"),), tree=False, **place),
        Dependents(package="a", version=None, needs=(need("b", "a", "a"),), tree=False, **place),
    ):
        assert max(map(len, shown(answer, width=80))) <= 80
