"""Stores on disks that are full, and stores that may only be read."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.support.builder import Commands
from tests.support.store_check import build_statuses, check_store, listing
from tests.support.synthetic import Lab, small_channel, small_lab

NOBODY = 65_534
KB = 1024


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_channel(tmp_path_factory.mktemp("disk") / "channel")


@contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[None]:
    """Something mounted at a folder; skips where this process may not mount."""
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root may mount")
    done = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Disk:
    """A small disk with a store of one environment on it, and a file that fills it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.filler = lab.store / "filler"

    def fill(self, *, leave: int) -> None:
        """Leave so many bytes."""
        status = os.statvfs(self.lab.store)
        size = status.f_bavail * status.f_frsize - leave
        with self.filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)

    def free(self) -> None:
        self.filler.unlink()


@pytest.fixture
def disk(made: Path, tmp_path: Path) -> Iterator[Disk]:
    store = tmp_path / "store"
    store.mkdir()
    with (
        mounted(store, "-t", "tmpfs", "-o", "size=16m", "tmpfs"),
        small_lab(tmp_path, made) as lab,
    ):
        assert lab.build("lab/fit", "text", "python").result["active"]
        yield Disk(lab)


def without_filler(lab: Lab) -> dict[str, int]:
    return {path: size for path, size in listing(lab.store).items() if path != "filler"}


class TestAFullDisk:
    def fails(self, disk: Disk, *dependencies: str) -> None:
        lab = disk.lab
        before = without_filler(lab)
        problem = lab.build("lab/fit", *dependencies).problem
        assert problem["code"] == "store-full", problem
        assert "condarium gc" in problem["hint"]
        assert without_filler(lab) == before
        disk.free()
        check_store(lab.store, settled=True)
        assert lab.build("lab/fit", *dependencies).result["active"]
        check_store(lab.store, settled=True)

    def test_while_a_package_is_fetched(self, disk: Disk) -> None:
        assert disk.lab.run("lock", "-f", disk.lab.spec("big")).code == 0
        disk.fill(leave=600 * KB)
        self.fails(disk, "big")

    def test_while_a_package_is_extracted(self, disk: Disk) -> None:
        assert disk.lab.run("lock", "-f", disk.lab.spec("big")).code == 0
        disk.fill(leave=1400 * KB)
        self.fails(disk, "big")

    @pytest.mark.parametrize("leave", [300, 150, 80, 40])
    def test_while_a_prefix_is_made_of_packages_that_are_there(
        self, disk: Disk, leave: int
    ) -> None:
        """How far it gets depends on how much is left: linking, compiling, the database."""
        lab = disk.lab
        assert lab.build("lab/other", "tool", "text").code == 0
        assert lab.run("lock", "-f", lab.spec("many", "text", "tool", "python")).code == 0
        disk.fill(leave=leave * KB)
        before = without_filler(lab)
        done = lab.build("lab/fit", "many", "text", "tool", "python")
        if done.code:
            assert done.problem["code"] == "store-full", done.error
            assert without_filler(lab) == before
        disk.free()
        check_store(lab.store, settled=True)
        assert lab.build("lab/fit", "many", "text", "tool", "python").code == 0
        check_store(lab.store, settled=True)

    def test_while_the_database_is_written(self, disk: Disk) -> None:
        lab = disk.lab
        assert lab.build("lab/other", "many").code == 0
        disk.fill(leave=0)
        problem = lab.build("lab/fit", "many").problem
        assert problem["code"] in ("store-full", "database-failed")  # SQLite may call it otherwise
        disk.free()
        check_store(lab.store, settled=True)
        assert lab.build("lab/fit", "many").code == 0

    @pytest.mark.parametrize("leave", [0, 64])
    def test_gc_makes_room(self, disk: Disk, leave: int) -> None:
        """Without any room, the database cannot be opened before a leftover is gone."""
        lab = disk.lab
        assert lab.build("lab/other", "many").code == 0
        assert lab.run("env", "remove", "lab/other").code == 0
        (lab.store / "packages" / ".fetch-of-a-killed-build").write_bytes(b"x" * 300 * KB)
        disk.fill(leave=leave * KB)
        kinds = {each["kind"] for each in lab.run("gc").result["kinds"]}
        assert {"leftovers", "packages", "prefixes"} <= kinds
        disk.free()
        check_store(lab.store, settled=True)


READING = [
    ("env", "list"),
    ("env", "show", "lab/fit"),
    ("env", "history", "lab/fit"),
    ("env", "path", "lab/fit"),
    ("env", "run", "lab/fit", "--", "text"),
    ("env", "diff", "lab/fit", "1", "2"),
    ("env", "verify", "lab/fit"),
    ("env", "du"),
    ("gc", "--dry-run"),
]
WRITING = [
    ("env", "rollback", "lab/fit", "1"),
    ("env", "archive", "lab/fit", "1"),
    ("env", "remove", "lab/fit"),
    ("gc",),
]


@contextmanager
def two_generations(folder: Path, made: Path) -> Iterator[Lab]:
    with small_lab(folder, made) as lab:
        assert lab.build("lab/fit", "many").code == 0
        assert lab.build("lab/fit", "text").code == 0
        yield lab


def named(command: tuple[str, ...]) -> str:
    return " ".join(command[:2])


@pytest.fixture(scope="module")
def read_only(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("read-only")
    with (
        two_generations(folder, made) as lab,
        mounted(lab.store, "--bind", "-o", "ro", str(lab.store)),
    ):
        yield lab


@pytest.fixture(scope="module")
def foreign(made: Path) -> Iterator[Lab]:
    """A store that others than its owner use, who can reach it: pytest's folders are private."""
    if os.geteuid():
        pytest.skip("only root may become somebody else")
    with TemporaryDirectory(prefix="condarium-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with two_generations(folder, made) as lab:
            home = folder / "home"
            home.mkdir()
            home.chmod(0o777)
            lab.run = Commands(lab.store, home=home, user=NOBODY)
            yield lab


class TestAStoreOnAReadOnlyDisk:
    @pytest.mark.parametrize("command", READING, ids=named)
    def test_it_can_be_read(self, read_only: Lab, command: tuple[str, ...]) -> None:
        done = read_only.run(*command)
        assert done.code == 0, done.error

    def test_a_lock_is_answered_though_it_cannot_be_kept(self, read_only: Lab) -> None:
        spec = read_only.spec("text", "many")
        first, second = (read_only.run("lock", "-f", spec).result for _ in range(2))
        assert (first["solved"], second["solved"]) == (True, True)
        assert first["content"] == second["content"]

    def test_a_build_can_be_tried(self, read_only: Lab) -> None:
        for dependencies, changed in ((["text"], False), (["text", "many"], True)):
            spec = read_only.spec(*dependencies)
            done = read_only.run("env", "build", "lab/fit", "-f", spec, "--dry-run").result
            assert (done["changed"], done["dry_run"]) == (changed, True)

    @pytest.mark.parametrize("command", WRITING, ids=named)
    def test_what_changes_it_says_that_it_may_not(
        self, read_only: Lab, command: tuple[str, ...]
    ) -> None:
        assert read_only.run(*command).problem["code"] == "store-read-only"

    def test_a_build_says_that_it_may_not(self, read_only: Lab) -> None:
        problem = read_only.build("lab/new", "text").problem
        assert problem["code"] == "store-read-only"
        assert "--store" in problem["hint"]


class TestAStoreOfSomebodyElse:
    @pytest.mark.parametrize("command", READING, ids=named)
    def test_it_can_be_read(self, foreign: Lab, command: tuple[str, ...]) -> None:
        done = foreign.run(*command)
        assert done.code == 0, done.error

    def test_a_lock_is_answered_though_it_cannot_be_kept(self, foreign: Lab) -> None:
        spec = foreign.spec("text", "many")
        first, second = (foreign.run("lock", "-f", spec).result for _ in range(2))
        assert (first["solved"], second["solved"]) == (True, True)
        assert first["content"] == second["content"]

    def test_a_build_can_be_tried(self, foreign: Lab) -> None:
        for dependencies, changed in ((["text"], False), (["text", "many"], True)):
            spec = foreign.spec(*dependencies)
            done = foreign.run("env", "build", "lab/fit", "-f", spec, "--dry-run").result
            assert (done["changed"], done["dry_run"]) == (changed, True)

    @pytest.mark.parametrize("command", WRITING, ids=named)
    def test_what_changes_it_says_that_one_may_not(
        self, foreign: Lab, command: tuple[str, ...]
    ) -> None:
        assert foreign.run(*command).problem["code"] == "store-read-only"

    def test_a_build_says_that_one_may_not(self, foreign: Lab) -> None:
        assert foreign.build("lab/new", "text").problem["code"] == "store-read-only"


def test_a_file_in_place_of_a_store_is_told(made: Path, tmp_path: Path) -> None:
    with small_lab(tmp_path, made) as lab:
        lab.store.write_text("mine")
        problem = lab.build("lab/fit", "text").problem
        assert problem["code"] == "store-unusable"
        assert str(lab.store) in problem["message"]
        assert lab.store.read_text() == "mine"


def test_builds_that_failed_for_want_of_room_are_noted_once_there_is_some(disk: Disk) -> None:
    disk.fill(leave=900 * KB)
    assert disk.lab.build("lab/fit", "big").problem["code"] == "store-full"
    disk.free()
    assert disk.lab.run("gc").code == 0
    assert build_statuses(disk.lab.store)[-1] in ("failed", "interrupted")
