"""Versions are ordered as rattler orders them: all real ones, and those that conda documents."""

import itertools
import random

import pytest
from rattler import Version
from tests.support.real_data import SUBDIRS, real_records, why_absent

from condarium.model.version_order import compare_versions, is_version

# Each line in ascending order; a space separates versions, and = equal ones.
ORDERS = [
    "0.4=0.4.0 0.4.1.rc=0.4.1.RC 0.4.1 0.5a1 0.5b3 0.5C1 0.5 0.9.6 0.960923 1.0",
    "1.1dev1 1.1_ 1.1a1 1.1.0dev1=1.1.dev1 1.1.a1 1.1.0rc1 1.1.0=1.1 1.1.0post1=1.1.post1",
    "1.1.post1 1996.07.12 1!0.4.1 1!3.1.1.6 2!0.4.1",
    "1.0.1dev 1.0.1_ 1.0.1a 1.0.1b 1.0.1 1.0.1post.a 1.0.1post.za 1.0.1post.zb",
    "1.0+a 1.0+b 1.0=1.0+0 1.0+1=1.0+1.0 1.0+1.0.1 1.0+2",
    "2021a 2021c 2021 2024.1",
]


def _order(left: str, right: str) -> int:
    ours, theirs = Version(left), Version(right)
    return -1 if ours < theirs else 1 if theirs < ours else 0


@pytest.mark.parametrize("line", ORDERS)
def test_documented_orders(line: str) -> None:
    ranked = [(each, rank) for rank, equal in enumerate(line.split()) for each in equal.split("=")]
    for (left, first), (right, second) in itertools.product(ranked, repeat=2):
        assert compare_versions(left, right) == _order(left, right), (left, right)
        assert compare_versions(left, right) == (first > second) - (first < second), (left, right)


@pytest.mark.parametrize("text", ["", "1..2", "1.", ">=1", "a b", "1|2", "1!!2"])
def test_what_is_no_version_still_compares(text: str) -> None:
    assert not is_version(text)
    assert compare_versions(text, "1.0") == -compare_versions("1.0", text)
    assert compare_versions(text, text) == 0


@pytest.mark.data
@pytest.mark.skipif(bool(why_absent()), reason=str(why_absent()))
def test_all_real_versions() -> None:
    versions = {record["version"] for subdir in SUBDIRS for record in real_records(subdir).values()}
    assert all(map(is_version, versions))
    ordered = sorted(versions)
    odd = [each for each in ordered if not each.replace(".", "").isdecimal()]
    chance = random.Random(20)
    pairs = [*itertools.pairwise(ordered), *itertools.product(odd[::4], odd[::5])]
    pairs += [tuple(chance.sample(ordered, 2)) for _ in range(50_000)]
    assert [pair for pair in pairs if compare_versions(*pair) != _order(*pair)] == []
