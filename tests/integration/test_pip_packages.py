"""Packages from PyPI are resolved beside conda's, and installed as they were locked."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from rattler import Subdir
from tests.support.locks import wheel

from condarium.engine.lockfiles.lockfile import read_lock, write_lock
from condarium.engine.pypi.files import pypi_files
from condarium.engine.pypi.process import uv_environment
from condarium.engine.pypi.uv import install_pypi, resolve_pypi
from condarium.errors import BadPipOption, PipInstallFailed, PipResolutionFailed

HERE = str(Subdir.current())
NETWORK = pytest.mark.network


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("uv")


@pytest.fixture
def prefix(tmp_path):
    """A place to install to, which says like conda's Python that pip must not touch it."""
    folder = tmp_path / "prefix"
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(command, check=True, timeout=60)
    return folder


@pytest.fixture
def wheels(tmp_path):
    """A folder of small wheels, so that no network is needed."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    make_wheel(folder, "toy", "1.0", requires=["helper>=1"])
    make_wheel(folder, "toy", "2.0", requires=["helper>=2", "numeric>=2"])
    make_wheel(folder, "helper", "1.5")
    make_wheel(folder, "helper", "2.5")
    make_wheel(folder, "numeric", "3.0")
    make_wheel(folder, "winonly", "1.0", tag="py3-none-win_amd64")
    return folder


def make_wheel(folder, name, version, *, requires=(), tag="py3-none-any"):
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += ["Requires-Python: >=3.8", *(f"Requires-Dist: {r}" for r in requires)]
    files = {
        f"{name}.py": f"VERSION = {version!r}\ndef main():\n    print('{name} runs')\n",
        f"{info}/METADATA": "\n".join(lines) + "\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    record = "".join(f"{path},,\n" for path in files) + f"{info}/RECORD,,\n"
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return path


def resolve(cache, *requirements, wheels=None, **options):
    offline = [f"--find-links {wheels}", "--no-index"] if wheels else []
    chosen = {
        "platform": HERE,
        "python_version": "3.12.4",
        "conda": [],
        "environ": os.environ,
        **options,
    }
    chosen["options"] = [*offline, *options.get("options", ())]
    return resolve_pypi(requirements, python=Path(sys.executable), cache_dir=cache, **chosen)


def install(cache, prefix, packages, **options):
    install_pypi(
        packages,
        python=prefix / "bin" / "python",
        cache_dir=cache,
        **{"environ": os.environ, **options},
    )


def installed(prefix):
    code = (
        "import json, importlib.metadata as m; print(json.dumps({d.name: [d.version, "
        "d.read_text('INSTALLER'), d.read_text('direct_url.json')] for d in m.distributions()}))"
    )
    command = [prefix / "bin" / "python", "-I", "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60)
    return json.loads(done.stdout)


def names(packages):
    return {package.name: package.version for package in packages}


def test_requirements_become_exact_files_with_hashes_and_metadata(cache, wheels):
    packages = resolve(cache, "toy", wheels=wheels)
    assert names(packages) == {"helper": "2.5", "numeric": "3.0", "toy": "2.0"}
    toy = packages[-1]
    file = wheels / "toy-2.0-py3-none-any.whl"
    assert (toy.url, toy.filename) == (file.as_uri(), file.name)
    assert toy.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert toy.requires_dist == ("helper>=2", "numeric>=2")
    assert toy.requires_python == ">=3.8"


def test_the_same_requirements_give_the_same_lock(cache, wheels):
    def locked(*requirements):
        pip = {HERE: resolve(cache, *requirements, wheels=wheels)}
        return write_lock(channels=(), conda={HERE: []}, pypi=pip, virtual_packages=None)

    assert locked("toy", "helper") == locked("helper", "toy")


def test_a_conda_package_is_there_already_and_decides_the_version(cache, wheels):
    conda = [("helper", "1.7"), ("unrelated", "1")]
    packages = resolve(cache, "toy", "helper", wheels=wheels, conda=conda)
    assert names(packages) == {"toy": "1.0"}


def test_a_conflict_with_a_conda_package_names_both(cache, wheels):
    with pytest.raises(PipResolutionFailed) as caught:
        resolve(cache, "toy==2.0", wheels=wheels, conda=[("numeric", "1.26"), ("other", "1")])
    assert caught.value.conda == (("numeric", "1.26"),)
    assert "toy==2.0" in str(caught.value)
    assert "numeric is 1.26 here" in str(caught.value)
    assert str(cache) not in str(caught.value)


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("nowhere", "nowhere was not found"),
        ("toy>=9", r"only toy<=2.0 is available|only toy==1.0 and toy==2.0|toy>=9"),
        ("toy>2,<2", "toy"),
        ("winonly", "no wheels with a matching platform tag"),
        ("toy >>1", "no such comparison operator"),
    ],
)
def test_what_cannot_be_resolved_is_explained(cache, wheels, requirement, expected):
    with pytest.raises(PipResolutionFailed, match=expected) as caught:
        resolve(cache, requirement, wheels=wheels)
    assert "condarium-" not in str(caught.value), "it speaks of the user's things, not of ours"


def test_a_platform_for_which_there_are_no_wheels_is_refused(cache):
    with pytest.raises(PipResolutionFailed, match="no wheels for this platform"):
        resolve(cache, "toy", platform="linux-ppc64le")


def test_wheels_of_another_platform_are_chosen_for_it(cache, wheels):
    (found,) = resolve(cache, "winonly", wheels=wheels, platform="win-64")
    assert found.filename == "winonly-1.0-py3-none-win_amd64.whl"


@pytest.mark.parametrize("line", ["-r more.txt", "-e .", "--editable=."])
def test_options_that_read_other_files_are_refused(cache, line):
    with pytest.raises(BadPipOption, match="cannot be used"):
        resolve(cache, options=[line])


@pytest.mark.parametrize("line", ["./folder", ".", "~/folder"])
def test_folders_are_refused(cache, line):
    with pytest.raises(BadPipOption, match="cannot be used"):
        resolve(cache, line)


def test_a_source_distribution_is_not_built_for_another_platform(cache, wheels, tmp_path):
    with pytest.raises(PipResolutionFailed) as caught:
        resolve(cache, source_of(tmp_path), wheels=wheels, platform="win-64")
    assert "sourceonly" in str(caught.value)


def source_of(folder):
    import io
    import tarfile

    path = folder / "sourceonly-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in {
            "PKG-INFO": "Metadata-Version: 2.1\nName: sourceonly\nVersion: 1.0\n",
            "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'b'\n",
        }.items():
            entry = tarfile.TarInfo(f"sourceonly-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return f"sourceonly @ {path.as_uri()}"


def test_what_was_locked_is_installed_and_known_to_python(cache, wheels, prefix):
    (prefix / "lib" / f"python3.{sys.version_info.minor}" / "EXTERNALLY-MANAGED").write_text(
        "[externally-managed]\nError=conda owns this\n"
    )
    pip = {HERE: resolve(cache, "toy", wheels=wheels)}
    data = write_lock(channels=(), conda={HERE: []}, pypi=pip)
    install(cache, prefix, read_lock(data, source="x").pypi(HERE))
    assert installed(prefix) == {
        "helper": ["2.5", "uv", None],
        "numeric": ["3.0", "uv", None],
        "toy": ["2.0", "uv", None],
    }
    done = subprocess.run([prefix / "bin" / "toy"], capture_output=True, check=True, timeout=60)
    assert done.stdout == b"toy runs\n"


def test_packages_that_are_there_stay(cache, wheels, prefix):
    install(cache, prefix, resolve(cache, "numeric", wheels=wheels))
    before = names_and_inodes(prefix, "numeric")
    install(cache, prefix, resolve(cache, "helper", wheels=wheels))
    assert set(installed(prefix)) == {"helper", "numeric"}
    assert names_and_inodes(prefix, "numeric") == before


def names_and_inodes(prefix, package):
    return {path: path.stat().st_ino for path in prefix.rglob(f"{package}*")}


def test_a_file_whose_hash_is_another_is_not_installed(cache, wheels, prefix):
    (helper,) = resolve(cache, "helper", wheels=wheels)
    forged = wheel("helper", version="2.5", url=helper.url, filename=helper.filename)
    with pytest.raises(PipInstallFailed, match=r"[Hh]ash mismatch") as caught:
        install(cache, prefix, [forged])
    assert caught.value.hint
    assert installed(prefix) == {}


def test_a_file_that_has_vanished_is_named(cache, prefix, tmp_path):
    url = (tmp_path / "gone-2.0-py3-none-any.whl").as_uri()
    with pytest.raises(PipInstallFailed, match="gone"):
        install(cache, prefix, [wheel("gone", url=url)])
    assert installed(prefix) == {}


def test_no_packages_need_no_uv(cache, tmp_path):
    install(cache, tmp_path / "there-is-no-python-here", [])


def test_the_files_of_pip_packages_are_known_with_their_hashes(cache, wheels, prefix):
    packages = resolve(cache, "toy", wheels=wheels)
    install(cache, prefix, packages)
    files = {file.path: file for file in pypi_files(prefix, packages)}
    site = f"lib/python3.{sys.version_info.minor}/site-packages"
    assert {file.package for file in files.values()} == {"helper", "numeric", "toy"}
    assert {"bin/toy", f"{site}/toy.py", f"{site}/toy-2.0.dist-info/RECORD"} <= set(files)
    for path, file in files.items():
        content = (prefix / path).read_bytes()
        if file.sha256 is not None:
            assert hashlib.sha256(content).hexdigest() == file.sha256
    assert files["bin/toy"].sha256 is not None


def test_a_package_that_is_not_there_is_missed_by_its_record(tmp_path):
    (file,) = pypi_files(tmp_path, [wheel("toy")])
    assert (file.package, file.path) == ("toy", "toy-2.0.dist-info/RECORD")


def test_only_what_says_how_to_reach_an_index_passes_to_uv():
    environ = {
        "UV_INDEX_URL": "https://i.example",
        "UV_INDEX_CORP_PASSWORD": "p",
        "SSL_CERT_FILE": "/c.pem",
        "HTTPS_PROXY": "http://p.example",
        "UV_PRERELEASE": "allow",
        "UV_CACHE_DIR": "/elsewhere",
        "UV_OVERRIDE": "o.txt",
        "PYTHONPATH": "/p",
        "VIRTUAL_ENV": "/v",
    }
    kept = ["UV_INDEX_URL", "UV_INDEX_CORP_PASSWORD", "SSL_CERT_FILE", "HTTPS_PROXY"]
    assert list(uv_environment(environ)) == kept


def test_a_setting_of_the_user_does_not_alter_the_result(cache, wheels, monkeypatch):
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    assert names(resolve(cache, "toy", wheels=wheels))["toy"] == "2.0"


@NETWORK
def test_real_packages_are_locked_for_a_platform_that_is_not_this_one(cache):
    (found,) = resolve(cache, "numpy==2.2.6", platform="osx-arm64")
    assert found.filename == "numpy-2.2.6-cp312-cp312-macosx_11_0_arm64.whl"
    (found,) = resolve(
        cache, "numpy==2.2.6", platform="osx-arm64", system_requirements=[("osx", "14.0")]
    )
    assert found.filename == "numpy-2.2.6-cp312-cp312-macosx_14_0_arm64.whl"
    (found,) = resolve(
        cache, "numpy==2.2.6", platform="linux-aarch64", system_requirements=[("glibc", "2.17")]
    )
    assert "manylinux_2_17_aarch64" in found.filename


@NETWORK
def test_real_packages_install_from_the_cache_when_the_network_is_gone(cache, prefix, tmp_path):
    version = f"{sys.version_info.major}.{sys.version_info.minor}.0"
    packages = resolve(cache, "cowsay==6.1", "humanize==4.9.0", python_version=version)
    assert names(packages) == {"cowsay": "6.1", "humanize": "4.9.0"}
    assert all(package.requires_python for package in packages)
    install(cache, prefix, packages)
    second = tmp_path / "second"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", second], check=True, timeout=60)
    install(cache, second, packages, environ={**os.environ, "UV_OFFLINE": "1"})
    assert set(installed(second)) == {"cowsay", "humanize"}
    said = subprocess.run([second / "bin" / "cowsay", "-t", "moo"], capture_output=True, timeout=60)
    assert b"moo" in said.stdout
