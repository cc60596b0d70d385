"""A store whose facts are in PostgreSQL and whose blobs are in a bucket: by settings alone."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.channel import Made, make_channel
from tests.support.objectstore import Endpoint
from tests.support.postgresql import Server


class Machine:
    """A folder with a store, and the commands with the settings that lead elsewhere."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self.environ = {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "CONDARIUM_STORE": str(folder / "store"),
            **environ,
        }

    def run(self, *arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "condarium", *arguments, "--json"],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def build(self, channel: Path, dependency: str) -> Any:
        spec = self.folder / "environment.yml"
        content = {"channels": [channel.as_uri()], "dependencies": [dependency]}
        spec.write_text(json.dumps(content))
        return self.run("env", "build", "lab/fit", "-f", str(spec))

    def shown(self) -> str:
        return (self.folder / "store" / "envs" / "lab" / "fit" / "share" / "base").read_text()


@pytest.fixture
def environ(postgresql: Server, object_store: Endpoint) -> Iterator[dict[str, str]]:
    with postgresql.new_database() as database:
        yield {
            "CONDARIUM_DATABASE": database,
            "CONDARIUM_BLOBS": f"s3://{object_store.new_bucket()}/lab",
            **object_store.environ,
        }


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    versions = [Made("base", each, files={"share/base": each}) for each in ("1.0", "2.0")]
    return make_channel(tmp_path / "channel", versions)


def test_environments_are_built_listed_rolled_back_and_collected(
    tmp_path: Path, channel: Path, environ: dict[str, str]
) -> None:
    machine = Machine(tmp_path, environ)
    assert machine.build(channel, "base =1")["changed"]
    assert machine.build(channel, "base =2")["generation"] == 2
    assert not machine.build(channel, "base =2")["changed"]
    (listed,) = machine.run("env", "list")["items"]
    assert (listed["active"], listed["generations"]) == (2, 2)
    assert machine.shown() == "2.0"

    machine.run("env", "rollback", "lab/fit")
    assert machine.shown() == "1.0"
    machine.run("env", "archive", "lab/fit", "2")
    kinds = {each["kind"] for each in machine.run("gc")["kinds"]}
    assert kinds == {"packages", "records"}
    assert machine.run("gc")["kinds"] == []
    assert machine.run("env", "restore", "lab/fit", "2")["identical"]
    machine.run("env", "rollback", "lab/fit", "2")
    assert machine.shown() == "2.0"

    machine.run("env", "remove", "lab/fit")
    machine.run("gc")
    assert machine.run("env", "list")["items"] == []
    assert not (tmp_path / "store" / "condarium.db").exists()
    assert not (tmp_path / "store" / "blobs").exists()


def test_another_machine_brings_an_environment_back_from_the_same_facts(
    tmp_path: Path, channel: Path, environ: dict[str, str]
) -> None:
    """Its prefixes are its own: facts and blobs are all that it needs."""
    first, second = Machine(tmp_path / "one", environ), Machine(tmp_path / "two", environ)
    for machine in (first, second):
        machine.folder.mkdir()
    first.build(channel, "base =1")
    (listed,) = second.run("env", "list")["items"]
    assert (listed["active"], listed["on_disk"]) == (1, False)
    second.run("env", "restore", "lab/fit", "1")
    assert Path(second.run("env", "path", "lab/fit")["path"], "share", "base").read_text() == "1.0"
    assert second.shown() == first.shown() == "1.0"
