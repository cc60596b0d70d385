"""The real `condarium worker`, and jobs for it.

with jobs_of(tmp_path) as jobs, worker(jobs.store) as first:
    job = jobs.submit("env build", environment="lab/fit", file=spec)
    assert jobs.ended(job).status is JobStatus.SUCCEEDED

`worker(store, die="settle")` kills itself before that step of its first job.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from condarium.app import operations
from condarium.jobs.asking import submitting, watching
from condarium.model.actor import Actor
from condarium.model.jobs import ANYWHERE, Job, JobStatus, Placing
from condarium.settings import Settings
from condarium.storage.store import Store
from condarium.values import accept

ADA = Actor(name="ada")
QUICK = {
    "CONDARIUM_WORKER_HEARTBEAT": "1s",
    "CONDARIUM_WORKER_SILENCE": "3s",
    "CONDARIUM_WORKER_GRACE": "1s",
    "CONDARIUM_SCHEDULES": "0",
    "CONDARIUM_ALLOW_PRIVATE_CHANNELS": "*",
}


@dataclass
class Jobs:
    """A store, and what somebody does with its jobs."""

    store: Store

    @property
    def environ(self) -> Mapping[str, str]:
        return self.store.settings.environ

    def submit(
        self,
        name: str,
        *,
        actor: Actor = ADA,
        placing: Placing = ANYWHERE,
        **arguments: Any,
    ) -> int:
        operation = operations()[name]
        known = {parameter.name: parameter for parameter in operation.parameters}
        accepted = {key: accept(known[key], value, label=key) for key, value in arguments.items()}
        job = submitting.submit(self.store, actor, operation, accepted, placing=placing)
        return job.id

    def ended(self, job: int, timeout: float = 40) -> Job:
        found = watching.wait(self.store, job, timeout)
        assert found.status.ended, (found, self.said(job))
        return found

    def running(self, job: int) -> Job:
        """Wait until it runs."""
        return self.until(job, lambda found: found.status is JobStatus.RUNNING)

    def until(self, job: int, holds: Callable[[Job], bool], timeout: float = 30) -> Job:
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            found = watching.job(self.store, job)
            if holds(found):
                return found
            time.sleep(0.02)
        raise AssertionError((watching.job(self.store, job), self.said(job)))

    def said(self, job: int) -> list[str]:
        """What its log says, without how far phases were."""
        return [event.text for event in watching.events_after(self.store, job) if event.text]


@contextmanager
def jobs_of(folder: Path, **environ: str) -> Iterator[Jobs]:
    """Open a store of its own under a folder; variables hold for its workers too."""
    settings = Settings.read({"HOME": str(folder), **QUICK, **environ}, store=folder / "store")
    store = Store(settings)
    try:
        yield Jobs(store)
    finally:
        store.close()


@dataclass(frozen=True)
class WorkerProcess:
    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it as a service manager does, and give its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)

    def died(self) -> int:
        """Wait until it is gone by itself."""
        return self.process.wait(timeout=40)


@contextmanager
def worker(
    store: Store, *arguments: str, die: str | None = None, **environ: str
) -> Iterator[WorkerProcess]:
    """Start a worker, and kill it in the end; `die` is a step of tests/support/mortal.py."""
    program = ["tests.support.mortal", die] if die else ["condarium"]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", *program, "--store", store.settings.store, "worker", *arguments],
        stdout=subprocess.DEVNULL,
        cwd=root,
        env={"PATH": os.environ["PATH"], **store.settings.environ, **environ},
    )
    try:
        yield WorkerProcess(process)
    finally:
        process.kill()
        process.wait()
