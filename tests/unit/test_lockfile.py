"""A lock says the same whoever writes it, and gives back what was locked."""

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rattler import LockFile
from tests.support.locks import CHANNEL, record, wheel

from condarium.engine.lockfiles.lockfile import read_lock, write_lock
from condarium.engine.pypi.names import pep440, python_packages
from condarium.engine.pypi.wheels import best_wheel
from condarium.errors import BadLock, PlatformNotLocked
from condarium.model.lock import without_credentials

CONDA = {
    "osx-arm64": [record("zlib", subdir="osx-arm64"), record("six", subdir="noarch")],
    "linux-64": [record("zlib"), record("python"), record("six", subdir="noarch")],
}
PYPI = {
    "linux-64": [
        wheel("cowsay", requires_python=">=3.8"),
        wheel("rich", requires_dist=("markdown-it-py>=2", "pygments ; extra == 'a: \"b\"'")),
    ],
    "osx-arm64": [wheel("cowsay", requires_python=">=3.8")],
}
VIRTUAL = {"linux-64": ["__unix=0=0", "__glibc=2.28"], "osx-arm64": []}


def written(channels=(CHANNEL,), conda=CONDA, pypi=PYPI, virtual=VIRTUAL):
    return write_lock(channels=channels, conda=conda, pypi=pypi, virtual_packages=virtual)


def shuffled(packages, dice):
    platforms = list(packages)
    dice.shuffle(platforms)
    return {name: dice.sample(packages[name], len(packages[name])) for name in platforms}


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_bytes_do_not_depend_on_the_order_of_the_packages(seed):
    dice = random.Random(seed)
    virtual = shuffled(VIRTUAL, dice)
    again = written(conda=shuffled(CONDA, dice), pypi=shuffled(PYPI, dice), virtual=virtual)
    assert again == written()


def test_the_order_of_the_channels_is_their_priority_and_stays():
    channels = ("https://conda.example/b/", "https://conda.example/a/")
    assert read_lock(written(channels=channels), source="x").channels == channels


def test_rattler_reads_what_was_written_and_writes_the_same_bytes(tmp_path):
    (tmp_path / "pixi.lock").write_bytes(written())
    lock = LockFile.from_path(tmp_path / "pixi.lock")
    lock.to_path(tmp_path / "again.lock")
    assert (tmp_path / "again.lock").read_bytes() == written()
    found = lock.default_environment()
    assert sorted(r.name.normalized for r in found.conda_repodata_records()["linux-64"]) == [
        "python",
        "six",
        "zlib",
    ]
    (cowsay, rich) = sorted(found.pypi_packages()["linux-64"], key=lambda p: p.name)
    assert cowsay.hashes.sha256.hex() == PYPI["linux-64"][0].sha256
    assert rich.requires_dist == list(PYPI["linux-64"][1].requires_dist)


def test_a_lock_reads_back_as_it_was_locked():
    document = read_lock(written(), source="pixi.lock")
    assert document.platforms == ("linux-64", "osx-arm64")
    assert document.environments == ("default",)
    assert document.warnings == ()
    assert document.pypi("linux-64") == PYPI["linux-64"]
    for platform, records in CONDA.items():
        expected = sorted(records, key=lambda r: r.name.normalized)
        assert document.records(platform) == expected
        assert [r.url for r in document.records(platform)] == [r.url for r in expected]
    kinds = [(p.kind, p.name) for p in document.lock.packages["osx-arm64"]]
    assert kinds == [("pypi", "cowsay"), ("conda", "six"), ("conda", "zlib")]


RECORDS = st.builds(
    record,
    st.from_regex(r"[a-z][a-z0-9_.-]{0,20}", fullmatch=True),
    subdir=st.sampled_from(["linux-64", "noarch"]),
    build=st.from_regex(r"(py311|pyh|h|)[0-9a-f]{1,7}_[0-9]", fullmatch=True),
    build_number=st.integers(0, 10_000),
    noarch=st.sampled_from([None, "python", "generic"]),
    depends=st.lists(st.sampled_from(["python >=3.11", "zlib", "numpy 1.*"]), unique=True),
    constrains=st.lists(st.sampled_from(["x <1", "y"]), unique=True),
    license=st.sampled_from([None, "MIT", "GPL-3.0: or 'so'"]),
    license_family=st.sampled_from([None, "MIT"]),
    python_site_packages_path=st.sampled_from([None, "lib/python3.13t/site-packages"]),
    size=st.none() | st.integers(0, 2**40),
    timestamp=st.none() | st.just(datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)),
    track_features=st.lists(st.sampled_from(["a", "b"]), unique=True),
)


@given(RECORDS)
@settings(max_examples=60, deadline=None)
def test_nothing_that_an_installation_records_is_lost(wanted):
    if wanted.subdir == "noarch" and wanted.noarch.none:
        wanted.noarch = type(wanted.noarch)("generic")
    if wanted.subdir != "noarch":
        wanted.noarch = type(wanted.noarch)(None)
    document = read_lock(written(conda={"linux-64": [wanted]}, pypi={}), source="x")
    (found,) = document.records("linux-64")
    assert found.to_json() == wanted.to_json()


def test_credentials_never_reach_the_lock():
    secret = "https://user:secret@conda.example/t/secret-token/forge/"
    records = {"linux-64": [record("zlib", channel=secret)]}
    pip = {"linux-64": [wheel("cowsay", url="https://u:secret@files.example/cowsay-2.0.whl")]}
    data = written(channels=(secret,), conda=records, pypi=pip, virtual={})
    assert b"secret" not in data
    document = read_lock(data, source="x")
    assert document.channels == (CHANNEL,)
    assert [r.url for r in document.records("linux-64")] == [
        f"{CHANNEL}linux-64/zlib-1.0-h1_0.conda"
    ]
    assert records["linux-64"][0].url.startswith(secret), "the records are not changed"


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://u:p@h.example/x", "https://h.example/x"),
        ("https://h.example/t/abc-1/x/noarch", "https://h.example/x/noarch"),
        ("https://h.example:80/get/t/x", "https://h.example:80/get/t/x"),
        ("file:///srv/t/x", "file:///srv/t/x"),
        ("conda-forge", "conda-forge"),
    ],
)
def test_a_url_loses_its_credentials_and_nothing_else(url, bare):
    assert without_credentials(url) == bare


def test_a_local_channel_is_locked_by_its_absolute_place(tmp_path, monkeypatch):
    channel = f"{tmp_path.as_uri()}/"
    conda = {"linux-64": [record("zlib", channel=channel)]}
    wheels = {"linux-64": [wheel("cowsay", url=f"{channel}cowsay-2.0-py3-none-any.whl")]}
    data = written(channels=(channel,), conda=conda, pypi=wheels, virtual={})
    monkeypatch.chdir(Path("/"))
    assert written(channels=(channel,), conda=conda, pypi=wheels, virtual={}) == data
    document = read_lock(data, source="x")
    assert document.records("linux-64")[0].url == f"{channel}linux-64/zlib-1.0-h1_0.conda"
    assert document.pypi("linux-64")[0].url == f"{channel}cowsay-2.0-py3-none-any.whl"


def test_an_empty_environment_is_locked_too():
    document = read_lock(written(conda={"linux-64": []}, pypi={}), source="x")
    assert document.records("linux-64") == []
    assert document.pypi("linux-64") == []


def test_a_platform_that_was_not_locked_is_named_with_those_that_were():
    with pytest.raises(PlatformNotLocked, match="not locked for win-64, only for linux-64, osx"):
        read_lock(written(), source="pixi.lock").records("win-64")


def test_one_of_several_environments_is_read_by_name():
    text = written().decode()
    several = text.replace("environments:\n  default:", "environments:\n  fit:", 1)
    assert read_lock(several.encode(), source="x").environment == "fit"
    whole = yaml.safe_load(text)
    whole["environments"]["dev"] = whole["environments"]["default"]
    document = read_lock(yaml.safe_dump(whole).encode(), source="x", environment="dev")
    assert document.environments == ("default", "dev")
    with pytest.raises(BadLock, match="no environment 'fit', only default, dev"):
        read_lock(yaml.safe_dump(whole).encode(), source="x", environment="fit")


TEXT = written().decode()
ZLIB = f"- conda: {CHANNEL}linux-64/zlib-1.0-h1_0.conda\n"

WRONG = {
    "empty": ("", "it is empty"),
    "binary": (b"\xff\xfe\x00pixi", "not a text file"),
    "a list": ("- a\n- b\n", "says no `version:`"),
    "environment.yml": ("name: x\ndependencies:\n- python\n", "must be solved first"),
    "pixi.toml": ("[workspace]\nname = 'x'\n", "a manifest"),
    "uv.lock": ("version = 1\n[[package]]\nname = 'x'\n", "have no conda packages"),
    "cut in the middle": (TEXT[: len(TEXT) // 3], "pixi.lock"),
    "cut inside an entry": (TEXT[: TEXT.rindex("sha256") + 3], "is cut short"),
    "cut after an entry": (TEXT[: TEXT.rindex("- conda: ")], "may be cut short"),
    "cut after a line": (
        f"{TEXT[: TEXT.index('packages:', TEXT.index('packages:') + 9)]}\n",
        "ends before",
    ),
    "an entry that is none": (TEXT.replace("      - conda: ", "      - ", 1), "an entry is none"),
    "a merge conflict": (TEXT.replace("packages:\n-", "<<<<<<< HEAD\npackages:\n-"), "merge con"),
    "a newer format": (TEXT.replace("version: 7", "version: 99"), "format 99; .* up to 7"),
    "a bad hash": (TEXT.replace("sha256: ", "sha256: zz", 1), "digest"),
    "an unknown platform": (TEXT.replace("linux-64", "linux-9000"), "subdir"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_lock_is_said(case):
    data, expected = WRONG[case]
    with pytest.raises(BadLock, match=expected) as caught:
        read_lock(data if isinstance(data, bytes) else data.encode(), source="pixi.lock")
    assert str(caught.value).startswith("pixi.lock")
    assert caught.value.hint


def test_a_merge_conflict_is_found_at_its_line():
    text = TEXT.replace("packages:\n-", "<<<<<<< HEAD\npackages:\n-")
    with pytest.raises(BadLock) as caught:
        read_lock(text.encode(), source="pixi.lock")
    assert text.splitlines()[caught.value.line - 1] == "<<<<<<< HEAD"


def test_a_package_that_is_locked_twice_is_refused():
    two = [record("zlib"), record("zlib", build="h2_0")]
    with pytest.raises(BadLock, match=r"zlib is locked twice for linux-64: .*h1_0.* and .*h2_0"):
        read_lock(written(conda={"linux-64": two}, pypi={}), source="x")


def without(text, *keys):
    return "".join(
        line for line in text.splitlines(True) if not line.strip().startswith(tuple(keys))
    )


def test_a_conda_package_without_any_hash_is_shown_and_not_installed():
    document = read_lock(without(TEXT, "sha256:", "md5:").encode(), source="x")
    assert "zlib" in [p.name for p in document.lock.packages["linux-64"]]
    with pytest.raises(BadLock, match=r"python .* locked without a hash"):
        document.records("linux-64")


def test_a_conda_package_with_an_md5_alone_is_installed_with_a_warning():
    document = read_lock(without(TEXT, "sha256:").encode(), source="x")
    assert len(document.records("linux-64")) == 3
    assert "MD5 only" in document.warnings[0]


def test_a_pip_package_without_a_hash_is_shown_and_not_installed():
    document = read_lock(without(TEXT, "sha256:").encode(), source="x")
    with pytest.raises(BadLock, match=r"cowsay .* cannot be verified"):
        document.pypi("linux-64")


def test_a_pip_package_in_a_folder_is_not_installed():
    folder = wheel("mine", url="./mine", sha256="0" * 64)
    document = read_lock(written(pypi={"linux-64": [folder]}), source="x")
    with pytest.raises(BadLock, match=r"mine \(\./mine\) cannot be verified"):
        document.pypi("linux-64")


def test_a_pip_package_from_git_is_known_by_its_commit():
    git = wheel(
        "mine", url="git+https://git.example/mine?rev=v1#" + "a" * 40, sha256=None, filename=""
    )
    (found,) = read_lock(written(pypi={"linux-64": [git]}), source="x").pypi("linux-64")
    assert found == git


EXPLICIT = f"""\
# Generated by conda-lock.
# platform: linux-64
@EXPLICIT
{CHANNEL}linux-64/libfoo-bar-1.0-h1_3.conda#{"a" * 32}
{CHANNEL}noarch/six-1.16.0-pyh6c4a22f_0.tar.bz2#sha256:{"b" * 64}
"""


def test_an_explicit_list_is_read():
    document = read_lock(EXPLICIT.encode(), source="conda-linux-64.lock")
    foo, six = document.records("linux-64")
    assert (foo.name.normalized, str(foo.version), foo.build_number) == ("libfoo-bar", "1.0", 3)
    assert (foo.md5, foo.sha256) == (bytes.fromhex("a" * 32), None)
    assert (six.sha256, six.noarch.python) == (bytes.fromhex("b" * 64), True)
    assert document.channels == (CHANNEL,)
    assert document.warnings == (
        "conda-linux-64.lock: 1 packages are locked with MD5 only, which can be forged",
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        ("#" + "a" * 32, "", 4, "has no hash"),
        ("#" + "a" * 32, "#aa", 4, "has no hash"),
        ("six-1.16.0-pyh6c4a22f_0.tar.bz2", "six.whl", 5, "expected the URL of a .conda"),
        (CHANNEL + "noarch/", "", 5, "expected the URL"),
        ("/noarch/", "/nowhere/", 5, "nowhere"),
        ("# platform: linux-64\n", "", None, None),
    ],
)
def test_what_is_wrong_with_an_explicit_list_is_said_with_its_line(old, new, line, expected):
    data = EXPLICIT.replace(old, new).encode()
    if expected is None:
        assert read_lock(data, source="x").platforms == ("linux-64",)
        return
    with pytest.raises(BadLock, match=expected) as caught:
        read_lock(data, source="x.lock")
    assert caught.value.line == line


def test_an_explicit_list_of_noarch_packages_must_say_its_platform():
    data = f"@EXPLICIT\n{CHANNEL}noarch/six-1.0-py_0.conda#{'a' * 32}\n".encode()
    with pytest.raises(BadLock, match="does not say its platform"):
        read_lock(data, source="x.lock")


CONDA_LOCK = f"""\
version: 1
metadata:
  channels: [{{url: conda-forge, used_env_vars: []}}]
  platforms: [linux-64, osx-64]
package:
- {{name: zlib, version: '1.0', manager: conda, platform: linux-64, category: main,
   dependencies: {{libgcc: '>=13'}}, url: '{CHANNEL}linux-64/zlib-1.0-h1_0.conda',
   hash: {{md5: {"a" * 32}, sha256: {"b" * 64}}}}}
- {{name: gdb, version: '1.0', manager: conda, platform: linux-64, category: debug,
   dependencies: {{}}, url: '{CHANNEL}linux-64/gdb-1.0-h1_0.conda', hash: {{md5: {"a" * 32}}}}}
- {{name: Cow_say, version: '6.1', manager: pip, platform: linux-64, category: dev,
   dependencies: {{}}, url: 'https://files.example/cow_say-6.1-py3-none-any.whl',
   hash: {{sha256: {"c" * 64}}}}}
"""


def test_a_conda_lock_file_is_read_without_the_categories_nobody_asked_for():
    document = read_lock(CONDA_LOCK.encode(), source="conda-lock.yml")
    (zlib,) = document.records("linux-64")
    assert (zlib.depends, zlib.sha256) == (["libgcc >=13"], bytes.fromhex("b" * 64))
    assert [p.name for p in document.pypi("linux-64")] == ["cow-say"]
    assert document.records("osx-64") == []
    assert document.warnings == (
        "conda-lock.yml: the packages of the category 'debug' are left out",
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("version: 1\n", "version: 3\n", "its version is 3"),
        ("manager: conda, ", "", "manager"),
        ("metadata:", "metadata: [", "is not YAML"),
        ("/zlib-1.0-h1_0.conda", "/zlib.conda", "expected the URL"),
    ],
)
def test_what_is_wrong_with_a_conda_lock_file_is_said(old, new, expected):
    with pytest.raises(BadLock, match=expected):
        read_lock(CONDA_LOCK.replace(old, new, 1).encode(), source="conda-lock.yml")


def test_the_names_of_python_packages_on_pypi_are_known():
    records = [
        record("python", depends=["openssl"]),
        record("zlib", depends=["libgcc"]),
        record("python_abi", depends=["python 3.12.*"]),
        record("pytorch", depends=["python >=3.12,<3.13.0a0"]),
        record("matplotlib-base", depends=["python"]),
        record("typing_extensions", subdir="noarch", noarch="python", depends=[]),
        record("py-opencv", depends=["python"]),
        record("graphviz", depends=["libgd"]),
        record("python-graphviz", subdir="noarch", noarch="python"),
    ]
    assert [name for name, _ in python_packages(records)] == [
        "graphviz",
        "matplotlib",
        "opencv-python",
        "opencv-python-headless",
        "python-abi",
        "torch",
        "typing-extensions",
    ]


@pytest.mark.parametrize(
    ("conda", "pypi"),
    [("1.0_rc1", "1.0rc1"), ("2024a", "2024a0"), ("9.5.0.post1", "9.5.0.post1"), ("9e", "9"),
     ("1.2.3_4", "1.2.3.4"), ("master", None)],
)  # fmt: skip
def test_a_conda_version_is_written_as_pypi_writes_it(conda, pypi):
    assert pep440(conda) == pypi


@pytest.mark.parametrize(
    "worst_to_best",
    [
        [
            "x-1-py2.py3-none-any.whl",
            "x-1-py3-none-manylinux2014_x86_64.whl",
            "x-1-cp39-abi3-manylinux_2_17_x86_64.whl",
            "x-1-cp311-abi3-manylinux_2_17_x86_64.whl",
            "x-1-cp312-cp312-manylinux1_x86_64.whl",
            "x-1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "x-1-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
        ],
        ["x-1-cp312-cp312-macosx_11_0_arm64.whl", "x-1-cp312-cp312-macosx_14_0_arm64.whl"],
        ["x-1-py3-none-any.whl", "x-1-1-py3-none-any.whl", "x-1-2-py3-none-any.whl"],
    ],
)
def test_the_most_specific_of_several_wheels_is_chosen(worst_to_best):
    for end in range(1, len(worst_to_best) + 1):
        candidates = worst_to_best[:end]
        assert best_wheel(candidates) == candidates[-1]
        assert best_wheel(reversed(candidates)) == candidates[-1]
