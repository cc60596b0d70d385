"""Laws of environments, held by a real store under any sequence of operations."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.support.channel import PREFIX, Link, Made, make_channel
from tests.support.store_check import check_store

from condarium.app import App, operations
from condarium.engine.solving.virtual_packages import host_platform
from condarium.environments.activation import points_to
from condarium.environments.prefixes import MARKER, is_whole
from condarium.errors import (
    ActiveGeneration,
    GenerationArchived,
    NoSuchEnvironment,
    NoSuchGeneration,
    NoSuchNamespace,
    NothingEarlier,
)
from condarium.model.actor import Actor
from condarium.model.document import Document
from condarium.model.environment import Environment, Generation
from condarium.model.names import EnvironmentName
from condarium.settings import Settings
from condarium.storage.store import Store

NAMES = [EnvironmentName("lab", "a"), EnvironmentName("lab", "b"), EnvironmentName("far", "a")]

PACKAGES = [
    Made("base", "1.0", files={"share/base": f"base 1 in {PREFIX}\n", "share/old": "old\n"}),
    Made("base", "2.0", files={"share/base": f"base 2 in {PREFIX}\n", "share/link": Link("base")}),
    Made(
        "python",
        "3.11.0",
        files={
            "bin/python3.11": f'#!/bin/sh\n# {PREFIX}\nexec {sys.executable} "$@"\n',
            "bin/python": Link("python3.11"),
        },
    ),
    *(
        Made(
            "tool",
            version,
            noarch="python",
            depends=["python"],
            entry_points=["tool = tool:main"],
            files={"site-packages/tool.py": f"def main():\n    print({version!r})\n"},
        )
        for version in ("1.0", "2.0")
    ),
]

SPECS: list[dict[str, Any]] = [
    {"dependencies": ["base =1"]},
    {"dependencies": ["base =2"]},
    {"dependencies": ["base =2"], "platforms": [host_platform(), "osx-arm64"]},
    {"dependencies": ["base =2"], "variables": {"MODE": "fast"}},
    {"dependencies": ["tool =1", "base =1"]},
    {"dependencies": ["tool =2", "base =1"]},
]
"""The second and the third are the same on this machine: other locks, one prefix."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_channel(tmp_path_factory.mktemp("laws") / "channel", PACKAGES)


class Clock:
    """It stands, but for those who set it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


class Lab:
    """A store, and its operations called as every face calls them."""

    def __init__(self, folder: Path, channel: str) -> None:
        self.folder, self.channel = folder, channel
        environ = {"HOME": str(folder), "PATH": os.environ["PATH"]}
        given = Settings.read(environ, store=folder / "store")
        self.app = App(given, actor=Actor(name="ada"))
        self.clock = Clock()
        self.store = self.app.store = Store(given, now=self.clock)

    def call(self, operation: str, **arguments: Any) -> Any:
        return self.app.call(operations()[operation], arguments)

    def build(self, name: EnvironmentName, spec: int, **arguments: Any) -> Any:
        content = json.dumps({"channels": [self.channel], **SPECS[spec]}).encode()
        return self.call(
            "env build", environment=name, file=Document("e.yml", content), **arguments
        )

    def environments(self) -> dict[EnvironmentName, Environment]:
        with self.store.database.read() as facts:
            return {each.name: each for each in facts.environments.all()}

    def generations(self) -> dict[tuple[EnvironmentName, int], Generation]:
        with self.store.database.read() as facts:
            found = facts.environments.all_generations()
        return {(each.environment, each.number): each for each in found}

    def contents(self, prefix: str) -> dict[str, str]:
        """Every file of a prefix with its kind, mode and hash.

        The marker names the lock that the prefix was made from, which two may be; it is left out.
        """
        folder = self.store.layout.prefix(prefix)
        return {
            str(path.relative_to(folder)): _content(path)
            for path in folder.rglob("*")
            if path.relative_to(folder) != MARKER
        }


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    if path.is_dir():
        return "folder"
    return f"{path.stat().st_mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def without_state(generation: Generation) -> Generation:
    """A generation but for what may become of it: active or not, archived or not."""
    return replace(generation, active=False, archived_at=None)


class Laws(RuleBasedStateMachine):
    """Any operations in any order; what must hold is asked for after each."""

    channel: str

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="condarium-laws-"))
        self.lab = Lab(self.folder, self.channel)
        self.seen: dict[tuple[EnvironmentName, int], Generation] = {}
        self.first: dict[str, Mapping[str, str]] = {}
        """What each prefix held when it was first made."""

    def teardown(self) -> None:
        self.lab.app.close()
        shutil.rmtree(self.folder)

    # --- what is done ---

    @initialize(spec=st.integers(0, 5))
    def begin(self, spec: int) -> None:
        self.lab.build(NAMES[0], spec)

    @rule(name=st.sampled_from(NAMES), spec=st.integers(0, 5), activate=st.booleans())
    def build(self, name: EnvironmentName, spec: int, activate: bool) -> None:
        active = self.active(name)
        answer = self.lab.build(name, spec, no_activate=not activate)
        generation = self.lab.generations()[name, answer.generation]
        assert generation.archived_at is None
        assert answer.active == generation.active
        if activate:
            assert generation.active
        elif active is not None and not answer.active:
            assert self.active(name) == active
        again = self.lab.build(name, spec, no_activate=not activate)
        assert (again.changed, again.generation) == (False, answer.generation)

    @rule(name=st.sampled_from(NAMES), number=st.none() | st.integers(1, 5))
    def rollback(self, name: EnvironmentName, number: int | None) -> None:
        before = self.lab.generations()
        active = self.active(name)
        try:
            answer = self.lab.call("env rollback", environment=name, generation=number)
        except NoSuchEnvironment:
            assert name not in self.lab.environments()
        except NoSuchGeneration:
            assert (name, number) not in before
        except NothingEarlier:
            assert number is None
            assert not [each for each in before if each[0] == name and each[1] < (active or 0)]
        except GenerationArchived:
            assert self.active(name) == active
        else:
            assert answer.generation == self.active(name)
            if number is not None:
                assert answer.generation == number
            self.holds_what_was_locked(before[name, answer.generation])

    @rule(name=st.sampled_from(NAMES), number=st.integers(1, 5))
    def archive(self, name: EnvironmentName, number: int) -> None:
        active = self.active(name)
        try:
            self.lab.call("env archive", environment=name, generation=(number,))
        except NoSuchEnvironment:
            assert name not in self.lab.environments()
        except NoSuchGeneration:
            assert (name, number) not in self.lab.generations()
        except ActiveGeneration:
            assert active == number
        else:
            assert self.lab.generations()[name, number].archived_at is not None

    @rule(last=st.integers(0, 3), days=st.none() | st.integers(0, 60), dry=st.booleans())
    def archive_by_rule(self, last: int, days: int | None, dry: bool) -> None:
        before = self.lab.generations()
        age = None if days is None else timedelta(days=days)
        answer = self.lab.call(
            "env archive", all_namespaces=True, keep_last=last, older_than=age, dry_run=dry
        )
        if dry:
            assert self.lab.generations() == before
        elif days is None:
            left = [each for each in self.lab.generations().values() if not each.archived_at]
            for name in self.lab.environments():
                assert len([each for each in left if each.environment == name]) <= last + 1
        assert all(each.freed >= 0 for each in answer.generations)

    @rule(name=st.sampled_from(NAMES), number=st.integers(1, 5))
    def restore(self, name: EnvironmentName, number: int) -> None:
        known = self.lab.generations().get((name, number))
        try:
            answer = self.lab.call("env restore", environment=name, generation=number)
        except (NoSuchEnvironment, NoSuchGeneration):
            assert known is None
            return
        assert known is not None
        assert answer.identical
        assert self.lab.generations()[name, number].archived_at is None
        assert self.active(name) == self.active_of(known)
        self.holds_what_was_locked(known)

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: EnvironmentName) -> None:
        with suppress(NoSuchEnvironment):
            self.lab.call("env remove", environment=name)
        assert name not in self.lab.environments()
        self.seen = {key: each for key, each in self.seen.items() if key[0] != name}

    @rule(days=st.integers(1, 20))
    def wait(self, days: int) -> None:
        self.lab.clock.time += timedelta(days=days)

    @rule()
    def collect(self) -> None:
        before = self.lab.generations()
        foretold = self.lab.call("gc", dry_run=True)
        collected = self.lab.call("gc", dry_run=False)
        kinds = {each.kind: each.count for each in collected.kinds}
        for each in foretold.kinds:  # what is freed may set more free
            assert kinds.get(each.kind, 0) >= each.count
        assert self.lab.call("gc", dry_run=False).kinds == ()
        assert self.lab.generations() == before
        check_store(self.lab.store.layout.root, collected=True)

    @precondition(lambda self: self.lab.generations())
    @rule(data=st.data())
    def compare(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.lab.environments())))
        numbers = st.sampled_from([key[1] for key in self.lab.generations() if key[0] == name])
        a, b = data.draw(numbers), data.draw(numbers)
        forth = self.lab.call("env diff", environment=name, a=a, b=b).changes
        back = self.lab.call("env diff", environment=name, a=b, b=a).changes
        inverse = {(each.platform, each.name): (each.after, each.before) for each in back}
        assert {(each.platform, each.name): (each.before, each.after) for each in forth} == inverse
        if a == b:
            assert forth == ()

    # --- what holds ---

    @invariant()
    def generations_are_only_appended(self) -> None:
        now = self.lab.generations()
        for key, each in self.seen.items():
            assert without_state(now[key]) == without_state(each)
        for name in self.lab.environments():
            numbers = [number for each, number in now if each == name]
            assert numbers == list(range(1, len(numbers) + 1))
        self.seen = now

    @invariant()
    def what_is_active_is_on_disk_and_linked_and_not_archived(self) -> None:
        for each in self.lab.generations().values():
            if each.active:
                assert each.archived_at is None
                assert points_to(self.lab.store.layout, each.environment) == each.prefix
        for name, environment in self.lab.environments().items():
            link = self.lab.store.layout.link(name)
            assert link.exists() == (environment.active is not None)

    @invariant()
    def what_is_not_archived_is_on_disk_as_it_was_first_made(self) -> None:
        for each in self.lab.generations().values():
            assert each.prefix is not None
            if each.archived_at is None:
                assert is_whole(self.lab.store.layout, each.prefix)
                found = self.lab.contents(each.prefix)
                assert found == self.first.setdefault(each.prefix, found)

    @invariant()
    def specs_and_locks_of_all_generations_can_be_read(self) -> None:
        for each in self.lab.generations().values():
            assert self.lab.store.blobs.get(each.lock)
            assert each.spec is not None
            assert self.lab.store.blobs.get(each.spec)

    @invariant()
    def equal_locks_share_a_prefix(self) -> None:
        generations = self.lab.generations().values()
        for spec in {each.spec for each in generations}:
            assert len({each.prefix for each in generations if each.spec == spec}) == 1
        folders = {each.name for each in self.lab.store.layout.prefixes.glob("[!.]*")}
        assert {each.prefix for each in generations if each.archived_at is None} <= folders

    @invariant()
    def bytes_on_disk_add_up(self) -> None:
        for row in self.lab.call("env du").rows:
            assert row.own + row.shared == row.logical
            assert min(row.own, row.shared) >= 0

    @invariant()
    def a_history_counts_what_a_comparison_lists(self) -> None:
        for name in self.lab.environments():
            for line in self.lab.call("env history", environment=name).generations:
                number = line.generation.number
                before = number - 1 or None
                changes = self.lab.call("env diff", environment=name, a=before, b=number).changes
                kinds = [change.what for change in changes]
                counted = [line.added, line.removed, line.changed]
                assert counted == [kinds.count(each) for each in ("added", "removed", "changed")]

    # --- asked of one ---

    def active(self, name: EnvironmentName) -> int | None:
        found = self.lab.environments().get(name)
        return found.active if found else None

    def active_of(self, known: Generation) -> int | None:
        was = [each for each in self.seen.values() if each.environment == known.environment]
        return next((each.number for each in was if each.active), None)

    def holds_what_was_locked(self, generation: Generation) -> None:
        """The prefix has the lock's packages and no others, each with the files it came with."""
        name, number = generation.environment, generation.number
        shown = self.lab.call("env show", environment=name, generation=number)
        locked = {(each.name, each.version) for each in shown.packages[host_platform()]}
        records = (shown.prefix / "conda-meta").glob("*.json")
        linked = [json.loads(path.read_text()) for path in records]
        assert {(each["name"], each["version"]) for each in linked} == locked
        verified = self.lab.call("env verify", environment=name, generation=number)
        assert verified.ok
        assert verified.problems == ()


def test_laws_hold_under_any_sequence_of_operations(packages: Path) -> None:
    Laws.channel = packages.as_uri()
    run_state_machine_as_test(
        Laws,
        settings=settings(
            max_examples=12,
            stateful_step_count=15,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # to make a failure shorter would take minutes
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def lab(tmp_path: Path, packages: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path, packages.as_uri())
    yield lab
    lab.app.close()


def test_a_restored_prefix_has_the_bytes_of_the_first_one(lab: Lab) -> None:
    """Bytecode, conda-meta and the prefix written into files among them."""
    name = NAMES[0]
    lab.build(name, 4)
    (prefix,) = {each.prefix for each in lab.generations().values()}
    assert prefix is not None
    first = lab.contents(prefix)
    assert any(path.endswith(".pyc") for path in first)
    assert any(path.startswith("conda-meta/") for path in first)
    lab.build(name, 1)
    lab.call("env archive", environment=name, generation=(1,))
    assert not lab.store.layout.prefix(prefix).exists()
    lab.call("gc", dry_run=False)  # so that packages are fetched and files are compiled anew
    assert lab.call("env restore", environment=name, generation=1).identical
    assert lab.contents(prefix) == first
    lab.app.close()


def test_a_prefix_that_two_locks_share_stays_while_one_of_them_wants_it(lab: Lab) -> None:
    one, two = NAMES[0], NAMES[2]
    lab.build(one, 1)
    lab.build(two, 2)
    known = lab.generations()
    assert known[one, 1].lock != known[two, 1].lock
    assert known[one, 1].prefix == known[two, 1].prefix
    lab.build(one, 0)
    (freed,) = lab.call("env archive", environment=one, generation=(1,)).generations
    assert freed.freed == 0
    lab.call("env remove", environment=one)
    lab.call("gc", dry_run=False)
    assert lab.call("env verify", environment=two).ok
    lab.app.close()


def test_a_dry_run_of_gc_changes_nothing_on_disk(lab: Lab) -> None:
    lab.build(NAMES[0], 4)
    lab.build(NAMES[1], 1)
    lab.call("env remove", environment=NAMES[0])
    root = lab.store.layout.root
    before = {str(path) for path in root.rglob("*")}
    assert lab.call("gc", dry_run=True).kinds
    assert {str(path) for path in root.rglob("*")} == before
    lab.app.close()


def _linked(lab: Lab, *environments: EnvironmentName) -> dict[int, int]:
    """The size of each inode in the prefixes of environments."""
    found = {}
    for each in lab.generations().values():
        if each.environment in environments and each.prefix:
            for path in lab.store.layout.prefix(each.prefix).rglob("*"):
                if path.is_symlink() or not path.is_dir():
                    found[path.lstat().st_ino] = path.lstat().st_size
    return found


def test_own_bytes_are_those_of_files_that_no_other_environment_has(lab: Lab) -> None:
    one, two, far = NAMES
    for name, spec in ((one, 4), (one, 5), (two, 0), (far, 0)):
        lab.build(name, spec)
    rows = {row.name: row for row in lab.call("env du").rows}
    for name in NAMES:
        mine = _linked(lab, name)
        others = _linked(lab, *(each for each in NAMES if each != name))
        own = sum(size for inode, size in mine.items() if inode not in others)
        assert rows[str(name)].own == own
    assert rows[str(one)].own > 0
    assert rows[str(two)].own == rows[str(far)].own == 0
    assert rows["lab"].own >= rows[str(one)].own


def test_bytes_that_only_the_package_store_has_too_are_own(lab: Lab) -> None:
    lab.build(NAMES[0], 4)
    (row,) = lab.call("env du", environment=NAMES[0]).rows
    assert (row.own, row.shared) == (row.logical, 0)


def test_a_namespace_without_environments_has_no_disk_use(lab: Lab) -> None:
    lab.build(NAMES[0], 0)
    assert {row.name for row in lab.call("env du", namespace="lab").rows} == {"lab", "lab/a"}
    with pytest.raises(NoSuchNamespace, match="nope"):
        lab.call("env du", namespace="nope")


def test_gc_takes_indexes_that_were_not_read_for_thirty_days(lab: Lab) -> None:
    lab.build(NAMES[0], 0)
    folder = lab.store.layout.repodata / "shards-v1"
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    lab.clock.time = now
    for name, days in (("fresh", 29), ("old", 31)):
        (folder / name).write_text(name)
        then = (now - timedelta(days=days)).timestamp()
        os.utime(folder / name, (then, then))
    collected = {each.kind: each.count for each in lab.call("gc").kinds}
    assert collected["indexes"] == 1
    assert [path.name for path in folder.iterdir()] == ["fresh"]
