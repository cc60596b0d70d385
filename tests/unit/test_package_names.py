"""Names of package files (CEP 26)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condarium.model.package import BadPackageName, PackageFileName


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("numpy-1.26.4-py311h0_0.conda", ("numpy", "1.26.4", "py311h0_0")),
        ("ca-certs-2024.2.2-h0_0.tar.bz2", ("ca-certs", "2024.2.2", "h0_0")),
        ("_libgcc_mutex-0.1-conda_forge.tar.bz2", ("_libgcc_mutex", "0.1", "conda_forge")),
        ("r-base-1!4.3+x-0.conda", ("r-base", "1!4.3+x", "0")),
        ("font-ttf-hack-3-h0.conda", ("font-ttf-hack", "3", "h0")),
        ("zope.interface-5-A.b+c_0.conda", ("zope.interface", "5", "A.b+c_0")),
        (f"{'a' * 64}-{'1' * 64}-{'h' * 64}.conda", ("a" * 64, "1" * 64, "h" * 64)),
        ("a-1-0.conda", ("a", "1", "0")),
    ],
)
def test_a_file_name_is_read(text: str, parts: tuple[str, str, str]) -> None:
    found = PackageFileName.parse(text)
    assert (found.name, found.version, found.build) == parts
    assert str(found) == text
    assert found.stem + found.suffix == text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "file-suffix"),
        ("a-1-0.CONDA", "file-suffix"),
        ("a-1-0.conda.part", "file-suffix"),
        (".conda", "file-name-parts"),
        ("a-1.conda", "file-name-parts"),
        ("-1-0.conda", "package-name"),
        ("A-1-0.conda", "package-name"),
        ("a_-_b-1-0.conda", "package-name"),
        ("__glibc-2-0.conda", "package-name"),
        ("a/b-1-0.conda", "package-name"),
        ("..-1-0.conda", "package-name"),
        ("\u00e4-1-0.conda", "package-name"),
        ("a\n-1-0.conda", "package-name"),
        ("a--0.conda", "package-version"),
        ("a-1.0RC1-0.conda", "package-version"),
        ("a-1\n-0.conda", "package-version"),
        ("a-1-.conda", "package-build"),
        ("a-1-0\n.conda", "package-build"),
        ("a-1-\u0663.conda", "package-build"),
        (f"{'a' * 65}-1-0.conda", "package-name"),
        (f"{'a' * 300}-1-0.conda", "file-name-length"),
    ],
)
def test_another_name_is_refused_by_its_rule(text: str, rule: str) -> None:
    with pytest.raises(BadPackageName) as refused:
        PackageFileName.parse(text)
    assert refused.value.rule == rule


@given(st.text(alphabet="ab1-._/\n\0A", max_size=30))
def test_a_name_that_is_read_is_its_own_path(text: str) -> None:
    try:
        found = PackageFileName.parse(f"{text}.conda")
    except BadPackageName:
        return
    assert str(found) == f"{text}.conda"
    assert not set(str(found)) & {"/", "\n", "\0"}
