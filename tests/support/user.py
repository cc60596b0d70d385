"""Somebody at a keyboard: real processes, real terminals, a home of their own.

    user = User(tmp_path)
    user.write("environment.yml", "dependencies: []")
    said = user("env", "build", "lab/fit", "-f", "environment.yml")     # said.code, .out, .err
    screen = user.at_terminal("env", "list", columns=80)                # .code, .lines

Nothing of the machine's own settings reaches the commands but how to reach the network.
"""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("condarium")
_PASSED = re.compile(r"SSL_CERT_\w+|\w+_proxy|UV_(DEFAULT_)?INDEX\w*", re.IGNORECASE)
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PATIENCE = 60.0


@dataclass(frozen=True, kw_only=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What a terminal showed, without styles; `code` is minus the signal that ended it."""

    code: int
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


@dataclass
class User:
    """`home` is also where the commands run; the store is where it is by default."""

    home: Path
    environ: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        return self.home / ".local" / "share" / "condarium"

    def write(self, name: str, text: str) -> Path:
        path = self.home / name
        path.write_text(text)
        return path

    def surroundings(self, **other: str | None) -> dict[str, str]:
        """The environment variables of a command; None takes one away."""
        passed = {name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)}
        every = {
            **passed,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            **self.environ,
            **other,
        }
        return {name: value for name, value in every.items() if value is not None}

    def __call__(self, *argv: str, stdin: str = "", **environ: str | None) -> Said:
        done = subprocess.run(
            [PROGRAM, *argv],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.home,
            env=self.surroundings(**environ),
            timeout=_PATIENCE,
            check=False,
        )
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)

    def at_terminal(
        self,
        *argv: str,
        columns: int = 80,
        when: Callable[[], bool] | None = None,
        press: bytes = b"\x03",
    ) -> Screen:
        """Run a command on a terminal of its own; once `when` holds, `press` a key (Ctrl-C)."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.home)
            os.execve(PROGRAM, [str(PROGRAM), *argv], self.surroundings(TERM="xterm-256color"))
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        try:
            shown = _read_to_the_end(terminal, when, press)
        except BaseException:
            os.kill(child, signal.SIGKILL)
            raise
        finally:
            os.close(terminal)
            _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        text = _STYLE.sub("", shown.decode(errors="replace")).replace("\r\n", "\n")
        return Screen(code=code, text=text)


def _read_to_the_end(terminal: int, when: Callable[[], bool] | None, press: bytes) -> bytes:
    shown = b""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if when and when():
            os.write(terminal, press)
            when = None
        if not select.select([terminal], [], [], 0.02)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other side is closed: Linux says it so
            return shown
        if not piece:
            return shown
        shown += piece
    raise AssertionError(f"the command did not end; so far:\n{shown.decode(errors='replace')}")
