"""Running a command in an environment, as if a shell had activated it."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from condarium.environments.prefixes import use_lock
from condarium.environments.reading import path
from condarium.errors import BadArguments, NoShell, StoreReadOnly
from condarium.model.names import EnvironmentName
from condarium.model.report import Ran
from condarium.storage.locks import locked
from condarium.storage.store import Store

_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def run(store: Store, name: EnvironmentName, command: Sequence[str]) -> Ran:
    """Run `command` with the caller's terminal, and give its exit status.

    A command that a signal ended has 128 + the signal's number, as shells say it; one that the
    environment does not have has 127.
    """
    if not command:
        raise BadArguments(
            "which command?", hint=f"For example: condarium env run {name} -- python"
        )
    environ = _outside(store.settings.environ)
    shell = _shell(environ)
    # The prefix rather than the link: the command stays in its generation when others switch.
    prefix = path(store, name, None).prefix
    script = activation_script(prefix, str(name), environ.get("PATH", os.defpath))
    with _used(store, prefix.name):
        status = _wait([shell, "--noprofile", "--norc", "-c", script, shell, *command], environ)
    return Ran(environment=name, exit_code=status if status >= 0 else 128 - status)


def _outside(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables without what another activated environment put among them."""
    outer = environ.get("CONDA_PREFIX")
    if not outer:
        return dict(environ)
    set_there = {**_package_variables(Path(outer)), **_own_variables(Path(outer))}
    left = {name: value for name, value in environ.items() if set_there.get(name) != value}
    places = environ.get("PATH", os.defpath).split(os.pathsep)
    left["PATH"] = os.pathsep.join(each for each in places if each != f"{outer}/bin")
    return left


def _shell(environ: Mapping[str, str]) -> str:
    for places in (environ.get("PATH"), os.defpath):
        if found := shutil.which("bash", path=places):
            return found
    raise NoShell


@contextmanager
def _used(store: Store, prefix: str) -> Iterator[None]:
    """Tell `archive` and `gc` that a command runs here; who may only read cannot say so."""
    with ExitStack() as held:
        with suppress(StoreReadOnly):
            held.enter_context(locked(use_lock(store.layout, prefix), shared=True))
        yield


def activation_script(prefix: Path, name: str, search_path: str) -> str:
    """A bash script that activates a prefix and then becomes the command in its arguments.

    In conda's order: PATH and CONDA_*, the variables that packages set (`etc/conda/env_vars.d`),
    those of the environment.yml (`conda-meta/state`), and the packages' `activate.d` scripts.
    """
    variables = {
        "PATH": f"{prefix / 'bin'}{os.pathsep}{search_path}",
        "CONDA_PREFIX": str(prefix),
        "CONDA_DEFAULT_ENV": name,
        "CONDA_SHLVL": "1",
        **_package_variables(prefix),
        **_own_variables(prefix),
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    scripts = sorted((prefix / "etc" / "conda" / "activate.d").glob("*.sh"))
    lines += [f". {shlex.quote(str(each))}" for each in scripts]
    missing = f"condarium: {name} has no command"
    lines.append(
        f'command -v -- "$1" >/dev/null || {{ echo {shlex.quote(missing)} "$1" >&2; exit 127; }}'
    )
    return "\n".join([*lines, 'exec "$@"', ""])


def _package_variables(prefix: Path) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for each in sorted((prefix / "etc" / "conda" / "env_vars.d").glob("*.json")):
        found |= {name: str(value) for name, value in json.loads(each.read_bytes()).items()}
    return found


def _own_variables(prefix: Path) -> Mapping[str, str]:
    try:
        state = json.loads((prefix / "conda-meta" / "state").read_bytes())
    except FileNotFoundError:
        return {}
    return {name: str(value) for name, value in state.get("env_vars", {}).items()}


def _wait(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a program to its end, and let it have the signals that are meant for it."""
    signals = _Signals()
    with signals.heard(), subprocess.Popen(command, env=environ) as program:
        signals.pass_to(program)
        return program.wait()


class _Signals:
    """Signals that are passed on to a program; those that come before it has begun are kept.

    The terminal sends Ctrl-C to the program too: we wait for what it makes of it. Those that end a
    service or a job come to us alone.
    """

    def __init__(self) -> None:
        self._early: list[int] = []
        self._program: subprocess.Popen[bytes] | None = None

    def pass_to(self, program: subprocess.Popen[bytes]) -> None:
        self._program = program
        for number in self._early:
            program.send_signal(number)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear signals instead of ending by them; only the main thread of Python may."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self._hear) for each in _PASSED_ON}
        before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _hear(self, number: int, frame: object) -> None:
        if self._program is None:
            self._early.append(number)
        else:
            self._program.send_signal(number)
