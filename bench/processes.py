"""Starting what is measured, in processes of its own and in surroundings that stay the same.

condarium is measured as its users install it: without the tools of those who develop it, which
other packages would import where they find them.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[1]
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ")


class MeasureFailed(Exception):
    """What was to be measured did not do its work."""


def surroundings(home: Path) -> dict[str, str]:
    """An environment without the user's settings, in which Python keeps bytecode as it does."""
    home.mkdir(parents=True, exist_ok=True)
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {"HOME": str(home)}


@dataclass(frozen=True, kw_only=True)
class Done:
    """`seconds` on the process's own clock, after its imports; `answer` is the work's."""

    seconds: float
    answer: Any


class Worker:
    """A worker process that has imported its libraries and waits for `go`."""

    def __init__(self, job: dict[str, Any], *, python: Path, home: Path) -> None:
        self._job = job
        self._process = subprocess.Popen(
            [python, "-m", "bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=surroundings(home),
        )
        self._say(json.dumps(job))
        self._hear()

    def go(self) -> None:
        self._say("")

    def result(self) -> Done:
        return Done(**json.loads(self._hear()))

    def run(self) -> Done:
        self.go()
        return self.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate(timeout=60)

    def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            raise MeasureFailed(f"the worker for {self._job['kind']} ended with status {status}")
        return line


@dataclass(frozen=True, kw_only=True)
class Installed:
    """condarium in a virtual environment of its own, used by somebody with an empty home."""

    python: Path
    home: Path

    def worker(self, job: dict[str, Any]) -> Worker:
        return Worker(job, python=self.python, home=self.home)

    def work(self, job: dict[str, Any]) -> Done:
        """Do a job in a fresh worker, when nothing written before is still on its way to disk."""
        with self.worker(job) as worker:
            os.sync()
            return worker.run()

    def worker_seconds(self, job: dict[str, Any]) -> float:
        """How long a worker takes as a whole process, its imports included."""
        line = json.dumps(job | {"at_once": True}) + "\n"
        return self.process_seconds([self.python, "-m", "bench.worker"], given=line)

    def command_seconds(self, *arguments: object) -> float:
        """How long a condarium command takes, from the start of its process to the end."""
        return self.process_seconds([self.python.with_name("condarium"), *arguments])

    def process_seconds(self, command: Sequence[object], *, given: str = "") -> float:
        os.sync()
        begun = time.perf_counter()
        done = subprocess.run(
            [str(each) for each in command],
            env=surroundings(self.home),
            input=given,
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        seconds = time.perf_counter() - begun
        if done.returncode:
            raise MeasureFailed(f"{command}: {done.stderr or done.stdout}")
        return seconds


def install(cache: Path) -> Path:
    """Install condarium with what it needs to run, and give the Python that has it.

    It is a copy: what is edited meanwhile is not measured.
    """
    folder = cache / "venv"
    subprocess.run(
        [
            Path(sys.executable).with_name("uv"), "sync", "--quiet", "--frozen", "--no-dev",
            "--no-editable", "--reinstall-package", "condarium", "--compile-bytecode",
            "--python", sys.executable,
        ],
        check=True,
        cwd=ROOT,
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder)},
    )  # fmt: skip
    return folder / "bin" / "python"


def interleaved(runs: int, **measures: Callable[[int], float]) -> dict[str, list[float]]:
    """Measure several things in turns, so that a machine that slows down slows all of them.

    Every second round goes the other way round: what comes first has no advantage.
    """
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(runs):
        names = list(measures) if number % 2 == 0 else list(reversed(measures))
        for name in names:
            found[name].append(measures[name](number))
    return found
