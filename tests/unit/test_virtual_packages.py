"""What a platform is taken to have, and who has the last word about it."""

import pytest

from condarium.engine.solving.virtual_packages import (
    BadSystemRequirement,
    host_platform,
    virtual_packages,
)


def foreign(family: str) -> str:
    """A platform of a family that is not the one of this machine."""
    return next(
        each
        for each in (f"{family}-64", f"{family}-aarch64", f"{family}-arm64")
        if each != host_platform()
    )


def texts_of(platform: str, *requirements: tuple[str, str], **environ: str) -> tuple[str, ...]:
    return tuple(str(each) for each in virtual_packages(platform, requirements, environ=environ))


def found(platform: str, *requirements: tuple[str, str], **environ: str) -> dict[str, str]:
    return dict(text.split("=", 1) for text in texts_of(platform, *requirements, **environ))


@pytest.mark.parametrize(
    ("platform", "texts"),
    [
        (
            "linux-ppc64le",
            ("__archspec=1=ppc64le", "__glibc=2.28=0", "__linux=4.18=0", "__unix=0=0"),
        ),
        ("osx-arm64", ("__archspec=1=m1", "__osx=13.0=0", "__unix=0=0")),
        ("win-64", ("__archspec=1=x86_64", "__win=10.0=0")),
        ("noarch", ()),
    ],
)
def test_another_platform_has_documented_defaults(platform: str, texts: tuple[str, ...]) -> None:
    if platform == host_platform():
        pytest.skip("this machine is of that platform")
    assert texts_of(platform) == texts


def test_the_platform_of_this_machine_is_looked_at() -> None:
    from rattler import VirtualPackage

    machine = sorted(str(each.into_generic()) for each in VirtualPackage.detect())
    assert list(texts_of(host_platform())) == machine


def test_the_variables_of_the_process_do_not_matter_only_those_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = texts_of(host_platform())
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "99")
    assert texts_of(host_platform()) == before


@pytest.mark.parametrize("platform", [host_platform(), foreign("linux")])
def test_a_variable_wins_over_machine_and_default(platform: str) -> None:
    if not platform.startswith("linux"):
        pytest.skip("a case for Linux")
    texts = found(
        platform,
        CONDA_OVERRIDE_GLIBC="2.17",
        CONDA_OVERRIDE_CUDA="12.4",
        CONDA_OVERRIDE_ARCHSPEC="x86_64_v3",
    )
    assert texts["__glibc"] == "2.17=0"
    assert texts["__cuda"] == "12.4=0"
    assert texts["__archspec"] == "1=x86_64_v3"


def test_an_empty_variable_takes_a_package_away() -> None:
    texts = found(foreign("linux"), CONDA_OVERRIDE_GLIBC="", CONDA_OVERRIDE_CUDA="")
    assert "__glibc" not in texts
    assert "__cuda" not in texts
    assert "__linux" in texts


def test_a_stated_requirement_wins_over_a_variable_even_an_empty_one() -> None:
    platform, requirements = foreign("linux"), [("glibc", "2.35"), ("cuda", "12.4")]
    texts = found(platform, *requirements, CONDA_OVERRIDE_GLIBC="2.17", CONDA_OVERRIDE_CUDA="")
    assert (texts["__glibc"], texts["__cuda"]) == ("2.35=0", "12.4=0")


def test_cuda_as_an_argument_wins_over_the_one_of_the_spec() -> None:
    packages = virtual_packages(foreign("linux"), [("cuda", "11.8")], "12.4", environ={})
    assert "__cuda=12.4=0" in map(str, packages)


def test_a_platform_has_nothing_of_another_family() -> None:
    requirements = [("glibc", "2.28"), ("cuda", "12.4"), ("win", "10"), ("linux", "5.10")]
    texts = found("osx-arm64", *requirements, CONDA_OVERRIDE_LINUX="5.4", CONDA_OVERRIDE_CUDA="12")
    assert set(texts) == {"__archspec", "__osx", "__unix"}


@pytest.mark.parametrize(
    ("requirements", "environ", "words"),
    [
        ([("cuda", "latest")], {}, "system-requirements, cuda: found 'latest'"),
        ([("cuda", "12.4 *")], {}, "expected a version"),
        ([("cuda", "")], {}, "expected a version"),
        ([("gpu", "1")], {}, "expected one of archspec, cuda"),
        ([("archspec", "x86-64 v3")], {}, "a microarchitecture"),
        ([], {"CONDA_OVERRIDE_CUDA": ">=12"}, "CONDA_OVERRIDE_CUDA: found '>=12'"),
    ],
)
def test_what_is_no_version_is_said_with_its_place(
    requirements: list[tuple[str, str]], environ: dict[str, str], words: str
) -> None:
    with pytest.raises(BadSystemRequirement) as caught:
        virtual_packages("linux-64", requirements, environ=environ)
    assert words in caught.value.message
