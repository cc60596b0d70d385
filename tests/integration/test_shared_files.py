"""What prefixes share, and who may read it."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.synthetic import Lab, small_channel, small_lab

from condarium.environments.prefixes import MARKER, is_whole
from condarium.storage.failures import say_blobs_error
from condarium.storage.layout import Layout
from condarium.storage.locks import locked


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_channel(tmp_path_factory.mktemp("shared") / "channel")


@pytest.fixture
def lab(made: Path, tmp_path: Path) -> Iterator[Lab]:
    with small_lab(tmp_path, made) as lab:
        yield lab


def bytecode(prefix: Path) -> list[Path]:
    found = sorted(prefix.rglob("*.pyc"))
    assert found
    return found


def test_all_bytecode_of_a_real_python_is_shared_and_nothing_is_left(
    channel: Path, tmp_path: Path
) -> None:
    with small_lab(tmp_path, channel) as lab:
        assert lab.build("lab/fit", "python", timeout=120).code == 0
        alone = [each for each in bytecode(lab.prefix("lab/fit")) if each.stat().st_nlink == 1]
        assert alone == []
        assert json.loads(lab.run("gc", "--dry-run").output)["kinds"] == []
        python = lab.prefix("lab/fit") / "bin" / "python"
        code = "import json.decoder as d; print(d.__cached__)"
        imported = subprocess.check_output([python, "-I", "-c", code], text=True, timeout=60)
        assert Path(imported.strip()).stat().st_nlink > 1


def test_a_new_environment_does_not_get_bytecode_that_somebody_wrote_to(lab: Lab) -> None:
    assert lab.build("lab/fit", "tool").code == 0
    harmed = bytecode(lab.prefix("lab/fit"))[0]
    right = harmed.read_bytes()
    harmed.write_bytes(b"?" * len(right))
    assert lab.build("lab/new", "tool", "big").code == 0
    assert (lab.prefix("lab/new") / harmed.relative_to(lab.prefix("lab/fit"))).read_bytes() == right


def test_a_builder_who_keeps_files_to_themselves_shares_what_they_build(
    lab: Lab,
) -> None:
    lab.store.mkdir()
    lab.store.chmod(0o755)
    program = Path(sys.executable).with_name("condarium")
    command = [program, "--store", lab.store, "env", "build", "lab/fit", "-f", lab.spec("tool")]
    home = {"HOME": str(lab.folder), "PATH": os.defpath}
    subprocess.run(command, check=True, capture_output=True, timeout=60, umask=0o077, env=home)
    hidden = [
        str(path.relative_to(lab.store))
        for path in lab.store.rglob("*")
        if not path.is_symlink() and not _all_may_read(path)
    ]
    assert [path for path in hidden if not path.startswith("repodata/shards-")] == []


def _all_may_read(path: Path) -> bool:
    wanted = 0o055 if path.is_dir() else 0o044
    return stat.S_IMODE(path.stat().st_mode) & wanted == wanted


def test_a_lock_may_be_taken_by_all_who_may_write_to_the_store(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    before = os.umask(0o077)
    try:
        with locked(tmp_path / "locks" / "store"), locked(tmp_path / "locks" / "prefix" / "a"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "locks" / "store").stat().st_mode) == 0o666
    assert stat.S_IMODE((tmp_path / "locks" / "prefix").stat().st_mode) == 0o777


def test_a_prefix_that_may_not_be_seen_is_not_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    (tmp_path / "prefixes" / "a" / MARKER.parent).mkdir(parents=True)
    monkeypatch.setattr(Path, "exists", refuse)
    assert not is_whole(Layout(tmp_path), "a")


def test_a_blob_that_may_not_be_read_is_not_said_to_be_unwritable() -> None:
    said = say_blobs_error(PermissionError(13, "Permission denied"), reading=True)
    assert said.code == "store-unreadable"
    assert "may not be read" in said.message
