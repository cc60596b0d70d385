"""Whatever is killed, and whenever: the next command finds a store that it can use.

Most kills come before a chosen step of Python's (tests/support/builder.py), which makes them the
same in every run; some come while rattler downloads, extracts and links.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from tests.support.builder import Running, wait_until
from tests.support.server import Slow
from tests.support.store_check import build_statuses, check_store, listing
from tests.support.synthetic import Lab, small_channel, small_lab


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Shelf"]:
    folder = tmp_path_factory.mktemp("kill")
    with small_lab(folder, small_channel(folder / "channel")) as lab:
        yield Shelf(lab)


@dataclass
class Shelf:
    """Stores to begin with, each made once and copied for every test."""

    lab: Lab

    def __post_init__(self) -> None:
        self.prepared = cache(self._prepare)
        self.steps = cache(self._count)

    def take(self, case: "Case", folder: Path) -> Lab:
        """A lab whose store is a copy of what the case begins with."""
        lab = Lab(folder, self.lab.server, type(self.lab.run)(folder / "store", home=folder))
        if template := self.prepared(case.begin):
            copied = ["cp", "-a", str(template), str(lab.store)]  # keeps hard links
            subprocess.run(copied, check=True)
        return lab

    def _prepare(self, begin: Callable[[Lab], None]) -> Path | None:
        folder = self.lab.folder / f"begin-{begin.__name__}"
        folder.mkdir()
        lab = Lab(folder, self.lab.server, type(self.lab.run)(folder / "store", home=folder))
        begin(lab)
        return lab.store if lab.store.exists() else None

    def _count(self, case: "Case") -> list[str]:
        folder = self.lab.folder / f"count-{case.name}"
        folder.mkdir()
        lab = self.take(case, folder)
        running = lab.run.start(*case.command(lab), kill_at=10**9)
        assert running.wait().code == 0
        shutil.rmtree(lab.store)
        return running.steps()


@dataclass(frozen=True)
class Case:
    """A command to kill, what it begins with, and what somebody types next."""

    name: str
    begin: Callable[[Lab], None]
    command: Callable[[Lab], list[str]]
    then: Callable[[Lab], list[str]]
    moments: int


def nothing(lab: Lab) -> None: ...


def one_generation(lab: Lab) -> None:
    assert lab.build("lab/fit", "tool").result["generation"] == 1


def two_generations(lab: Lab) -> None:
    one_generation(lab)
    assert lab.build("lab/fit", "tool", "more1").result["generation"] == 2


def an_archived_generation(lab: Lab) -> None:
    two_generations(lab)
    assert lab.run("env", "archive", "lab/fit", "1").result["generations"]


def garbage(lab: Lab) -> None:
    two_generations(lab)
    assert lab.build("lab/gone", "more2", "more3").code == 0
    assert lab.run("env", "remove", "lab/gone").code == 0


def a_damaged_file(lab: Lab) -> None:
    one_generation(lab)
    (lab.prefix("lab/fit") / "share" / "many" / "0" / "0.txt").write_text("damaged\n")


def build_tool(lab: Lab) -> list[str]:
    return ["env", "build", "lab/fit", "-f", lab.spec("tool", "big")]


def typed(*words: str) -> Callable[[Lab], list[str]]:
    return lambda lab: list(words)


CASES = [
    Case("first build", nothing, build_tool, build_tool, 14),
    Case("next build", one_generation, build_tool, build_tool, 10),
    Case(
        "rollback",
        two_generations,
        typed("env", "rollback", "lab/fit", "1"),
        typed("env", "path", "lab/fit"),
        6,
    ),
    Case(
        "archive",
        two_generations,
        typed("env", "archive", "lab/fit", "1"),
        typed("env", "list"),
        6,
    ),
    Case(
        "restore",
        an_archived_generation,
        typed("env", "restore", "lab/fit", "1"),
        typed("env", "restore", "lab/fit", "1"),
        8,
    ),
    Case("gc", garbage, typed("gc"), typed("env", "path", "lab/fit"), 8),
    Case(
        "remove",
        two_generations,
        typed("env", "remove", "lab/fit"),
        typed("env", "list"),
        4,
    ),
    Case(
        "repair",
        a_damaged_file,
        typed("env", "verify", "lab/fit", "--repair"),
        typed("env", "verify", "lab/fit", "--repair"),
        8,
    ),
]


BUILDS = CASES[:2]
LAST_STEPS = (
    "conda-meta/condarium.new",
    "sql INSERT INTO generations",
    "sql INSERT INTO activations",
    "sql UPDATE builds",
    "sql INSERT INTO audit",
    "os.symlink",
    "envs/lab/fit'",
)


@pytest.mark.parametrize(
    ("case", "moment"),
    [(case, moment) for case in CASES for moment in range(case.moments)]
    + [(case, step) for case in BUILDS for step in LAST_STEPS],
    ids=lambda value: value.name if isinstance(value, Case) else str(value),
)
def test_after_a_kill_at_any_step_the_store_is_used_without_repair(
    shelf: Shelf, tmp_path: Path, case: Case, moment: int | str
) -> None:
    lab = shelf.take(case, tmp_path)
    if isinstance(moment, int):
        moment = moments(shelf.steps(case), case.moments)[moment]
    killing = lab.run.start(*case.command(lab), kill_at=moment)
    killed = killing.wait()
    assert killed.killed, f"{moment} was not reached: {killed}"
    if case.begin is not a_damaged_file:
        check_store(lab.store)
    after = lab.run(*case.then(lab))
    assert after.code == 0, f"killed after {killing.steps()[-1:]}: {after}"
    check_store(lab.store, settled=True)
    assert lab.run("gc").code == 0
    check_store(lab.store, settled=True, collected=True)
    assert "running" not in build_statuses(lab.store)


def moments(steps: list[str], count: int) -> list[int]:
    """Choose `count` steps to die at, spread over what differs: a long removal counts once."""
    kinds = [step.split()[0] for step in steps]
    turns = [
        number
        for number, kind in enumerate(kinds, 1)
        if number < 3 or kind != kinds[number - 2] or kind != kinds[number - 3]
    ]
    # a run may have fewer steps than the one that was counted: it need not wait for a lock
    spare = max(8, len(turns) // 8) if len(turns) > 60 else 1
    last = len(turns) - 1 - spare
    return [turns[i * last // max(1, count - 1)] for i in range(count)]


def test_the_kills_are_spread_over_all_that_a_build_does(shelf: Shelf) -> None:
    steps = shelf.steps(CASES[0])
    told = "\n".join(steps)
    for what in (
        "sqlite3.connect",
        "locks/store",
        ".fetch-",
        "locks/linking",
        "subprocess.Popen",
        "bytecode",
        "conda-meta/condarium",
        "sql INSERT INTO generations",
        "commit",
        "os.symlink",
    ):
        assert what in told
    assert sum(case.moments for case in CASES) >= 50


def fetching(lab: Lab) -> bool:
    sizes = [size_of(path) for path in lab.store.glob("packages/.fetch-*/big-*")]
    return max(sizes, default=0) > 100_000


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # it went into place meanwhile
        return 0


def extracting(lab: Lab) -> bool:
    return any(lab.store.glob("packages/.fetch-*/content/share/many/*"))


def linking(lab: Lab) -> bool:
    return any(lab.store.glob("prefixes/*/share/many/3"))


def compiling(lab: Lab) -> bool:
    return any(lab.store.glob("bytecode/*/*/*"))


@pytest.mark.parametrize("happens", [fetching, extracting, linking, compiling])
def test_a_build_killed_inside_of_rattler_is_made_whole_by_the_next(
    shelf: Shelf, tmp_path: Path, happens: Callable[[Lab], bool]
) -> None:
    lab = shelf.take(CASES[0], tmp_path)
    if happens is fetching:
        lab.server.fault("big-*", Slow(400_000, times=1))
    running = lab.run.start(*build_tool(lab))
    wait_until(lambda: happens(lab), running)
    running.kill()
    assert running.wait().killed
    lab.server.heal()
    check_store(lab.store)
    assert lab.run(*build_tool(lab)).result["active"]
    check_store(lab.store, settled=True)
    assert lab.run("gc").code == 0
    check_store(lab.store, settled=True, collected=True)


def test_many_kills_in_a_row_leave_what_one_build_leaves(shelf: Shelf, tmp_path: Path) -> None:
    """Kills at arbitrary instants, one after the other on the same store."""
    lab = shelf.take(CASES[0], tmp_path)
    lab.server.fault("*.conda", Slow(2_000_000))
    try:
        for pause in range(16):
            running: Running = lab.run.start(*build_tool(lab))
            running.process.join(0.04 * (pause + 1))
            running.kill()
            running.wait()
    finally:
        lab.server.heal()
    assert lab.run(*build_tool(lab)).code == 0
    assert lab.run("gc").code == 0
    check_store(lab.store, settled=True, collected=True)
    undisturbed = Lab(tmp_path, lab.server, type(lab.run)(tmp_path / "other", home=tmp_path))
    assert undisturbed.run(*build_tool(undisturbed)).code == 0
    assert set(listing(lab.store)) == set(listing(undisturbed.store))
