"""Laws of channels: whatever happens to them, each of their views is a naive fold of their log."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.support.hosting import Clock
from tests.support.lawful_channels import (
    LABELS,
    LOCAL,
    PACKAGES,
    PATCHES,
    LawfulChannels,
    make_packages,
)
from tests.support.objectstore import Endpoint
from tests.support.postgresql import Server

from condarium.settings import Settings
from condarium.storage.store import Store

CHANNELS = st.sampled_from(LOCAL)
LABEL = st.sampled_from(LABELS)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_packages(tmp_path_factory.mktemp("packages"))


@contextmanager
def lawful(packages: list[Path], **environ: str) -> Iterator[LawfulChannels]:
    """Channels of a new store."""
    with TemporaryDirectory(prefix="condarium-laws-") as folder:
        clock = Clock()
        given = Settings.read({"HOME": folder, **environ}, store=Path(folder) / "store")
        store = Store(given, now=clock)
        try:
            yield LawfulChannels(store, clock, packages)
        finally:
            store.close()


class Laws(RuleBasedStateMachine):
    """Anything may happen to two channels, of which two unions are made."""

    opened: Any

    def __init__(self) -> None:
        super().__init__()
        self.context = self.opened()
        self.lab: LawfulChannels = self.context.__enter__()

    def teardown(self) -> None:
        try:
            self.lab.check_past()
            self.lab.check_encodings()
            self.lab.check_verified()
        finally:
            self.context.__exit__(None, None, None)

    @initialize(labels=st.lists(LABEL, unique=True))
    def begin(self, labels: list[str]) -> None:
        self.lab.publish("lab", [0, 1, 6, 7], labels)

    @rule(
        channel=CHANNELS,
        numbers=st.lists(st.integers(0, len(PACKAGES) - 1), min_size=1, max_size=4, unique=True),
        labels=st.lists(LABEL, unique=True),
    )
    def publish(self, channel: str, numbers: list[int], labels: list[str]) -> None:
        self.lab.publish(channel, numbers, labels)

    @rule(
        channel=CHANNELS,
        change=st.sampled_from(["yank", "unyank", "remove"]),
        data=st.data(),
    )
    def change(self, channel: str, change: str, data: st.DataObject) -> None:
        if files := self.some_files(channel, data):
            getattr(self.lab, change)(channel, files)

    @rule(
        channel=CHANNELS, change=st.sampled_from(["label", "unlabel"]), label=LABEL, data=st.data()
    )
    def change_labels(self, channel: str, change: str, label: str, data: st.DataObject) -> None:
        if files := self.some_files(channel, data):
            getattr(self.lab, change)(channel, files, label)

    @rule(
        channel=CHANNELS,
        change=st.sampled_from(["copy", "promote"]),
        labels=st.permutations(LABELS),
    )
    def move(self, channel: str, change: str, labels: list[str]) -> None:
        if self.lab.labelled(channel, labels[0]):
            getattr(self.lab, change)(channel, labels[0], labels[1])

    @rule(channel=CHANNELS, number=st.integers(0, len(PATCHES) - 1))
    def patch(self, channel: str, number: int) -> None:
        self.lab.patch(channel, number)

    @rule(channel=CHANNELS, data=st.data())
    def unpatch(self, channel: str, data: st.DataObject) -> None:
        if positions := sorted(self.lab.naive[channel].rules):
            self.lab.unpatch(channel, data.draw(st.sampled_from(positions)))

    @rule(channel=CHANNELS, data=st.data())
    def revert(self, channel: str, data: st.DataObject) -> None:
        self.lab.revert(channel, data.draw(st.integers(0, self.lab.naive[channel].head)))

    @rule(channel=CHANNELS)
    def undo(self, channel: str) -> None:
        if self.lab.naive[channel].log:
            self.lab.undo(channel)

    @rule(minutes=st.sampled_from([0, 1, 59, 60, 61, 60 * 47, 60 * 72]))
    def wait(self, minutes: int) -> None:
        self.lab.clock.advance(timedelta(minutes=minutes, microseconds=1))

    @invariant()
    def every_view_is_the_fold(self) -> None:
        self.lab.check_present()

    def some_files(self, channel: str, data: st.DataObject) -> list[tuple[str, str]]:
        files = self.lab.files(channel)
        if not files:
            return []
        return data.draw(st.lists(st.sampled_from(files), min_size=1, max_size=4, unique=True))


def hold(opened: Any, *, examples: int, steps: int) -> None:
    laws = type("Laws", (Laws,), {"opened": staticmethod(opened)})
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],  # an example that is made smaller takes minutes
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(laws, settings=profile)


def test_laws_hold_after_anything(packages: list[Path]) -> None:
    hold(lambda: lawful(packages), examples=10, steps=12)


def test_laws_hold_on_postgresql_and_s3(
    packages: list[Path],
    postgresql: Server,
    object_store: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for key, value in object_store.environ.items():
        monkeypatch.setenv(key, value)

    @contextmanager
    def opened() -> Iterator[LawfulChannels]:
        blobs = f"s3://{object_store.new_bucket()}"
        with (
            postgresql.new_database() as url,
            lawful(packages, CONDARIUM_DATABASE=url, CONDARIUM_BLOBS=blobs) as lab,
        ):
            yield lab

    hold(opened, examples=3, steps=6)


def history(lab: LawfulChannels) -> list[str]:
    """Let the same things happen, and give the digests of all that there is then."""
    lab.publish("lab", [0, 1, 6, 7], [])
    lab.clock.advance(timedelta(days=1))
    lab.publish("lab", [2, 3, 8], ["dev"])
    for patch in (0, 2, 3):
        lab.patch("lab", patch)
    lab.promote("lab", "dev", "main")
    lab.yank("lab", lab.files("lab")[:2])
    lab.unpatch("lab", 1)
    lab.revert("lab", 2)
    lab.check_past()
    indexes = [content.hex() for _, content in sorted(lab.past.items())]
    return [entry.digest for entry in lab.naive["lab"].log] + indexes


def test_the_same_history_has_the_same_digests_in_any_store(
    packages: list[Path], postgresql: Server
) -> None:
    with lawful(packages) as lab:
        here = history(lab)
    with (
        postgresql.new_database() as url,
        lawful(packages, CONDARIUM_DATABASE=url) as lab,
    ):
        assert history(lab) == here
