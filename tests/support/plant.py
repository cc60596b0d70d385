"""Two web processes and two workers on PostgreSQL and a bucket, any of which a test may break.

with running_plant(folder, postgresql, object_store) as plant:
    plant.web(0).url
    plant.kill("worker 1"); plant.start("worker 1")
    plant.database.cut(0.5)          # its connections end, and for so long it takes none

Processes of one kind share a folder, as they share a disk.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.support.objectstore import Endpoint
from tests.support.postgresql import Server as Database
from tests.support.serving import TOKEN

PARTS = ("web 0", "web 1", "worker 0", "worker 1")


class Wire:
    """Passes connections on to somewhere, and can be cut."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._until = 0.0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, seconds: float) -> None:
        """End all connections, and take none for a while."""
        self._until = time.monotonic() + seconds
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut(3600)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        """Pass on what comes from either end, until one of them ends."""
        with near, suppress(OSError):
            if time.monotonic() < self._until:
                return
            with self._connect() as far:
                self._open |= {near, far}
                back = threading.Thread(target=_pass_on, args=(far, near), daemon=True)
                back.start()
                _pass_on(near, far)
                back.join()
                self._open -= {near, far}


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@dataclass
class Plant:
    folder: Path
    environ: dict[str, str]
    database: Wire
    bucket: Wire
    _processes: dict[str, "subprocess.Popen[str]"] = field(default_factory=dict)
    _urls: dict[str, str] = field(default_factory=dict)

    def url(self, number: int) -> str:
        """Where a web process is, or was the last time."""
        return self._urls[f"web {number}"]

    def start(self, part: str) -> None:
        """Start it, and wait until it says that it goes."""
        kind = part.partition(" ")[0]
        words = ["serve", "--no-worker", "--port", "0"] if kind == "web" else ["worker"]
        command = [sys.executable, "-m", "condarium", "--store", str(self.store(kind)), "--json"]
        with (self.folder / f"{part}.log").open("a") as log:
            process = subprocess.Popen(
                [*command, *words], stdout=subprocess.PIPE, stderr=log, text=True, env=self.environ
            )
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("}"):
                break
        if part in self._processes:
            self.kill(part)
        self._processes[part] = process
        self._urls[part] = str(json.loads(said or "{}").get("url", ""))

    def store(self, kind: str) -> Path:
        return self.folder / kind

    def is_up(self, part: str) -> bool:
        return self._processes[part].poll() is None and (
            not part.startswith("web") or bool(self._urls[part])
        )

    def kill(self, part: str) -> None:
        with self._processes[part] as process:
            process.kill()

    def end(self) -> None:
        for part in self._processes:
            self.kill(part)

    def heal(self) -> None:
        """Start whatever is down."""
        for part in PARTS:
            if not self.is_up(part):
                self.start(part)

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


@contextmanager
def running_plant(
    folder: Path, postgresql: Database, object_store: Endpoint, **environ: str
) -> Iterator[Plant]:
    """Start all four, and end them."""
    with ExitStack() as opened:
        url = urlsplit(opened.enter_context(postgresql.new_database()))
        place = Path(parse_qs(url.query)["host"][0])
        database = Wire(lambda: _to_unix(place / ".s.PGSQL.5432"))
        bucket = Wire(lambda: socket.create_connection((object_store.host, object_store.port)))
        opened.callback(database.close)
        opened.callback(bucket.close)
        variables = {
            **os.environ,
            **object_store.environ,
            "HOME": str(folder),
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{bucket.port}",
            "CONDARIUM_BLOBS": f"s3://{object_store.new_bucket()}",
            "CONDARIUM_DATABASE": (
                f"postgresql://postgres@127.0.0.1:{database.port}{url.path}?sslmode=disable"
            ),
            "CONDARIUM_ADMIN_TOKEN": TOKEN,
            "CONDARIUM_ALLOW_PRIVATE_CHANNELS": "*",
            "CONDARIUM_WORKER_HEARTBEAT": "1",
            "CONDARIUM_WORKER_SILENCE": "4",
            **environ,
        }
        plant = Plant(folder, variables, database, bucket)
        opened.callback(plant.end)
        for part in PARTS:
            plant.start(part)
        yield plant


def _to_unix(path: Path) -> socket.socket:
    far = socket.socket(socket.AF_UNIX)
    far.connect(str(path))
    return far
