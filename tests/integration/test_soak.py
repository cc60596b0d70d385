"""A server and its worker under mixed load from several clients, for as long as one likes.

CONDARIUM_SOAK_SECONDS says for how long. In the end nothing is stuck, and all that can be verified
is right.
"""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
from tests.support.channel import Made, make_package
from tests.support.serving import Server, serve, shown

from condarium import Client
from condarium.model.jobs import JobStatus

_SECONDS = float(os.environ.get("CONDARIUM_SOAK_SECONDS", "12"))


class Load:
    """Clients that each go on with their own work until they are told to stop."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.done: Counter[str] = Counter()
        self.errors: list[BaseException] = []
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._go_on, args=(work, *arguments), daemon=True)
            for work, *arguments in (
                (self.publish, "one"),
                (self.publish, "two"),
                (self.build, "fit"),
                (self.build, "plot"),
                (self.download,),
                (self.administer,),
            )
        ]

    def run(self, seconds: float) -> None:
        for each in self._threads:
            each.start()
        self._stopping.wait(seconds)
        self._stopping.set()
        for each in self._threads:
            each.join(120)
            assert not each.is_alive(), f"{each.name} is stuck after {self.done}"

    def _go_on(self, work: Callable[..., None], *arguments: str) -> None:
        try:
            with Client(self.server.url, token=self.server.token) as client:
                for number in itertools.count(1):
                    if self._stopping.is_set():
                        return
                    work(client, number, *arguments)
                    self.done[work.__name__] += 1
        except BaseException as error:
            self.errors.append(error)
            self._stopping.set()

    def publish(self, client: Client, number: int, name: str) -> None:
        made = Made(name, f"{number}.0", files={"share/it": f"{number}"})
        package = make_package(made, into=self.folder / name)
        client.channel.publish("lab", [package], label=["dev"])
        client.channel.label.promote("lab", "dev", "main", spec=[f"{name} =={number}.0"])
        if number % 3 == 0:
            client.channel.yank("lab", [f"{name} =={number - 1}.0"], reason="soak")

    def build(self, client: Client, number: int, name: str) -> None:
        spec = self.folder / f"{name}-{number}.yml"
        spec.write_text(f"channels: ['{self.server.url}/lab']\ndependencies: [tool]\n# {number}\n")
        client.env.build(f"lab/{name}", file=spec, reason=f"number {number}")
        if number > 1:
            client.env.rollback(f"lab/{name}")
        if number % 4 == 0:
            client.env.archive(f"lab/{name}", keep_last=2)
        client.env.history(f"lab/{name}")

    def download(self, _: Client, number: int) -> None:
        assert shown(self.server, "lab")
        for path in ("lab/noarch/repodata.json.zst", "lab/as-of/r1/noarch/repodata.json", "lab/"):
            httpx.get(f"{self.server.url}/{path}", timeout=30).raise_for_status()

    def administer(self, client: Client, number: int) -> None:
        client.token.create(name=f"soak {number}", for_="robot", expires="1d")
        (token,) = client.token.list(for_="robot")
        client.token.revoke(token.id)
        client.audit.search(limit=20)
        client.job.list(limit=10)
        if number % 10 == 1:
            client.backup(str(self.folder / "backups"))
        if number % 10 == 6:
            client.gc()


def test_all_is_well_after_mixed_load(tmp_path: Path) -> None:
    with serve(tmp_path / "store", HOME=str(tmp_path)) as server:
        with Client(server.url, token=server.token) as client:
            client.channel.create("lab", public=True)
            client.channel.publish(
                "lab", [make_package(Made("tool", "1.0", files={"share/tool": "x"}), into=tmp_path)]
            )
            client.service_account.create("robot")
        load = Load(server, tmp_path)
        load.run(_SECONDS)
        assert not load.errors, (load.errors, server.log.read_text()[-4000:])
        assert min(load.done.values()) >= 1, load.done
        with Client(server.url, token=server.token) as client:
            _wait_for_jobs(client)
            assert {job.status for job in client.job.list()} == {JobStatus.SUCCEEDED}
            assert client.channel.verify("lab").ok
            assert client.audit.verify().ok
            for line in client.env.list():
                assert client.env.verify(line.name).ok
        assert "Traceback" not in server.log.read_text()
    command = [sys.executable, "-m", "condarium", "--store", str(tmp_path / "store")]
    for words in (["doctor"], ["backup", "verify", str(tmp_path / "backups")]):
        done = subprocess.run([*command, *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def _wait_for_jobs(client: Client) -> None:
    until = time.monotonic() + 60
    while waiting := [job.id for job in client.job.list() if not job.status.ended]:
        assert time.monotonic() < until, f"jobs {waiting} are stuck"
        time.sleep(0.2)
