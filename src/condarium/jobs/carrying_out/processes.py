"""The processes of jobs, as their worker sees them: started, listened to, weighed and ended."""

import json
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from condarium.engine.programs import told
from condarium.jobs.carrying_out.child import Task
from condarium.jobs.carrying_out.descendants import descendants, end_descendants

_CHUNK = 1 << 16
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Forge:
    """Starts processes, by way of one that has imported what they need."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self, task: Task) -> "JobProcess":
        """Start the process of a job. Raises OSError."""
        mine, its = socket.socketpair()
        try:
            with its:
                self._send(its)
            mine.sendall(pickle.dumps(task))
        except BaseException:
            mine.close()
            raise
        return JobProcess(mine)

    def warm(self) -> None:
        """Have it ready before the first job comes."""
        with self._lock:
            self._ready()

    def close(self) -> None:
        with self._lock:
            self._forget()

    def _send(self, its: socket.socket) -> None:
        with self._lock:
            try:
                socket.send_fds(self._ready(), [b"j"], [its.fileno()])
            except OSError:  # it was ended from outside
                self._forget()
                socket.send_fds(self._ready(), [b"j"], [its.fileno()])

    def _ready(self) -> socket.socket:
        if self._control is not None and self._process and self._process.poll() is None:
            return self._control
        self._forget()
        mine, its = socket.socketpair()
        with its:
            self._control = mine
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "condarium.jobs.carrying_out.forking"],
                stdin=its.fileno(),
                stdout=subprocess.DEVNULL,
                env=_environment(),
            )
        return mine

    def _forget(self) -> None:
        """End it, if it is there."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._control = None


class JobProcess:
    """One job's process, and all that it started."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._rest = bytearray()
        self.pid: int | None = None

    def messages(self, timeout: float) -> Iterator[dict[str, Any]] | None:
        """What it has said, after `timeout` seconds at most; None where it is gone."""
        self._connection.settimeout(timeout)
        try:
            arrived = self._connection.recv(_CHUNK)
        except TimeoutError:
            return iter(())
        except OSError:
            return None
        if not arrived:
            return None
        self._rest += arrived
        if b"\n" not in arrived:
            return iter(())
        *lines, self._rest = self._rest.split(b"\n")
        return map(json.loads, lines)

    def speaks(self) -> bool:
        """Whether there is something to hear at once."""
        return bool(select.select([self._connection], [], [], 0)[0])

    def memory(self) -> int:
        """The bytes of memory that it all has; what two share is counted twice."""
        return sum(map(_resident, (self.pid, *descendants(self.pid)))) if self.pid else 0

    def kill(self) -> None:
        if self.pid:
            end_descendants(self.pid)
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self._connection.close()  # one that has not said its number ends by itself then


def _environment() -> dict[str, str]:
    """What the forge's own is: anybody may read it who runs as the same user, so no secrets."""
    python = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
    return {**told(os.environ), **python}


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
