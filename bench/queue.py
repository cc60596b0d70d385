"""Many small builds as jobs on PostgreSQL, by one, two and four workers; and one that is killed."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support.postgresql import Server, running_server
from tests.support.server import ServerProcess

from bench import plot
from bench.line import Line, Result
from bench.processes import ROOT, MeasureFailed, surroundings
from bench.results import RESULTS
from bench.setting import Setting
from bench.tiny import tiny_package
from condarium.app import operations
from condarium.channels.making.static import index_channel
from condarium.jobs.asking.submitting import submit
from condarium.model.actor import Actor
from condarium.model.document import Document
from condarium.model.jobs import Job, JobFilter
from condarium.model.names import EnvironmentName
from condarium.settings import Settings
from condarium.storage.store import Store

_PACKAGES = 20
_NAMESPACES = 5
_PATIENCE = 600
"""In seconds."""


def run(setting: Setting) -> Result:
    count = 20 if setting.quick else 200
    channel = _channel(setting)
    with ServerProcess(channel) as packages, running_server() as postgresql:
        place = _Place(setting, postgresql, packages.url, count)
        found = {workers: place.measure(workers) for workers in (1, 2, 4)}
        killed = place.measure(2, kill=True)
    if not setting.quick:
        drawn = plot.draw(
            "Queued builds", "workers", "builds/s",
            {"throughput": {workers: count / seconds for workers, seconds in found.items()}},
        )  # fmt: skip
        (RESULTS / "queue.svg").write_text(drawn)
    return Result(
        name="queue",
        title="Queued builds on PostgreSQL",
        facts=[
            f"{count} environments of one small package each in {_NAMESPACES} namespaces, asked "
            "for before any worker runs; each is solved, linked and activated",
            f"workers of one slot each on {os.cpu_count()} cores, which PostgreSQL shares; from "
            "the first job that begins to the last that ends",
            "all had succeeded, once; also where a worker was killed in the middle, whose job "
            "waits until it is taken for dead, after 5 s here",
            "[the same as a plot](queue.svg)",
        ],
        lines=[
            *(Line(name=f"{workers} worker{'s' * (workers > 1)}", ours=[seconds], kind="value",
                   note=f"{count / seconds:.1f} builds/s")
              for workers, seconds in found.items()),
            Line(name="2 workers, one of which is killed in the middle", ours=[killed],
                 kind="value", note=f"{count / killed:.1f} builds/s; nothing lost"),
        ],
    )  # fmt: skip


def _channel(setting: Setting) -> Path:
    folder = setting.folder("channel")
    for number in range(_PACKAGES):
        tiny_package(folder / "noarch", f"package{number}", "1.0")
    index_channel(folder)
    return folder


class _Place:
    """Where the jobs are asked for and carried out, by stores of their own."""

    def __init__(self, setting: Setting, postgresql: Server, channel: str, count: int) -> None:
        self._setting, self._postgresql = setting, postgresql
        self._channel, self._count = channel, count

    def measure(self, workers: int, *, kill: bool = False) -> float:
        with self._postgresql.new_database() as url:
            environ = surroundings(self._setting.installed.home) | {
                "CONDARIUM_DATABASE": url,
                "CONDARIUM_ALLOW_PRIVATE_CHANNELS": "*",
                "CONDARIUM_SCHEDULES": "0",
                "CONDARIUM_WORKER_SILENCE": "5s",
                "CONDARIUM_WORKER_HEARTBEAT": "1s",
            }
            settings = Settings.read(environ, store=self._setting.folder("store"))
            with closing(Store(settings)) as store:
                self._ask(store)
                with self._working(store, workers) as processes:
                    if kill:
                        self._wait(store, self._count // 2)
                        processes[0].kill()
                    self._wait(store, self._count)
                return self._seconds(store)

    def _ask(self, store: Store) -> None:
        for number in range(self._count):
            text = f"channels: [{self._channel}]\ndependencies: [package{number % _PACKAGES}]\n"
            text += f"variables: {{BENCH: '{number}'}}\n"
            name = EnvironmentName(f"bench{number % _NAMESPACES}", f"fit{number}")
            arguments = {"environment": name, "file": Document("e.yml", text.encode())}
            submit(store, Actor(name="ada"), operations()["env build"], arguments)

    @contextmanager
    def _working(self, store: Store, workers: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
        settings = store.settings
        command = [sys.executable, "-m", "condarium", "--store", str(settings.store), "worker"]
        processes = [
            subprocess.Popen(
                [*command, "--slots", "1"],
                env=dict(settings.environ),
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
            )
            for _ in range(workers)
        ]
        try:
            yield processes
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()

    def _wait(self, store: Store, count: int) -> None:
        until = time.monotonic() + _PATIENCE
        while (ended := len(_ended(store))) < count:
            if time.monotonic() > until:
                raise MeasureFailed(f"{ended} of {count} jobs ended")
            time.sleep(0.1)

    def _seconds(self, store: Store) -> float:
        """From the first job that began to the last that ended; each had succeeded, once."""
        jobs = _ended(store)
        if wrong := [job for job in jobs if job.result is None or job.result["generation"] != 1]:
            raise MeasureFailed(f"not built once: {wrong[0]}")
        first = min(job.started_at for job in jobs)
        return float((max(job.ended_at for job in jobs) - first).total_seconds())


def _ended(store: Store) -> list[Job]:
    with store.database.read() as facts:
        return [job for job in facts.jobs.find(JobFilter()) if job.status.ended]
