"""A channel is changed whole or not at all, whenever whoever changes it is killed.

Kills come before a chosen step (tests/support/builder.py), which makes them the same in every run.
"""

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from tests.support.builder import Commands
from tests.support.channel import Made, make_package
from tests.support.hosting import hosted_store

from condarium.channels.verifying import verify
from condarium.channels.views.catalogue import Catalogue
from condarium.model.progress import Quiet
from condarium.model.view import ChannelName, View

State = tuple[int, dict[str, str]]
"""A channel's head, and the digests of what its labels show."""

LAB = ChannelName("lab")
OFTEN = [("noarch", "often")]
BASE = [Made("tool", f"{n}.0", depends=["text >=1"]) for n in range(4)]
MORE = [Made(name, "9.0", subdir=subdir) for name in ("tool", "text", "new")
        for subdir in ("noarch", "linux-64")]  # fmt: skip
RULES = 'if:\n  name: tool\nthen:\n  - add_depends: "extra >=2"\n'


@dataclass(frozen=True)
class Case:
    """A command that makes one revision, and at how many of its steps to kill it."""

    words: tuple[str, ...]
    moments: int

    @property
    def name(self) -> str:
        return " ".join(word for word in self.words[:3] if word != "lab")


CASES = [
    Case(("channel", "publish", "lab", "MORE", "--label", "dev"), 12),
    Case(("channel", "label", "promote", "lab", "dev", "main"), 8),
    Case(("channel", "patch", "add", "lab", "RULES"), 8),
    Case(("channel", "revert", "lab", "r2"), 6),
    Case(("channel", "remove-package", "lab", "tool >=2"), 6),
]


class Shelf:
    """A store to begin with, made once and copied for every kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base = [str(make_package(made, into=folder / "base")) for made in BASE]
        self.more = [str(make_package(made, into=folder / "more")) for made in MORE]
        (folder / "rules.yaml").write_text(RULES)
        run = Commands(folder / "store", home=folder)
        assert run("channel", "create", "lab").code == 0
        assert run("channel", "publish", "lab", *self.base[:2]).code == 0
        assert run("channel", "publish", "lab", *self.base[2:], "--label", "dev").code == 0
        self.states = cache(self._states)

    def take(self, folder: Path) -> Commands:
        folder.mkdir(exist_ok=True)
        shutil.copytree(self.folder / "store", folder / "store")
        return Commands(folder / "store", home=folder)

    def command(self, case: Case) -> list[str]:
        given: dict[str, list[str]] = {"MORE": self.more, "RULES": [f"{self.folder}/rules.yaml"]}
        return [word for each in case.words for word in given.get(each, [each])]

    def _states(self, case: Case) -> tuple[State, State, int]:
        """What there is before a command and after it, and how many steps it takes."""
        run = self.take(self.folder / case.name)
        before = state(run.store)
        running = run.start(*self.command(case), kill_at=10**9)
        done = running.wait()
        assert done.code == 0, done
        return before, state(run.store), len(running.steps())


def state(root: Path) -> State:
    """The head and what every label shows; everything must be as the facts say."""
    with hosted_store(root.parent) as store:
        found = verify(store, LAB, all_revisions=True, read=True, progress=Quiet())
        assert found.problems == ()
        catalogue = Catalogue(store)
        labels = ("main", "dev")
        maps = {label: catalogue.open(View(channel=LAB, label=label)).maps for label in labels}
        shown = {
            f"{label}/{subdir}/{name}": digest.hex()
            for label in labels
            for subdir, names in maps[label].items()
            for name, digest in names.items()
        }
    return found.revision, shown


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("kill"))


@pytest.mark.parametrize(
    ("case", "moment"),
    [(case, moment) for case in CASES for moment in range(case.moments)],
    ids=lambda value: value.name if isinstance(value, Case) else str(value),
)
def test_after_a_kill_there_is_the_revision_or_none(
    shelf: Shelf, tmp_path: Path, case: Case, moment: int
) -> None:
    before, after, steps = shelf.states(case)
    run = shelf.take(tmp_path)
    step = 1 + moment * (steps - 1) // (case.moments - 1)
    killed = run.start(*shelf.command(case), kill_at=step).wait()
    assert killed.killed, f"step {step} of {steps} was not reached: {killed}"
    found = state(run.store)
    assert found == before or same(found, after)
    assert run("gc").code == 0
    assert state(run.store) == found
    if found == before:
        assert run(*shelf.command(case)).code == 0
    assert same(state(run.store), after)


def same(found: State, expected: State) -> bool:
    """Equal but for the instants at which files came, which shards say."""
    return (found[0], found[1].keys()) == (expected[0], expected[1].keys())


def test_the_kills_are_spread_over_all_that_a_publish_does(shelf: Shelf, tmp_path: Path) -> None:
    run = shelf.take(tmp_path)
    running = run.start(*shelf.command(CASES[0]), kill_at=10**9)
    assert running.wait().code == 0
    told = "\n".join(running.steps())
    for what in ("files", "facts", "shards", "revisions", "audit"):
        assert f"sql INSERT INTO {what}" in told
    assert "commit" in told


def test_nothing_that_was_acknowledged_is_lost_in_many_kills(shelf: Shelf, tmp_path: Path) -> None:
    """Kills at arbitrary instants, one after the other on the same store."""
    run = shelf.take(tmp_path)
    acknowledged = []
    for number in range(12):
        package = make_package(Made("often", f"{number}.0"), into=tmp_path / "often")
        running = run.start("channel", "publish", "lab", str(package))
        running.process.join(0.1 + 0.08 * number)
        running.kill()
        if running.wait().code == 0:
            acknowledged.append(package.name)
    assert acknowledged
    head, _ = state(run.store)
    with hosted_store(tmp_path) as store, store.database.read() as facts:
        channel = facts.channels.get(LAB)
        held = {fact.file_name for fact in facts.holdings.about(channel, OFTEN, at=head)}
    assert held >= set(acknowledged)
    assert len(held) == head - 2
