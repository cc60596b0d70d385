"""Building from a lock that has several environments: which one is taken, and what is said."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.support.channel import Made, make_channel

from condarium.client import Client
from condarium.errors import BadArguments, BadLock


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with Client(tmp_path / "store") as client:
        yield client


@pytest.fixture
def lock(client: Client, tmp_path: Path) -> Path:
    """A lock whose environment `default` has two packages and `docs` one of them."""
    channel = make_channel(tmp_path / "channel", [Made("app", "1.0"), Made("lib", "1.0")])
    file = tmp_path / "environment.yml"
    file.write_text(f"channels: [{channel.as_uri()}]\ndependencies: [app, lib]\n")
    content = yaml.safe_load(client.lock(file=file).content)
    environments = content["environments"]
    packages = environments["default"]["packages"]
    of_app = {name: [one for one in each if "/app-" in str(one)] for name, each in packages.items()}
    environments["docs"] = {**environments["default"], "packages": of_app}
    path = tmp_path / "pixi.lock"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def names(client: Client, environment: str) -> list[str]:
    (packages,) = client.env.show(environment).packages.values()
    return [package.name for package in packages]


def test_the_default_one_is_taken_and_the_others_are_named(client: Client, lock: Path) -> None:
    built = client.env.build("lab/fit", lock=lock)
    assert names(client, "lab/fit") == ["app", "lib"]
    (note,) = built.notes
    assert "(docs)" in note
    assert "'default' was taken (--lock-environment" in note


def test_another_one_can_be_chosen_and_stays_chosen(client: Client, lock: Path) -> None:
    built = client.env.build("lab/docs", lock=lock, lock_environment="docs")
    assert built.packages == 1
    assert names(client, "lab/docs") == ["app"]
    assert not client.env.build("lab/docs", lock=lock, lock_environment="docs").changed
    assert client.env.verify("lab/docs").ok


def test_one_that_the_lock_does_not_have_is_refused(client: Client, lock: Path) -> None:
    with pytest.raises(BadLock, match="no environment 'test', only default, docs"):
        client.env.build("lab/fit", lock=lock, lock_environment="test")


def test_a_file_has_no_environments_to_choose_from(client: Client, tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text("dependencies: [app]\n")
    with pytest.raises(BadArguments, match="--lock-environment"):
        client.env.build("lab/fit", file="environment.yml", lock_environment="docs")


def test_platforms_may_have_commas_between_them(client: Client, lock: Path) -> None:
    file = lock.with_name("environment.yml")
    together = client.lock(file=file, platform="linux-64, osx-arm64")
    assert list(together.packages) == ["linux-64", "osx-arm64"]
    assert together.digest == client.lock(file=file, platform=["linux-64", "osx-arm64"]).digest
