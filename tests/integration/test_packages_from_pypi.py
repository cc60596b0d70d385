"""Packages made of wheels and of a Python, installed by rattler itself and used."""

import asyncio
import base64
import csv
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rattler import Gateway, VirtualPackage, install, solve
from tests.support.channel import PREFIX, Link, Made, make_channel
from tests.support.wheel_index import Simple, wheel_index
from tests.support.wheels import make_wheel

from condarium.channels.making.interpreter import PythonNotPackaged, package_python
from condarium.channels.making.static import index_channel
from condarium.channels.making.wheels import host_subdir, import_wheels
from condarium.engine.packages.packaging import BadPackage
from condarium.engine.pypi.fetching import WheelNotFetched

DEBIAN = Path("/usr/bin/python3")


def build(channel: Path, specs: Sequence[str], prefix: Path, cache: Path) -> dict[str, str]:
    """Install specs with bare rattler; give the versions that came."""

    async def run() -> dict[str, str]:
        records = await solve(
            [channel.as_uri()],
            list(specs),
            platforms=[host_subdir(), "noarch"],
            virtual_packages=[found.into_generic() for found in VirtualPackage.detect()],
            gateway=Gateway(cache_dir=cache / "repodata"),
        )
        await install(records, prefix, cache_dir=cache / "packages", show_progress=False)
        return {record.name.normalized: str(record.version) for record in records}

    return asyncio.run(run())


def out(*command: object) -> str:
    environ = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=120, env=environ
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def prefix(channel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("env")
    build(channel, ["python", "pip", "pandas", "rich"], folder / "prefix", folder)
    return folder / "prefix"


def test_the_environment_imports_what_it_has_and_what_the_system_gives(prefix: Path) -> None:
    code = "import pandas, ssl, sqlite3, ctypes, lzma, bz2, hashlib, sys; print(sys.prefix)"
    assert out(prefix / "bin/python", "-c", code) == str(prefix)


def test_the_environment_knows_nothing_of_where_its_python_came_from(prefix: Path) -> None:
    code = (
        "import json, sys, sysconfig;"
        "print(json.dumps([sys.path, sysconfig.get_paths(), sysconfig.get_config_vars()]))"
    )
    path, paths, variables = json.loads(out(prefix / "bin/python", "-c", code))
    assert all(entry.startswith(str(prefix)) for entry in path if entry)
    assert all(entry.startswith(str(prefix)) for entry in paths.values())
    assert variables["LIBDIR"] == f"{prefix}/lib"
    if sys.base_prefix != "/usr":
        assert sys.base_prefix not in json.dumps(variables).replace(str(prefix), "")


def test_pip_sees_every_package_and_finds_nothing_broken(prefix: Path) -> None:
    listed = json.loads(out(prefix / "bin/pip", "list", "--format", "json"))
    assert {"pandas", "numpy", "rich", "pip"} <= {one["name"] for one in listed}
    assert "No broken requirements" in out(prefix / "bin/pip", "check")
    assert str(prefix) in out(prefix / "bin/pip", "--version")


@pytest.mark.parametrize("script", ["f2py -v", "pip --version", "pygmentize -V"])
def test_console_scripts_run(prefix: Path, script: str) -> None:
    program, option = script.split()
    assert out(prefix / "bin" / program, option)


def test_every_file_is_as_its_record_says(prefix: Path) -> None:
    site = next(prefix.glob("lib/python3*/site-packages"))
    records = sorted(site.glob("*.dist-info/RECORD"))
    assert len(records) >= 8
    for record in records:
        for path, digest, _ in csv.reader(record.read_text().splitlines()):
            content = (site / path).read_bytes()
            found = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            assert not digest or digest == f"sha256={found.decode()}", path


def test_the_python_of_the_system_uses_site_packages_too(channel: Path, tmp_path: Path) -> None:
    if not DEBIAN.exists() or DEBIAN.resolve() == Path(sys.executable).resolve():
        pytest.skip("there is no other Python in /usr/bin")
    made = package_python(into=tmp_path / "channel", python=DEBIAN)
    (made.parent.parent / "noarch").mkdir()
    for name in ("pip", "rich", "pygments", "markdown-it-py", "mdurl"):
        source = next((channel / "noarch").glob(f"{name}-[0-9]*"))
        os.link(source, made.parent.parent / "noarch" / source.name)
    index_channel(tmp_path / "channel")
    prefix = tmp_path / "prefix"
    build(tmp_path / "channel", ["python", "pip", "rich"], prefix, tmp_path)
    code = "import rich, ssl, sysconfig; print(rich.__file__, sysconfig.get_path('purelib'))"
    file, purelib = out(prefix / "bin/python", "-c", code).split()
    assert file.startswith(f"{purelib}/rich/")
    assert purelib.startswith(f"{prefix}/lib/python3")
    assert out(prefix / "bin/pip", "--version").startswith("pip")


def test_what_is_no_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PythonNotPackaged, match="it does not run"):
        package_python(into=tmp_path, python=Path("/bin/false"))


def test_a_made_channel_installs_what_it_describes(tmp_path: Path) -> None:
    channel = make_channel(
        tmp_path / "channel",
        [
            Made("lib", files={"lib/a.txt": f"in {PREFIX}\n", "lib/b.txt": Link("a.txt")}),
            Made("lib", "2.0", files={}),
            Made(
                "tool",
                subdir=host_subdir(),
                depends=["lib <2"],
                files={"bin/tool": f"#!/bin/sh\necho {PREFIX}\n", "share/.hidden": "x"},
            ),
        ],
    )
    prefix = tmp_path / "prefix"
    came = build(channel, ["tool"], prefix, tmp_path)
    assert came == {"tool": "1.0", "lib": "1.0"}
    assert out(prefix / "bin/tool") == str(prefix)
    assert (prefix / "lib/b.txt").read_text() == f"in {prefix}\n"
    assert (prefix / "share/.hidden").read_text() == "x"


def test_a_binary_keeps_its_length_when_the_prefix_is_written_into_it(tmp_path: Path) -> None:
    content = b"\x7f\0" + PREFIX.encode() + b"/share\0end"
    channel = make_channel(tmp_path / "channel", [Made("lib", files={"lib/a.bin": content})])
    build(channel, ["lib"], tmp_path / "prefix", tmp_path)
    found = (tmp_path / "prefix/lib/a.bin").read_bytes()
    assert len(found) == len(content)
    assert found.startswith(b"\x7f\0" + f"{tmp_path}/prefix/share\0".encode())


@pytest.fixture
def index(tmp_path: Path) -> Iterator[tuple[type[Simple], dict[str, str]]]:
    """An index of a few wheels, and the environment that names it."""
    folder = tmp_path / "wheels"
    make_wheel(folder, "app", requires=["Web.Kit[fast]>=1", "none; sys_platform == 'win32'"])
    make_wheel(folder, "web-kit", "1.5", requires=["speed~=2.0; extra == 'fast'"])
    make_wheel(folder, "speed", "2.3")
    make_wheel(folder, "speed", "3.0")
    with wheel_index(folder, tmp_path) as index:
        yield index


def test_requirements_are_imported_with_what_they_require(
    tmp_path: Path, index: tuple[type[Simple], dict[str, str]]
) -> None:
    made = import_wheels(
        ["app"], into=tmp_path / "channel", python="3.11", platform="linux-64", environ=index[1]
    )
    index_channel(tmp_path / "channel")
    found = json.loads((tmp_path / "channel/noarch/repodata.json").read_text())
    depends = {one["name"]: one["depends"] for one in found["packages.conda"].values()}
    assert len(made) == 3
    assert depends == {
        "app": ["python", "speed >=2.0,2.*", "web-kit >=1", "__unix"],
        "web-kit": ["python"],
        "speed": ["python"],
    }


def test_an_index_that_fails_for_a_moment_is_asked_again(
    tmp_path: Path, index: tuple[type[Simple], dict[str, str]]
) -> None:
    handler, environ = index
    handler.failures = 2
    assert import_wheels(["speed<3"], into=tmp_path, python="3.11", environ=environ)
    assert handler.failures == 0


def test_a_wheel_that_is_not_what_its_index_says_is_refused(
    tmp_path: Path, index: tuple[type[Simple], dict[str, str]]
) -> None:
    handler, environ = index
    handler.wrong = "web_kit"
    with pytest.raises(WheelNotFetched, match=r"web-kit 1\.5 .* its SHA-256 is"):
        import_wheels(["app"], into=tmp_path / "channel", python="3.11", environ=environ)
    assert not (tmp_path / "channel").exists()


@pytest.mark.parametrize("path", ["../a", "/a", "info/link.json", "a//b"])
def test_a_package_has_no_file_outside_of_the_prefix(tmp_path: Path, path: str) -> None:
    with pytest.raises(BadPackage):
        make_channel(tmp_path, [Made("evil", files={path: ""})])


def test_an_empty_channel_has_its_indexes(tmp_path: Path) -> None:
    make_channel(tmp_path / "channel")
    found = json.loads((tmp_path / "channel/noarch/repodata.json").read_text())
    assert found["packages.conda"] == {}
    assert (tmp_path / "channel/noarch/repodata_shards.msgpack.zst").exists()
