"""Running a command in an environment, as if a shell had activated it."""

import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from condarium.environments.reading import path
from condarium.errors import BadArguments, NoShell
from condarium.model.names import EnvironmentName
from condarium.model.report import Ran
from condarium.storage.store import Store


def run(store: Store, name: EnvironmentName, command: Sequence[str]) -> Ran:
    """Run `command` with the caller's terminal, and give its exit status.

    A command that a signal ended has 128 + the signal's number, as shells say it; one that the
    environment does not have has 127.
    """
    if not command:
        raise BadArguments(
            "which command?", hint=f"For example: condarium env run {name} -- python"
        )
    environ = dict(store.settings.environ)
    shell = shutil.which("bash", path=environ.get("PATH", os.defpath))
    if shell is None:
        raise NoShell
    prefix = path(store, name, None).path
    script = activation_script(prefix, str(name), environ.get("PATH", os.defpath))
    status = _wait([shell, "--noprofile", "--norc", "-c", script, shell, *command], environ)
    return Ran(environment=name, exit_code=status if status >= 0 else 128 - status)


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
    """Run a program to its end. Ctrl-C is for it to hear; we wait for what it makes of it."""
    try:
        before = signal.signal(signal.SIGINT, lambda *_: None)
    except ValueError:  # not the main thread, which alone may say so
        return subprocess.run(command, env=environ, check=False).returncode
    try:
        return subprocess.run(command, env=environ, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
