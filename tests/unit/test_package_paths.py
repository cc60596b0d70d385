"""Paths and links within a package, against what a file system does with them."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from condarium.channels.validation.paths import inside, normal_path
from condarium.channels.validation.refusal import Fault

_parts = st.lists(st.sampled_from(["a", "b", "..", ".", ""]), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("text", "path"),
    [("a/b", "a/b"), ("./a", "a"), ("./", ""), (".", ""), ("a b/..c", "a b/..c"), ("c:x", "c:x")],
)
def test_a_path_is_written_in_one_way(text: str, path: str) -> None:
    assert normal_path(text) == path


@given(_parts.map("/".join))
def test_a_path_that_is_let_through_is_normal(text: str) -> None:
    try:
        path = normal_path(text)
    except Fault:
        return
    assert path == "" or (os.path.normpath(path) == path and not path.startswith(("/", "..")))


_link = st.tuples(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4).map("/".join),
    st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=5).map("/".join),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.lists(_link, min_size=1, max_size=4, unique_by=lambda link: link[0]))
def test_no_link_leads_out_as_a_file_system_follows_it(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[str, str]]
) -> None:
    links = dict(made)
    parents = {parent for path in links for parent in map(str, Path(path).parents)}
    if parents & links.keys() or not all(inside(*link, links) for link in made):
        return
    root = tmp_path_factory.mktemp("package").resolve()
    for path, target in made:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)
    for path in links:
        end = Path(os.path.realpath(root / path))
        assert end == root or root in end.parents
