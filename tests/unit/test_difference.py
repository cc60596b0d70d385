"""What differs between two locks."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condarium.model.difference import PackageChange, compare
from condarium.model.lock import Lock, LockedPackage


def package(
    name: str,
    version: str = "1",
    build: str = "0",
    *,
    kind: str = "conda",
    sha256: str | None = None,
    md5: str | None = None,
    channel: str = "here",
) -> LockedPackage:
    return LockedPackage(
        kind=kind,  # type: ignore[arg-type]
        name=name,
        version=version,
        build=build,
        url=f"https://{channel}/{name}-{version}-{build}",
        sha256=sha256,
        md5=md5,
    )


def lock(*packages: LockedPackage, **others: tuple[LockedPackage, ...]) -> Lock:
    platforms = {key.replace("_", "-"): value for key, value in others.items()}
    return Lock(
        channels=(), packages={"linux-64": packages, **platforms} if packages else platforms
    )


def told(changes: tuple[PackageChange, ...]) -> list[tuple[str, str, str | None, str | None]]:
    return [(each.what, each.name, each.before, each.after) for each in changes]


PY = {"kind": "pypi", "build": ""}

CASES: Mapping[str, tuple[Lock | None, Lock, list[tuple[str, str, str | None, str | None]]]] = {
    "nothing": (lock(package("a")), lock(package("a")), []),
    "added": (lock(package("a")), lock(package("a"), package("b")), [("added", "b", None, "1 0")]),
    "removed": (
        lock(package("a"), package("b")),
        lock(package("a")),
        [("removed", "b", "1 0", None)],
    ),
    "another version": (
        lock(package("a", "1")),
        lock(package("a", "2")),
        [("changed", "a", "1 0", "2 0")],
    ),
    "another build": (
        lock(package("a", build="h1")),
        lock(package("a", build="h2")),
        [("changed", "a", "1 h1", "1 h2")],
    ),
    "other bytes under the same name": (
        lock(package("a", sha256="11", channel="one")),
        lock(package("a", sha256="22", channel="two")),
        [("changed", "a", "1 0 (https://one/a-1-0)", "1 0 (https://two/a-1-0)")],
    ),
    "the same bytes from elsewhere": (
        lock(package("a", sha256="11", channel="one")),
        lock(package("a", sha256="11", channel="two")),
        [],
    ),
    "no hash, and from elsewhere": (
        lock(package("a", channel="one")),
        lock(package("a", channel="two")),
        [("changed", "a", "1 0 (https://one/a-1-0)", "1 0 (https://two/a-1-0)")],
    ),
    "the same MD5": (lock(package("a", md5="1")), lock(package("a", md5="1", channel="two")), []),
    "from conda to pip": (
        lock(package("a")),
        lock(package("a", **PY)),
        [("removed", "a", "1 0", None), ("added", "a", None, "1")],
    ),
    "a pip package": (
        lock(package("a", "1", **PY)),
        lock(package("a", "2", **PY)),
        [("changed", "a", "1", "2")],
    ),
    "the first lock": (
        None,
        lock(package("b"), package("a")),
        [
            ("added", "a", None, "1 0"),
            ("added", "b", None, "1 0"),
        ],
    ),
    "by name, whatever the order": (
        lock(package("c"), package("a")),
        lock(package("d"), package("b")),
        [
            ("removed", "a", "1 0", None),
            ("added", "b", None, "1 0"),
            ("removed", "c", "1 0", None),
            ("added", "d", None, "1 0"),
        ],
    ),
    "a platform more": (
        lock(package("a")),
        lock(package("a"), osx_arm64=(package("a"),)),
        [("added", "a", None, "1 0")],
    ),
    "a platform less": (
        lock(package("a"), osx_arm64=(package("a"), package("b"))),
        lock(package("a")),
        [("removed", "a", "1 0", None), ("removed", "b", "1 0", None)],
    ),
    "an empty lock": (lock(), lock(), []),
}


@pytest.mark.parametrize("case", CASES)
def test_changes_are_told(case: str) -> None:
    before, after, expected = CASES[case]
    assert told(compare(before, after)) == expected


def test_changes_are_told_platform_by_platform() -> None:
    before = lock(package("z"), osx_arm64=(package("a"),))
    after = lock(package("z", "2"), osx_arm64=(package("a", "2"),))
    assert [(each.platform, each.name) for each in compare(before, after)] == [
        ("linux-64", "z"),
        ("osx-arm64", "a"),
    ]


packages = st.builds(
    package,
    st.sampled_from("abc"),
    st.sampled_from(["1", "2"]),
    st.sampled_from(["", "h1"]),
    kind=st.sampled_from(["conda", "pypi"]),
    sha256=st.sampled_from([None, "11", "22"]),
    channel=st.sampled_from(["one", "two"]),
)
locks = st.builds(
    lambda by_platform: Lock(channels=(), packages=by_platform),
    st.dictionaries(
        st.sampled_from(["linux-64", "osx-arm64", "noarch"]),
        st.lists(packages, unique_by=lambda each: (each.kind, each.name), max_size=5).map(tuple),
    ),
)


@given(locks)
def test_a_lock_does_not_differ_from_itself(one: Lock) -> None:
    assert compare(one, one) == ()


@given(locks, locks)
def test_the_way_back_is_the_inverse(one: Lock, two: Lock) -> None:
    back = {(each.platform, each.kind, each.name): each for each in compare(two, one)}
    forth = compare(one, two)
    assert len(back) == len(forth)
    for each in forth:
        inverse = back[each.platform, each.kind, each.name]
        assert (inverse.before, inverse.after) == (each.after, each.before)


@given(locks, locks)
def test_each_package_of_a_platform_is_told_at_most_once(one: Lock, two: Lock) -> None:
    keys = [(each.platform, each.kind, each.name) for each in compare(one, two)]
    assert len(keys) == len(set(keys))


@given(locks)
def test_everything_is_added_to_nothing(one: Lock) -> None:
    changes = compare(None, one)
    assert {each.what for each in changes} <= {"added"}
    assert len(changes) == sum(len(each) for each in one.packages.values())
    assert changes == compare(Lock(channels=()), one)


@given(locks, locks, locks)
def test_what_two_steps_leave_alone_their_sum_leaves_alone(
    one: Lock, two: Lock, three: Lock
) -> None:
    touched = {
        (each.platform, each.kind, each.name) for each in (*compare(one, two), *compare(two, three))
    }
    assert {(each.platform, each.kind, each.name) for each in compare(one, three)} <= touched
