"""What wheels say, said as conda says it; and the packages that come of them."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version as Pep440
from rattler import MatchSpec, Version, VersionSpec
from rattler.package_streaming import extract
from tests.support.wheels import make_wheel

from condarium.channels.making.requirements import (
    Target,
    dependencies,
    match_spec,
    python_spec,
    same_minors,
    same_systems,
    version_spec,
)
from condarium.channels.making.wheel_archive import BadWheel
from condarium.channels.making.wheels import wheel_to_package
from condarium.engine.packages.packaging import PLACEHOLDER

LINUX = Target(python="3.11", platform="linux-64", full_version="3.11.7")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", ""),
        ("==1.2.3", "==1.2.3"),
        ("==1.2.*", "1.2.*"),
        ("!=1.2", "!=1.2"),
        ("!=1.2.*", "!=1.2.*"),
        ("===1.0.special", "==1.0.special"),
        ("~=1.4.2", ">=1.4.2,1.4.*"),
        ("~=2.2", ">=2.2,2.*"),
        ("~=2.2.post3", ">=2.2.post3,2.*"),
        ("~=1!2.3", ">=1!2.3,1!2.*"),
        ("<2", "<2a0"),
        ("<2.0.0", "<2a0"),
        ("<2.0rc1", "<2.0rc1"),
        ("<1!2.0", "<1!2a0"),
        ("<=2.0", "<=2.0"),
        (">1.7", ">1.7"),
        (">=1.0.dev3", ">=1a0"),
        (">=1.0.post1", ">=1.0.post1"),
        ("==1.0+cpu.1", "==1.0+cpu.1"),
        (">=1.0-beta-2", ">=1.0b2"),
        ("<3,>=2.31,!=2.32.0", ">=2.31,<3a0,!=2.32.0"),
    ],
)
def test_a_version_specifier_is_said_as_conda_does(said: str, expected: str) -> None:
    assert version_spec(SpecifierSet(said)) == expected
    if expected:
        VersionSpec(expected)


VERSIONS = [
    "0.9",
    "1.0.dev1",
    "1.0a1",
    "1.0",
    "1.0.post1",
    "1.2",
    "1.2.3",
    "1.2.4",
    "1.3",
    "1.4",
    "1.4.2",
    "1.4.9",
    "1.5.0a1",
    "1.5",
    "2.0.dev3",
    "2.0a1",
    "2.0rc1",
    "2.0rc2",
    "2.0",
    "2.0.1",
    "2.2",
    "2.2.post3",
    "2.2.post4",
    "2.3",
    "2a1",
    "3.0",
    "1!0.1",
    "1!2.3",
    "1!2.4",
]


@pytest.mark.parametrize(
    "said",
    ["==1.2.*", "!=1.2", "!=1.2.*", "~=1.4.2", "~=2.2", "~=2.2.post3", "~=1!2.3", "<2", "<2.0",
     "<=1.4.2", ">=1.4.2", ">=2.0.dev0", ">1.2.3", "==2.0", ">=1.2,<2,!=1.3"],
)  # fmt: skip
def test_conda_chooses_the_versions_that_pip_would(said: str) -> None:
    specifiers = SpecifierSet(said)
    spec = VersionSpec(version_spec(specifiers))
    by_conda = [text for text in VERSIONS if spec.matches(Version(text))]
    by_pip = [text for text in VERSIONS if specifiers.contains(Pep440(text), prereleases=True)]
    assert by_conda == by_pip


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Foo.Bar_baz", "foo-bar-baz"),
        ("numpy>=2,<3", "numpy >=2,<3a0"),
        ("numpy (>=2)", "numpy >=2"),
        ("uvicorn[standard]>=0.20", "uvicorn >=0.20"),
        ("tool @ https://example.org/tool-1.0-py3-none-any.whl", "tool"),
    ],
)
def test_a_requirement_becomes_a_match_spec(said: str, expected: str) -> None:
    assert match_spec(Requirement(said)) == expected
    MatchSpec(expected)


@pytest.mark.parametrize(
    ("marker", "platform", "holds"),
    [
        ("python_version < '3.11'", "linux-64", False),
        ("python_version >= '3.9'", "linux-64", True),
        ("python_full_version < '3.11.4'", "linux-64", False),
        ("sys_platform == 'win32'", "linux-64", False),
        ("sys_platform == 'win32'", "win-64", True),
        ("platform_system == 'Darwin' and platform_machine == 'arm64'", "osx-arm64", True),
        ("platform_machine == 'x86_64'", "linux-64", True),
        ("platform_machine == 'aarch64'", "linux-aarch64", True),
        ("implementation_name == 'pypy'", "linux-64", False),
        ("platform_python_implementation == 'CPython'", "osx-64", True),
        ("extra == 'test'", "linux-64", False),
        ("os_name == 'nt'", "win-64", True),
    ],
)
def test_a_marker_is_asked_of_the_target(marker: str, platform: str, holds: bool) -> None:
    target = Target(python="3.11", platform=platform, full_version="3.11.7")
    found = dependencies([Requirement(f"x; {marker}")], target=target, known={})
    assert found == (("x",) if holds else ())


def test_the_extra_of_a_requirement_is_required_directly() -> None:
    known = {
        "web": [
            Requirement("core"),
            Requirement("loop>=1; extra == 'standard'"),
            Requirement("web[fast]; extra == 'standard'"),
            Requirement("web[standard]; extra == 'fast'"),
            Requirement("speed; extra == 'fast'"),
            Requirement("windows; extra == 'fast' and sys_platform == 'win32'"),
        ]
    }
    found = dependencies([Requirement("Web[Standard]>2")], target=LINUX, known=known)
    assert found == ("loop >=1", "speed", "web", "web >2")


@pytest.mark.parametrize(
    ("requires", "options", "expected"),
    [
        (None, {}, "python"),
        (">=3.8", {}, "python >=3.8"),
        (">=3.8,<4", {}, "python >=3.8,<4a0"),
        ("!=3.9.*,>=3.8", {}, "python >=3.8,!=3.9.*"),
        (">=3.8", {"exactly": "3.11"}, "python 3.11.*"),
        (">=3.11.4", {"exactly": "3.11"}, "python >=3.11.4,3.11.*"),
        (None, {"at_least": "3.9"}, "python >=3.9"),
        (">=3.10", {"at_least": "3.9"}, "python >=3.10"),
        (">=3.8", {"minors": (11, None)}, "python >=3.11"),
        (">=3.11", {"minors": (11, None)}, "python >=3.11"),
        (">=3.8", {"minors": (None, 12)}, "python >=3.8,<3.13"),
        (">=3.8,<3.13", {"minors": (None, 12)}, "python >=3.8,<3.13a0"),
    ],
)
def test_a_package_says_which_pythons_it_is_for(
    requires: str | None, options: Mapping[str, Any], expected: str
) -> None:
    specifiers = SpecifierSet(requires) if requires else None
    assert python_spec(specifiers, **options) == expected


def test_the_pythons_with_other_dependencies_are_left_out() -> None:
    asked = [
        Requirement("tomli; python_version < '3.11'"),
        Requirement("new; python_version > '3.12'"),
    ]
    assert same_minors(asked, target=LINUX, known={}) == (11, 12)
    assert same_minors([Requirement("six")], target=LINUX, known={}) == (None, None)


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("python_version > '3'", None),
        ("sys_platform == 'win32'", "__unix"),
        ("sys_platform == 'darwin'", "__linux"),
        ("sys_platform == 'linux'", "__linux"),
    ],
)
def test_the_systems_with_other_dependencies_are_left_out(
    marker: str, expected: str | None
) -> None:
    assert same_systems([Requirement(f"x; {marker}")], target=LINUX, known={}) == expected


class Unpacked:
    """A package, unpacked."""

    def __init__(self, package: Path, folder: Path) -> None:
        extract(package, folder)
        self.folder = folder
        self.subdir = package.parent.name

    def json(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "info" / name).read_text())
        return found

    def text(self, path: str) -> str:
        return (self.folder / path).read_text()

    @property
    def paths(self) -> dict[str, dict[str, Any]]:
        return {entry["_path"]: entry for entry in self.json("paths.json")["paths"]}


@pytest.fixture
def convert(tmp_path: Path) -> Any:
    def run(platform: str = "linux-64", **wheel: Any) -> Unpacked:
        made = wheel_to_package(
            make_wheel(tmp_path / "wheels", **wheel),
            into=tmp_path / "channel",
            python="3.11",
            platform=platform,
        )
        return Unpacked(made, tmp_path / "unpacked")

    return run


def test_a_pure_wheel_becomes_noarch_and_its_scripts_are_left_to_clients(convert: Any) -> None:
    package = convert(scripts=["tool = tool:main", "Tool-2 = tool.sub:main.run [extra]"])
    index = package.json("index.json")
    assert package.subdir == "noarch"
    assert (index["name"], index["version"], index["noarch"]) == ("tool", "1.0", "python")
    assert package.json("link.json") == {
        "noarch": {
            "type": "python",
            "entry_points": ["tool = tool:main", "Tool-2 = tool.sub:main.run"],
        },
        "package_metadata_version": 1,
    }
    assert "site-packages/tool.py" in package.paths
    assert not [path for path in package.paths if path.startswith(("info", "bin"))]


def test_a_wheel_for_a_python_has_its_files_and_scripts_in_place(convert: Any) -> None:
    package = convert(
        tag="cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
        scripts=["tool = tool:main.run"],
    )
    index = package.json("index.json")
    assert package.subdir == index["subdir"] == "linux-64"
    assert "noarch" not in index
    assert index["depends"] == ["python 3.11.*", "__glibc >=2.17,<3.0.a0"]
    assert "lib/python3.11/site-packages/tool.py" in package.paths
    assert package.paths["bin/tool"]["prefix_placeholder"] == PLACEHOLDER
    assert package.text("bin/tool").splitlines() == [
        f"#!{PLACEHOLDER}/bin/python3.11",
        "import sys",
        "from tool import main",
        "",
        'if __name__ == "__main__":',
        "    sys.exit(main.run())",
    ]
    assert (package.folder / "bin/tool").stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("tag", "platform", "subdir", "depends"),
    [
        ("cp39-abi3-manylinux_2_28_x86_64", "linux-64", "linux-64",
         ["python >=3.9", "__glibc >=2.28,<3.0.a0"]),
        ("py3-none-manylinux_2_17_aarch64", "linux-aarch64", "linux-aarch64",
         ["python", "__glibc >=2.17,<3.0.a0"]),
        ("py2.py3-none-macosx_11_0_arm64", "osx-arm64", "osx-arm64", ["python", "__osx >=11.0"]),
        ("cp310.cp311-none-any", "linux-64", "noarch", ["python 3.11.*"]),
        ("py310-none-any", "linux-64", "noarch", ["python >=3.10"]),
    ],
)  # fmt: skip
def test_a_wheel_that_fits_several_pythons_is_noarch_within_its_platform(
    convert: Any, tag: str, platform: str, subdir: str, depends: list[str]
) -> None:
    index = convert(tag=tag, platform=platform).json("index.json")
    assert (index["subdir"], index["noarch"], index["depends"]) == (subdir, "python", depends)


def test_the_data_of_a_wheel_goes_where_its_scheme_says(convert: Any) -> None:
    package = convert(
        files={
            "tool.py": "",
            "tool-1.0.data/scripts/run-tool": "#!python\nprint(1)\n",
            "tool-1.0.data/data/share/tool/a.txt": "a",
            "tool-1.0.data/purelib/more.py": "",
            "tool-1.0.data/headers/tool.h": "",
        }
    )
    kept = {path for path in package.paths if "dist-info" not in path}
    assert kept == {
        "site-packages/tool.py",
        "python-scripts/run-tool",
        "share/tool/a.txt",
        "site-packages/more.py",
        "include/tool/tool.h",
    }
    assert package.text("python-scripts/run-tool").startswith(f"#!{PLACEHOLDER}/bin/python\n")
    assert package.paths["python-scripts/run-tool"]["file_mode"] == "text"


def test_the_record_names_every_file_where_it_will_be(convert: Any) -> None:
    package = convert(
        files={"tool.py": "", "tool-1.0.data/data/share/a.txt": "a"}, scripts=["tool = tool:main"]
    )
    rows = csv.reader(package.text("site-packages/tool-1.0.dist-info/RECORD").splitlines())
    assert {row[0] for row in rows} == {
        "tool.py",
        "../../../share/a.txt",
        "../../../bin/tool",
        "tool-1.0.dist-info/METADATA",
        "tool-1.0.dist-info/WHEEL",
        "tool-1.0.dist-info/INSTALLER",
        "tool-1.0.dist-info/RECORD",
        "tool-1.0.dist-info/entry_points.txt",
    }
    assert package.text("site-packages/tool-1.0.dist-info/INSTALLER") == "conda\n"


def test_what_a_wheel_says_of_itself_is_kept(convert: Any) -> None:
    package = convert(
        name="My.Tool",
        metadata=[
            "Summary: Does things",
            "License-Expression: MIT",
            "License-File: LICENSE",
            "Project-URL: Homepage, https://example.org",
            "Requires-Python: >=3.9",
        ],
        files={"tool.py": "", "My.Tool-1.0.dist-info/licenses/LICENSE": "Do what you like.\n"},
    )
    assert package.json("about.json") == {
        "home": "https://example.org",
        "license": "MIT",
        "summary": "Does things",
    }
    assert package.json("index.json")["name"] == "my-tool"
    assert package.json("index.json")["depends"] == ["python >=3.9"]
    assert package.text("info/licenses/LICENSE") == "Do what you like.\n"


def test_the_same_wheel_gives_the_same_bytes(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, scripts=["tool = tool:main"])
    made = [
        wheel_to_package(wheel, into=tmp_path / folder, python="3.11", platform="linux-64")
        for folder in ("one", "two")
    ]
    assert made[0].name == made[1].name
    assert made[0].read_bytes() == made[1].read_bytes()


INFO = "tool-1.0.dist-info"


@pytest.mark.parametrize(
    ("wheel", "reason"),
    [
        ({"tag": "cp312-cp312-manylinux_2_17_x86_64"}, "expected Python 3.11 on linux-64"),
        ({"tag": "cp311-cp311-win_amd64"}, "expected Python 3.11 on linux-64"),
        ({"tag": "cp311-cp311-musllinux_1_2_x86_64"}, "expected Python 3.11"),
        ({"tag": "py2-none-any"}, "expected Python 3.11"),
        ({"tag": "pp311-pypy311_pp73-manylinux_2_17_x86_64"}, "expected Python 3.11"),
        ({"without": ["METADATA"]}, "it has no tool-1.0.dist-info/METADATA"),
        ({"without": ["RECORD"]}, "it has no tool-1.0.dist-info/RECORD"),
        ({"record": {"tool.py": "tool.py,sha256=AAAA,1"}}, "its file tool.py has another hash"),
        ({"record": {"gone.py": "gone.py,sha256=AAAA,1"}}, "its RECORD names gone.py"),
        ({"files": {"../evil.py": ""}}, "outside of its folder"),
        ({"files": {"/evil.py": ""}}, "outside of its folder"),
        ({"files": {"tool-1.0.data/nowhere/a": ""}}, "it has data for 'nowhere'"),
        ({"files": {"other-2.dist-info/METADATA": ""}}, "it has 2 folders named"),
        ({"requires": ["numpy >=1.*"]}, "it requires something unreadable"),
        ({"metadata": ["Requires-Python: soon"]}, "its Requires-Python is 'soon'"),
        ({"scripts": ["tool = tool"]}, "calls nothing that can be called"),
        ({"scripts": ["../tool = tool:main"]}, "calls nothing that can be called"),
    ],
)
def test_a_wheel_that_cannot_be_a_package_is_refused(
    convert: Any, wheel: Mapping[str, Any], reason: str
) -> None:
    with pytest.raises(BadWheel) as raised:
        convert(**wheel)
    assert reason in raised.value.message
    assert raised.value.message.startswith("tool-1.0-")
    assert raised.value.hint


@pytest.mark.parametrize(
    ("name", "content"), [("tool.zip", b""), ("tool-1.0-py3-none-any.whl", b"no archive")]
)
def test_a_file_that_is_no_wheel_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadWheel):
        wheel_to_package(path, into=tmp_path / "channel", python="3.11")
    assert not (tmp_path / "channel").exists()
