"""Channels where servers are killed, disks are full and buckets fail."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from time import monotonic, sleep

import httpx
import pytest
from tests.support.builder import Commands, Done
from tests.support.channel import Made, make_package
from tests.support.objectstore import running_endpoint
from tests.support.serving import Server, serve, shown

ROUNDS = 5


def check(run: Commands) -> int:
    """Everything is as the facts say; gives the head."""
    found = run("channel", "verify", "lab", "--all-revisions").result
    assert found["problems"] == []
    return int(found["revision"])


# --- a server that is killed ---


class Reader(threading.Thread):
    """Reads a view through a server, as clients do, until the server is gone."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server, self.wrong = server, list[str]()
        self.seen: set[frozenset[str]] = set()

    def run(self) -> None:
        while True:
            try:
                self.seen.add(frozenset(shown(self.server, "lab")))
            except httpx.TransportError:  # killed
                return
            except (httpx.HTTPStatusError, ValueError) as error:
                self.wrong.append(str(error))
                return


class Publisher(threading.Thread):
    """Publishes packages, each in a revision, until the server is gone."""

    def __init__(self, server: Server, packages: list[Path]) -> None:
        super().__init__()
        self.server, self.packages = server, packages
        self.acknowledged: list[str] = []
        self.refused: list[str] = []

    def has_begun(self) -> None:
        """Wait until a package is there, however slow the machine."""
        until = monotonic() + 20
        while not self.acknowledged and self.is_alive() and monotonic() < until:
            sleep(0.02)

    def run(self) -> None:
        for path in self.packages:
            url = f"{self.server.url}/api/channels/lab/upload/{path.name}"
            try:
                answer = httpx.post(url, content=path.read_bytes(), headers=self.server.bearer)
            except httpx.TransportError:
                return
            (self.acknowledged if answer.is_success else self.refused).append(path.name)


def test_a_server_killed_while_it_publishes_shows_whole_revisions(tmp_path: Path) -> None:
    run, random = Commands(tmp_path / "store", home=tmp_path), Random(3)
    assert run("channel", "create", "lab").code == 0
    packages = [
        make_package(Made(("left", "right")[n % 2], f"{n}.0"), into=tmp_path / "made")
        for n in range(ROUNDS * 40)
    ]
    acknowledged: list[str] = []
    seen: set[frozenset[str]] = set()
    for round_ in range(ROUNDS):
        with serve(run.store) as server:
            readers = [Reader(server) for _ in range(2)]
            publisher = Publisher(server, packages[round_ * 40 : round_ * 40 + 40])
            for thread in (*readers, publisher):
                thread.start()
            publisher.has_begun()
            sleep(random.random() * 0.5)
            server.kill()
            for thread in (*readers, publisher):
                thread.join()
        assert [publisher.refused, *(reader.wrong for reader in readers)] == [[], [], []]
        acknowledged += publisher.acknowledged
        seen = seen.union(*(reader.seen for reader in readers))
        assert len(acknowledged) <= check(run) <= len(acknowledged) + round_ + 1
    with serve(run.store) as server:
        there = shown(server, "lab").keys()
    assert acknowledged
    assert there >= set(acknowledged)
    order = [path.name for path in packages if path.name in there]
    assert seen <= {frozenset(order[:count]) for count in range(len(order) + 1)}


# --- a disk that is full ---


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Commands]:
    """A store on a small disk."""
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root may mount")
    store = tmp_path / "store"
    store.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(store)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount here")
    try:
        run = Commands(store, home=tmp_path)
        assert run("channel", "create", "lab").code == 0
        first = make_package(Made("first"), into=tmp_path)
        assert run("channel", "publish", "lab", str(first)).code == 0
        yield run
    finally:
        subprocess.run(["umount", "--lazy", str(store)], check=True)


@contextmanager
def filled(store: Path, *, leave: int) -> Iterator[None]:
    status = os.statvfs(store)
    filler = store / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - leave)
    yield
    filler.unlink()


@pytest.mark.parametrize("leave", [400, 64, 24, 8, 0])
def test_on_a_full_disk_a_publish_fails_whole(full: Commands, tmp_path: Path, leave: int) -> None:
    """How far it gets depends on how much is left: the package, its shard, the database."""
    big = Made("big", files={"share/big": Random(1).randbytes(500_000)})
    packages = [big] if leave == 400 else [Made(f"small{n}") for n in range(4)]
    files = [str(make_package(each, into=tmp_path)) for each in packages]
    with filled(full.store, leave=leave * 1024):
        done = full("channel", "publish", "lab", *files)
    if done.code:
        assert done.problem["code"] in ("store-full", "database-failed"), done.error
    assert check(full) == (1 if done.code else 2)
    assert full("channel", "publish", "lab", *files).code == 0
    assert check(full) == 2
    assert full("gc").code == 0
    assert check(full) == 2


# --- a bucket that fails ---


def test_where_the_bucket_is_gone_nothing_is_published(tmp_path: Path) -> None:
    files = [str(make_package(Made(name), into=tmp_path)) for name in ("left", "right")]
    with running_endpoint() as endpoint:
        environ = {"CONDARIUM_BLOBS": f"s3://{endpoint.new_bucket()}", **endpoint.environ}
        run = Commands(tmp_path / "store", home=tmp_path, environ=environ)
        assert run("channel", "create", "lab").code == 0
        assert run("channel", "publish", "lab", files[0]).code == 0
        elsewhere = {**environ, "CONDARIUM_BLOBS": "s3://no-such-bucket"}
        broken = Commands(run.store, home=tmp_path, environ=elsewhere)
        refused(broken("channel", "publish", "lab", files[1]))
        found = broken("channel", "verify", "lab")
        assert found.code == 1
        assert {"package", "shard"} == kinds(found)
        assert check(run) == 1
        assert run("channel", "publish", "lab", files[1]).code == 0
        assert check(run) == 2


def refused(done: Done) -> None:
    problem = done.problem
    assert problem["code"] == "blobs-failed", problem
    assert problem["hint"]


def kinds(done: Done) -> set[str]:
    return {problem["kind"] for problem in json.loads(done.output)["problems"]}
