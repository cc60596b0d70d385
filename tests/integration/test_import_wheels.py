"""Wheels become packages of a channel: whole ones, in one revision."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rattler.package_streaming import extract
from tests.support.hosting import ADA, create
from tests.support.transfer import shown
from tests.support.wheel_index import Simple, wheel_index
from tests.support.wheels import make_wheel

from condarium.channels.making.publishing_wheels import publish_wheels
from condarium.channels.revising.draft import NotALocalChannel
from condarium.engine.pypi.fetching import WheelNotFetched
from condarium.errors import BadArguments, PipResolutionFailed, UnknownPlatform
from condarium.model.hosting.hosted import ChannelKind
from condarium.model.hosting.transfer import WheelsImported
from condarium.model.progress import Quiet
from condarium.model.view import ChannelName
from condarium.settings import Settings
from condarium.storage.store import Store

Index = tuple[type[Simple], dict[str, str]]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """What stands in for PyPI: an app, what it requires, and that for two platforms."""
    folder = tmp_path / "wheels"
    make_wheel(
        folder,
        "app",
        requires=["lib[fast]>=1", "old; python_version < '3.9'"],
        metadata=["License-Expression: MIT", "License-File: LICENSE", "Requires-Python: >=3.9"],
        files={"app.py": "def main(): ...\n", "app-1.0.dist-info/licenses/LICENSE": "You may."},
        scripts=["app = app:main"],
    )
    make_wheel(folder, "lib", requires=["speed>2; extra == 'fast'"])
    make_wheel(folder, "speed", "3.0", tag="cp311-cp311-manylinux_2_17_x86_64")
    make_wheel(folder, "speed", "3.0", tag="cp311-cp311-macosx_11_0_arm64")
    with wheel_index(folder, tmp_path) as index:
        yield index


@pytest.fixture
def store(tmp_path: Path, index: Index) -> Iterator[Store]:
    with closing(Store(Settings.read(index[1], store=tmp_path / "store"))) as store:
        create(store, "lab")
        yield store


def bring(store: Store, *requirements: str, channel: str = "lab", **options: Any) -> WheelsImported:
    return publish_wheels(
        store,
        ChannelName(channel),
        requirements,
        actor=ADA,
        **{"python": "3.11", "platforms": ["linux-64"], "progress": Quiet(), **options},
    )


def by_name(store: Store, view: str = "lab") -> dict[str, Any]:
    return {record["name"]: record for record in shown(store, view).values()}


def test_whole_packages_in_one_revision(store: Store) -> None:
    answer = bring(store, "app", labels=["main", "new"])
    assert (answer.revision, answer.labels) == (1, ("main", "new"))
    found = by_name(store)
    assert set(found) == {"app", "lib", "speed"}
    assert found["app"]["depends"] == ["python >=3.9", "lib >=1", "speed >2"]
    assert (found["app"]["noarch"], found["app"]["license"]) == ("python", "MIT")
    assert found["speed"]["subdir"] == "linux-64"
    assert "python 3.11.*" in found["speed"]["depends"]
    assert by_name(store, "lab/label/new") == found
    assert list(store.layout.incoming.glob("*")) == []


def test_licences_and_entry_points_are_kept(store: Store, tmp_path: Path) -> None:
    bring(store, "app")
    record = by_name(store)["app"]
    package = tmp_path / f"app-{record['version']}-{record['build']}.conda"
    package.write_bytes(store.blobs.get(record["sha256"]))
    extract(package, tmp_path / "app")
    assert (tmp_path / "app/info/licenses/LICENSE").read_text() == "You may."
    link = json.loads((tmp_path / "app/info/link.json").read_text())
    assert link["noarch"]["entry_points"] == ["app = app:main"]


def test_again_changes_nothing(store: Store) -> None:
    bring(store, "app")
    again = bring(store, "app")
    assert again.revision is None
    assert {file.status for file in again.files} == {"there already"}


def test_several_platforms(store: Store) -> None:
    bring(store, "app", platforms=["linux-64", "osx-arm64"])
    subdirs = {path.partition("/")[0] for path in shown(store) if "/speed-" in path}
    assert subdirs == {"linux-64", "osx-arm64"}


def test_what_cannot_be_had(store: Store, index: Index) -> None:
    with pytest.raises(PipResolutionFailed, match="nothing-of-this-name"):
        bring(store, "nothing-of-this-name")
    with pytest.raises(PipResolutionFailed, match="speed"):
        bring(store, "app", platforms=["win-64"])
    with pytest.raises(BadArguments, match="minor version"):
        bring(store, "app", python="3")
    with pytest.raises(UnknownPlatform):
        bring(store, "app", platforms=["linux"])
    index[0].wrong = "lib"
    with pytest.raises(WheelNotFetched, match=r"lib 1\.0"):
        bring(store, "app")
    assert shown(store) == {}
    assert list(store.layout.incoming.glob("*")) == []


def test_what_is_no_requirement_is_named(store: Store) -> None:
    with pytest.raises(BadArguments, match="'>>>' is not a requirement"):
        bring(store, "lib", ">>>")


def test_an_extra_that_there_is_not_is_told_of(store: Store) -> None:
    class Heard(Quiet):
        said: ClassVar[list[str]] = []

        def say(self, message: str) -> None:
            self.said.append(message)

    bring(store, "app[foo]", progress=Heard())
    assert Heard.said == ["warning: app has no extra foo: it has none"]


def test_only_local_channels(store: Store) -> None:
    create(store, "all", kind=ChannelKind.UNION, members=(ChannelName("lab"),))
    with pytest.raises(NotALocalChannel, match="union"):
        bring(store, "app", channel="all")


@pytest.mark.network
def test_real_wheels(tmp_path: Path) -> None:
    """Pure ones and one with a library in it, from PyPI itself."""
    environ = {**os.environ, "HOME": str(tmp_path)}
    with closing(Store(Settings.read(environ, store=tmp_path / "store"))) as store:
        create(store, "lab")
        answer = bring(store, "pyyaml", "rich")
        assert set(by_name(store)) == {"pyyaml", "rich", "pygments", "markdown-it-py", "mdurl"}
        assert {file.subdir for file in answer.files} == {"linux-64", "noarch"}
