"""What the packages of a lock ask of each other."""

from typing import Any

import pytest

from condarium.model.dependency_graph import DependencyGraph
from condarium.model.lock import LockedPackage
from condarium.model.lock_graph import lock_graph, node_names, requirement_name, spec_name


def conda(name: str, *depends: str, version: str = "1.0") -> LockedPackage:
    return LockedPackage(kind="conda", name=name, version=version, url=name, depends=depends)


def wheel(name: str, *requires: str) -> LockedPackage:
    return LockedPackage(kind="pypi", name=name, version="1.0", url=name, depends=requires)


def edges(found: DependencyGraph) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(edge.dependent, edge.package, edge.specs) for edge in found.edges]


def of(*packages: LockedPackage, **other: Any) -> DependencyGraph:
    return lock_graph(packages, **{"platform": "linux-64", **other})


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("numpy", "numpy"),
        ("numpy >=1.26,<3", "numpy"),
        ("NumPy>=2", "numpy"),
        ("numpy[version='>=2']", "numpy"),
        ("conda-forge::numpy=2", "numpy"),
        ("https://conda.example/lab::fit 1.0 py_0", "fit"),
        ("python_abi 3.12.* *_cp312", "python_abi"),
        ("__glibc >=2.17", "__glibc"),
    ],
)
def test_the_name_in_a_matchspec_is_found(spec: str, name: str) -> None:
    assert spec_name(spec) == name


def test_the_name_in_a_requirement_is_found_and_made_normal() -> None:
    assert requirement_name("Py_YAML[x]>=6; python_version > '3'") == "py-yaml"
    assert requirement_name("./folder") is None


def test_conda_packages_ask_for_what_is_locked_and_for_virtual_packages() -> None:
    found = of(conda("a", "b >=1", "b <3", "absent", "__glibc >=2.17"), conda("b"))
    assert edges(found) == [("a", "__glibc", ("__glibc >=2.17",)), ("a", "b", ("b >=1", "b <3"))]


def test_pip_packages_ask_for_pip_packages_and_for_conda_ones() -> None:
    found = of(wheel("httpx", "H11>=0.16", "PyYAML"), wheel("h11"), conda("pyyaml"))
    assert edges(found) == [("httpx", "h11", ("H11 >=0.16",)), ("httpx", "pyyaml", ("PyYAML",))]


def test_a_conda_package_with_another_name_on_pypi_is_found() -> None:
    found = of(wheel("app", "torch>=2"), conda("pytorch"), conda_names={"torch": "pytorch"})
    assert edges(found) == [("app", "pytorch", ("torch >=2",))]


def test_requirements_for_other_machines_and_pythons_are_left_out() -> None:
    app = wheel("app", "win; sys_platform == 'win32'", "old; python_version < '3.11'")
    packages = (app, wheel("win"), wheel("old"), conda("python", version="3.12.4"))
    assert edges(of(*packages)) == []
    assert edges(of(*packages, platform="win-64")) == [("app", "win", ("win",))]


def test_extras_count_where_somebody_asks_for_them() -> None:
    packages = (wheel("httpx", "h2>=3; extra == 'http2'"), wheel("h2"))
    assert edges(of(*packages)) == []
    assert edges(of(*packages, pip=["httpx[http2]"])) == [("httpx", "h2", ("h2 >=3",))]
    by_another = (*packages, wheel("app", "httpx[http2]"))
    assert ("httpx", "h2", ("h2 >=3",)) in edges(of(*by_another))


def test_metadata_that_cannot_be_read_asks_for_nothing() -> None:
    assert edges(of(wheel("old", "thing (>=1.*", "h11"), wheel("h11"))) == [
        ("old", "h11", ("h11",))
    ]


def test_a_name_that_conda_and_pypi_both_have_stays_two() -> None:
    assert set(node_names([wheel("six"), conda("six")])) == {"six", "six (pypi)"}
