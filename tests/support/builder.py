"""Commands of condarium in processes of their own, which a test may kill at any moment.

    run = Commands(tmp_path / "store", home=tmp_path)
    done = run("env", "build", "lab/fit", "-f", str(spec))      # waits; done.code, done.error
    running = run.start("env", "build", "lab/fit", "-f", str(spec))
    running.kill()
    run.start("gc", kill_at=17)         # it ends itself by SIGKILL before its 17th step
    run.start("gc", kill_at="commit")   # or before the first step of which this is a part

A step is something that Python does to a file of the store, to the database or to another process;
what happens inside of rattler and SQLite is between two of them.

Processes are forked from a warm one that has imported everything and used nothing, so that
hundreds of them cost seconds.
"""

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

_STEPS = frozenset(
    [
        "open",
        "os.rename",
        "os.link",
        "os.symlink",
        "os.mkdir",
        "os.rmdir",
        "os.remove",
        "os.chmod",
        "shutil.copyfile",
        "subprocess.Popen",
        "sqlite3.connect",
    ]
)
_WARM = (
    "condarium.channels.changing.patching",
    "condarium.channels.changing.publishing",
    "condarium.channels.changing.yanking",
    "condarium.cli.main",
    "condarium.client",
    "condarium.environments.archiving",
    "condarium.environments.building",
    "condarium.environments.collecting",
    "condarium.environments.running",
    "condarium.environments.verifying",
    "condarium.storage.blobs",
    "condarium.storage.database",
    "condarium.storage.migrate",
    "encodings.idna",
    "encodings.utf_8_sig",
    "condarium.engine.network.http",
    "condarium.engine.lockfiles.lockfile",
    "condarium.engine.solving.matchspec",
    "condarium.engine.network.clients",
    "condarium.engine.solving.solver",
    "rattler.networking",
    "tests.support.builder",
)
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(list(_WARM))


@dataclass(frozen=True, kw_only=True)
class Done:
    """How a command ended. `code` is its exit status, or minus the signal that ended it."""

    code: int
    output: str
    error: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def result(self) -> Any:
        """The result as JSON. Fails with what the command said where it did not succeed."""
        assert self.code == 0, f"exit status {self.code}\n{self.error}{self.output}"
        return json.loads(self.output)

    @property
    def problem(self) -> dict[str, Any]:
        """The error as JSON: `code`, `message`, `hint` and the error's data."""
        assert self.code > 0, f"exit status {self.code}\n{self.error}{self.output}"
        found: dict[str, Any] = json.loads(self.output)["error"]
        assert found["code"] != "unexpected", self.error + self.output
        return found


@dataclass
class Running:
    process: BaseProcess
    folder: Path

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process.pid is not None and self.process.is_alive():
            os.kill(self.process.pid, number)

    def wait(self, timeout: float = 60) -> Done:
        self.process.join(timeout)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
            raise AssertionError(f"still running after {timeout} s\n{self._read('err')}")
        code = self.process.exitcode
        assert code is not None
        return Done(code=code, output=self._read("out"), error=self._read("err"))

    def steps(self) -> list[str]:
        """What it did, where it was started with `kill_at`."""
        return self._read("steps").splitlines()

    def _read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""


@dataclass
class Commands:
    """Commands on one store, with a home of their own. All of them answer in JSON."""

    store: Path
    home: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None

    def __call__(self, *argv: str, timeout: float = 60) -> Done:
        return self.start(*argv).wait(timeout)

    def start(self, *argv: str, kill_at: int | str | None = None) -> Running:
        folder = self.home / "commands" / uuid4().hex[:8]
        temporary = self.home / "temporary"
        for each in (folder, temporary):
            each.mkdir(parents=True, exist_ok=True)
        if self.user is not None:
            folder.chmod(0o777)
            temporary.chmod(0o777)
        environ = {
            "HOME": str(self.home),
            "TMPDIR": str(temporary),
            "CONDARIUM_DEBUG": "1",
            **self.environ,
        }
        line = [*argv[:2], "--json", "--store", str(self.store), *argv[2:]]
        if argv[0] in ("gc", "lock", "serve"):
            line = [argv[0], "--json", "--store", str(self.store), *argv[1:]]
        process = _processes.Process(
            target=_run, args=(line, environ, str(folder), kill_at, self.user), daemon=True
        )
        process.start()
        return Running(process, folder)

    def condarc(self, **settings: object) -> None:
        """Write the home's .condarc; JSON is YAML."""
        (self.home / ".condarc").write_text(json.dumps(settings))


def wait_until(happened: Callable[[], object], running: Running, *, timeout: float = 30) -> None:
    """Wait for something to be so, as long as a process runs."""
    end = monotonic() + timeout
    while not happened():
        assert running.process.is_alive(), f"it ended first: {running.wait()}"
        assert monotonic() < end, "it did not happen"
        sleep(0.005)


def _run(
    argv: list[str],
    environ: Mapping[str, str],
    folder: str,
    kill_at: int | str | None,
    user: int | None,
) -> None:
    os.environ.update(environ)
    for name, number in (("out", 1), ("err", 2)):
        to = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(to, number)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    if kill_at is not None:
        _kill_at(kill_at, Path(folder), argv[argv.index("--store") + 1])
    from condarium.cli.main import main

    code = main(argv)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _kill_at(step: int | str, folder: Path, store: str) -> None:
    """Count steps, write them down, and end the process by SIGKILL before one of them."""
    log = os.open(folder / "steps", os.O_WRONLY | os.O_CREAT, 0o666)
    count = 0

    def take(what: str) -> None:
        nonlocal count
        count += 1
        if count == step or (isinstance(step, str) and step in what):
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(log, f"{what}\n".encode(errors="replace"))

    def see(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _STEPS and (store in str(arguments[:2]) or _in_a_removal(event, arguments)):
            take(f"{event} {arguments[:2]}")

    sys.addaudithook(see)
    _see_the_database(take)


def _in_a_removal(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether it is one of the many removals that make up that of a folder, by descriptor."""
    return event in ("os.remove", "os.rmdir") and arguments[1] != -1


def _see_the_database(take: Callable[[str], None]) -> None:
    from sqlalchemy import Engine, event

    def execute(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.split()[0] in ("INSERT", "UPDATE", "DELETE", "CREATE"):
            take(f"sql {statement.split('(')[0]}")

    event.listen(Engine, "before_cursor_execute", execute)
    event.listen(Engine, "commit", lambda _: take("commit"))
