"""Quotas of namespaces: asked before a build, and before what it made is kept."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.channel import Made, make_channel
from tests.support.people import Caller, Clock

from condarium.model.document import Document
from condarium.model.environment import BuildStatus
from condarium.model.names import EnvironmentName
from condarium.model.quotas import QuotaExceeded
from condarium.settings import Settings
from condarium.storage.locks import locked
from condarium.storage.store import Store

SIZE = 4000
Build = Callable[..., object]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    settings = Settings.read({"HOME": str(tmp_path)}, store=tmp_path / "store")
    with closing(Store(settings, now=clock)) as store:
        yield store


@pytest.fixture
def owner(store: Store) -> Caller:
    owner = Caller(store)
    owner("namespace create", name="lab")
    return owner


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {"share/data": "x" * SIZE}
    made = [Made("one", "1.0", files=files), Made("two", "1.0", files={"share/two": "y" * SIZE})]
    return make_channel(tmp_path_factory.mktemp("packages"), made)


@pytest.fixture
def build(owner: Caller, packages: Path) -> Build:
    def build(name: str, package: str = "one") -> object:
        text = f"channels: [{packages.as_uri()}]\ndependencies: [{package}]\n"
        file = Document("environment.yml", text.encode())
        return owner("env build", environment=name, file=file)

    return build


def test_what_a_namespace_has_is_shown_with_what_it_may_have(owner: Caller, build: Build) -> None:
    build("lab/a")
    build("lab/b")
    owner("namespace set-quota", name="lab", environments="2", bytes_="1G")
    shown = owner("namespace show", name="lab")
    assert (shown.namespace.quota.environments, shown.use.environments) == (2, 2)
    assert shown.namespace.quota.bytes == 10**9
    assert shown.use.bytes == SIZE  # both have the same prefix
    assert shown.use.builds == 0
    build("lab/a", "two")
    assert owner("namespace show", name="lab").use.bytes == 2 * SIZE


def test_an_environment_too_many_is_not_built(owner: Caller, store: Store, build: Build) -> None:
    owner("namespace set-quota", name="lab", environments="1")
    build("lab/a")
    with pytest.raises(QuotaExceeded, match="may have 1 environments; it has 1"):
        build("lab/b")
    assert [str(each.name) for each in owner("env list")] == ["lab/a"]
    assert build("lab/a", "two")  # it is there, and may change
    assert build("other/b")  # of which nothing was said
    owner("namespace set-quota", name="lab", environments="none")
    assert build("lab/b")


def test_bytes_are_asked_before_a_generation_is_kept(
    owner: Caller, store: Store, build: Build
) -> None:
    owner("namespace set-quota", name="lab", bytes_=str(SIZE + SIZE // 2))
    build("lab/a")
    with pytest.raises(QuotaExceeded, match="bytes on disk"):
        build("lab/a", "two")
    assert owner("env show", environment="lab/a").generation.number == 1
    with store.database.read() as facts:
        (_, failed) = facts.builds.of(EnvironmentName("lab", "a"))
    assert failed.status is BuildStatus.FAILED
    assert "bytes on disk" in (failed.error or "")
    build("lab/b")  # shares its prefix


def test_builds_at_a_time_are_those_that_somebody_works_on(
    owner: Caller, store: Store, build: Build
) -> None:
    owner("namespace set-quota", name="lab", builds="1")
    with store.database.note() as facts:
        number = facts.builds.start(EnvironmentName("lab", "x"), at=store.now(), actor="ada")
    with locked(store.layout.locks / "build" / str(number)):
        assert owner("namespace show", name="lab").use.builds == 1
        with pytest.raises(QuotaExceeded, match="builds at a time"):
            build("lab/a")
    build("lab/a")  # whoever worked on the other one is gone


def test_minutes_are_of_this_month(owner: Caller, store: Store, clock: Clock, build: Build) -> None:
    name = EnvironmentName("lab", "x")
    for begun, minutes in ((clock.now - timedelta(days=20), 60), (clock.now, 30)):
        with store.database.note() as facts:
            number = facts.builds.start(name, at=begun, actor="ada")
            end = begun + timedelta(minutes=minutes)
            facts.builds.end(number, BuildStatus.SUCCEEDED, at=end, phases={})
    assert owner("namespace show", name="lab").use.build_minutes == 30
    owner("namespace set-quota", name="lab", build_minutes="30")
    with pytest.raises(QuotaExceeded, match="minutes of builds this month"):
        build("lab/a")
    clock.now += timedelta(days=31)
    build("lab/a")


def test_a_limit_that_is_not_given_stays(owner: Caller) -> None:
    owner("namespace set-quota", name="lab", builds="2", bytes_="20G")
    quota = owner("namespace set-quota", name="lab", builds="none").namespace.quota
    assert (quota.bytes, quota.builds) == (20 * 10**9, None)
