"""Names of environments and namespaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condarium.errors import BadName
from condarium.model.names import EnvironmentName, check_namespace

part = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9_.\-]{0,63}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "namespace", "name"),
    [
        ("fit", "default", "fit"),
        ("lab/fit", "lab", "fit"),
        ("default/fit", "default", "fit"),
        ("a/b", "a", "b"),
        ("Lab-2.x/fit_1.0-rc.1", "Lab-2.x", "fit_1.0-rc.1"),
        ("_/_", "_", "_"),
        (f"{'n' * 64}/{'m' * 64}", "n" * 64, "m" * 64),
    ],
)
def test_a_name_is_read(text: str, namespace: str, name: str) -> None:
    assert EnvironmentName.parse(text) == EnvironmentName(namespace, name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "lab/",
        "/fit",
        "lab/fit/1",
        "lab//fit",
        ".",
        "..",
        "lab/..",
        "../fit",
        ".hidden",
        "lab/.hidden",
        "-rf",
        "lab/-rf",
        "a b",
        "a\\b",
        "a\0b",
        "fit\n",
        "naïve",
        "ﬁt",
        "lab:fit",
        "~",
        "$HOME",
        "n" * 65,
        f"lab/{'n' * 65}",
    ],
)
def test_what_is_no_name_is_refused_and_told_what_one_is(text: str) -> None:
    with pytest.raises(BadName) as caught:
        EnvironmentName.parse(text)
    assert repr(text) in caught.value.message
    assert "NAMESPACE/NAME" in (caught.value.hint or "")


@given(part, part)
def test_a_name_is_read_as_it_was_written(namespace: str, name: str) -> None:
    wanted = EnvironmentName(namespace, name)
    assert EnvironmentName.parse(str(wanted)) == wanted


@given(st.text())
def test_a_name_never_leads_out_of_its_folder(text: str) -> None:
    try:
        name = EnvironmentName.parse(text)
    except BadName:
        return
    for each in (name.namespace, name.name):
        assert each
        assert not each.startswith((".", "-"))
        assert not set(each) & set("/\\\0\n ")


@pytest.mark.parametrize("text", ["", "a/b", ".a", "..", "a b", "lab\n", "n" * 65])
def test_what_is_no_namespace_is_refused(text: str) -> None:
    with pytest.raises(BadName):
        check_namespace(text)


def test_a_namespace_is_given_back() -> None:
    assert check_namespace("lab-1.x") == "lab-1.x"
