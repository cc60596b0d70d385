"""The name of a prefix: stable, short, and another one for other contents."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condarium.environments.prefixes import PrefixSpec
from condarium.model.lock import LockedPackage
from condarium.settings import Settings
from condarium.storage.layout import Layout

PYTHON = LockedPackage(
    kind="conda",
    name="python",
    version="3.12.1",
    build="h1_0",
    subdir="linux-64",
    channel="https://conda.example/main/",
    url="https://conda.example/main/linux-64/python-3.12.1-h1_0.conda",
    sha256="a" * 64,
    md5="b" * 32,
    size=30_000_000,
    depends=("libc",),
)
RICH = LockedPackage(
    kind="pypi",
    name="rich",
    version="14.0",
    url="https://pypi.example/rich-14.0-py3-none-any.whl",
    sha256="c" * 64,
)
SPEC = PrefixSpec(lock="d" * 64, platform="linux-64", packages=(PYTHON, RICH))


def test_the_id_of_a_prefix_is_the_same_in_every_release() -> None:
    """A change of this value orphans every prefix of every store."""
    assert SPEC.id == "i7bv3bwqcnv5o5lu"
    assert replace(SPEC, variables=(("A", "1"),), link_scripts=True).id == "3gv35ey4e56xur6w"


@pytest.mark.parametrize(
    "change",
    [
        {"lock": "e" * 64},
        {"packages": (RICH, PYTHON)},
        {"packages": (replace(PYTHON, depends=(), size=1, channel="", md5=None), RICH)},
    ],
)
def test_what_does_not_change_the_contents_does_not_change_the_id(change: dict[str, Any]) -> None:
    assert replace(SPEC, **change).id == SPEC.id


def test_variables_count_whatever_their_order() -> None:
    one = replace(SPEC, variables=(("A", "1"), ("B", "2")))
    assert one.id == replace(SPEC, variables=(("B", "2"), ("A", "1"))).id
    assert one.id != SPEC.id


@pytest.mark.parametrize(
    "change",
    [
        {"platform": "osx-arm64"},
        {"packages": (PYTHON,)},
        {"packages": (replace(PYTHON, version="3.12.2"), RICH)},
        {"packages": (replace(PYTHON, build="h2_0"), RICH)},
        {"packages": (replace(PYTHON, sha256="f" * 64), RICH)},
        {"packages": (replace(PYTHON, url="https://other.example/python.conda"), RICH)},
        {"packages": (PYTHON, replace(RICH, kind="conda"))},
        {"variables": (("A", "1"),)},
        {"link_scripts": True},
    ],
)
def test_what_changes_the_contents_changes_the_id(change: dict[str, Any]) -> None:
    assert replace(SPEC, **change).id != SPEC.id


def test_packages_without_hashes_are_told_apart_by_their_url() -> None:
    bare = replace(PYTHON, sha256=None, md5=None)
    other = replace(bare, url="https://other.example/python.conda")
    assert replace(SPEC, packages=(bare, other)).id == replace(SPEC, packages=(other, bare)).id


@given(st.permutations([PYTHON, RICH, replace(PYTHON, name="pip"), replace(RICH, name="attrs")]))
def test_the_order_of_packages_does_not_count(packages: list[LockedPackage]) -> None:
    expected = replace(SPEC, packages=sorted(packages, key=lambda each: each.name))
    assert replace(SPEC, packages=packages).id == expected.id


def test_an_id_is_sixteen_characters_that_every_file_system_keeps_apart() -> None:
    assert len(SPEC.id) == 16
    assert SPEC.id == SPEC.id.lower()
    assert SPEC.id.isalnum()


@pytest.mark.parametrize(
    "environ",
    [
        {"HOME": "/home/ada.lovelace"},
        {"HOME": "/home/ada.lovelace@analytical-engines.example"},
        {"HOME": "/Users/ada.lovelace"},
        {"HOME": "/home/ada", "CONDARIUM_STORE": "/srv/shared/data-science/condarium"},
    ],
)
def test_a_prefix_in_a_store_at_a_usual_place_has_a_short_path(environ: dict[str, str]) -> None:
    """Text and binaries embed it, and a script's first line may hold 127 characters."""
    path = Layout(Settings.read(environ).store).prefix(SPEC.id)
    assert len(str(path / "bin" / "python3.12")) < 127
    if "@" not in environ["HOME"]:
        assert len(str(path)) < 80


def test_a_prefix_lies_beside_the_packages() -> None:
    layout = Layout(Path("/srv/condarium"))
    assert layout.prefix("abc") == Path("/srv/condarium/prefixes/abc")
    assert layout.packages.parent == layout.prefixes.parent
