"""Any number of processes on one store, at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.builder import Running
from tests.support.channel import Made, make_channel
from tests.support.server import ChannelServer, Slow
from tests.support.store_check import altered_files, build_statuses, check_store
from tests.support.synthetic import Lab, small_channel, small_lab


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_channel(tmp_path_factory.mktemp("concurrency") / "channel")


@pytest.fixture
def lab(made: Path, tmp_path: Path) -> Iterator[Lab]:
    with small_lab(tmp_path, made) as lab:
        yield lab


def finish(running: list[Running]) -> list[int]:
    return [each.wait().code for each in running]


def test_eight_builds_from_a_cold_store_fetch_each_package_once(lab: Lab) -> None:
    lab.server.fault("big-*", Slow(2_000_000))
    wanted = [("big", "tool", f"more{i}", f"more{i + 1}") for i in range(8)]
    running = [lab.start(f"lab/e{i}", *each) for i, each in enumerate(wanted)]
    assert finish(running) == [0] * 8
    packages = {f"more{i}" for i in range(9)} | {"big", "tool", "python", "many", "text"}
    counts = {name: lab.server.count(f"{name}-*.conda") for name in packages}
    assert counts == dict.fromkeys(packages, 1)
    check_store(lab.store, settled=True)
    assert lab.run("gc").code == 0
    check_store(lab.store, settled=True, collected=True)


def test_equal_environments_are_one_prefix_that_is_made_once(lab: Lab) -> None:
    running = [lab.start(f"lab/e{i}", "tool") for i in range(6)]
    assert finish(running) == [0] * 6
    assert len({lab.prefix(f"lab/e{i}") for i in range(6)}) == 1
    assert len(list((lab.store / "prefixes").iterdir())) == 1
    check_store(lab.store, settled=True)


def test_builds_of_one_environment_are_numbered_without_gaps(lab: Lab) -> None:
    running = [lab.start("lab/fit", "text", f"more{i}") for i in range(6)]
    assert finish(running) == [0] * 6
    history = lab.run("env", "history", "lab/fit").result
    assert [each["generation"]["number"] for each in history["generations"]] == [1, 2, 3, 4, 5, 6]
    assert len({each["generation"]["prefix"] for each in history["generations"]}) == 6
    check_store(lab.store, settled=True)


def test_the_same_build_at_once_is_one_generation(lab: Lab) -> None:
    running = [lab.start("lab/fit", "text") for _ in range(4)]
    assert finish(running) == [0] * 4
    history = lab.run("env", "history", "lab/fit").result
    assert [each["generation"]["number"] for each in history["generations"]] == [1]
    check_store(lab.store, settled=True)


def test_gc_never_takes_what_builds_are_about_to_use(lab: Lab) -> None:
    building = [lab.start(f"lab/e{i}", "tool", f"more{i}") for i in range(4)]
    collections = 0
    while any(each.process.is_alive() for each in building):
        done = lab.run("gc")
        assert done.code == 0 or "no-such-store" in done.output  # the first build makes the store
        collections += 1
    assert finish(building) == [0] * 4
    assert collections
    check_store(lab.store, settled=True)
    for i in range(4):
        assert altered_files(lab.prefix(f"lab/e{i}")) == []


def test_rollback_gc_and_builds_of_one_environment_leave_it_consistent(lab: Lab) -> None:
    for package in ("more0", "more1"):
        assert lab.build("lab/fit", "text", package).code == 0
    running = []
    for i in range(2, 6):
        running.append(lab.start("lab/fit", "text", f"more{i}"))
        running.append(lab.run.start("env", "rollback", "lab/fit", "1"))
        running.append(lab.run.start("gc"))
    assert finish(running) == [0] * 12
    check_store(lab.store, settled=True)
    history = lab.run("env", "history", "lab/fit").result
    assert len(history["generations"]) == 6
    assert lab.prefix("lab/fit") == Path(lab.run("env", "path", "lab/fit").result["prefix"])


def test_archive_never_takes_a_prefix_that_another_environment_is_given(lab: Lab) -> None:
    for round_ in range(2):
        old, new = f"lab/old{round_}", f"lab/new{round_}"
        assert lab.build(old, "many", f"more{round_}").code == 0
        assert lab.build(old, "text").code == 0
        running = [
            lab.run.start("env", "archive", old, "1"),
            lab.start(new, "many", f"more{round_}"),
        ]
        assert finish(running) == [0, 0]
        assert altered_files(lab.prefix(new)) == []
    check_store(lab.store, settled=True)


def test_remove_and_build_at_once_leave_the_environment_or_none(lab: Lab) -> None:
    assert lab.build("lab/fit", "text").code == 0
    running = [lab.start("lab/fit", "many"), lab.run.start("env", "remove", "lab/fit")]
    assert finish(running) == [0, 0]
    check_store(lab.store)
    assert lab.run("gc").code == 0
    check_store(lab.store, settled=True, collected=True)
    assert "running" not in build_statuses(lab.store)


class TestTwoPackagesOfOneName:
    """Two channels have a file of the same name, and it is not the same package."""

    @pytest.fixture
    def other(self, tmp_path: Path) -> Iterator[ChannelServer]:
        twin = Made("more0", depends=["text"], files={"share/more/0": "another\n"})
        text = Made("text", files={"share/text": "another text\n"})
        with ChannelServer(make_channel(tmp_path / "twin", [twin, text])) as server:
            yield server

    def content(self, lab: Lab, name: str) -> str:
        assert altered_files(lab.prefix(name)) == []
        return (lab.prefix(name) / "share" / "more" / "0").read_text().splitlines()[0]

    def test_in_turn_each_environment_has_its_own(self, lab: Lab, other: ChannelServer) -> None:
        theirs = lab.spec("more0", "text", channels=(other.url,))
        for i in range(3):
            assert lab.run("env", "build", f"lab/theirs{i}", "-f", theirs).code == 0
            assert lab.build(f"lab/ours{i}", "more0", f"more{i + 1}").code == 0
            assert self.content(lab, f"lab/theirs{i}") == "another"
            assert self.content(lab, f"lab/ours{i}") == "more 0"
        check_store(lab.store, settled=True)

    def test_at_once_each_environment_has_its_own(self, lab: Lab, other: ChannelServer) -> None:
        theirs = lab.spec("more0", "text", channels=(other.url,))
        more = [lab.spec("more0", f"more{i}") for i in range(1, 5)]
        running = [lab.run.start("env", "build", "lab/theirs", "-f", theirs)]
        running += [
            lab.run.start("env", "build", f"lab/ours{i}", "-f", spec) for i, spec in enumerate(more)
        ]
        assert finish(running) == [0] * 5
        assert self.content(lab, "lab/theirs") == "another"
        for i in range(4):
            assert self.content(lab, f"lab/ours{i}") == "more 0"
        check_store(lab.store, settled=True)
