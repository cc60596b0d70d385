"""A warm build through a server beside the same build in process; how a server starts and idles."""

import json
import time
import urllib.request
from pathlib import Path

from tests.support.server import ServerProcess

from bench.builds import Builds
from bench.channel import LARGE, describe, real_channel
from bench.line import Line, Result
from bench.processes import MeasureFailed, interleaved
from bench.served import TOKEN, Served, served
from bench.setting import Setting

_IDLE = 5
"""In seconds: how long after it started a server is idle."""


def run(setting: Setting) -> Result:
    channel = real_channel(setting.cache)
    with ServerProcess(channel) as packages:
        builds = Builds(setting, packages.url)
        begun = time.perf_counter()
        with served(
            setting, builds.warm_store, CONDARIUM_ALLOW_PRIVATE_CHANNELS=packages.url[7:]
        ) as server:
            ready = time.perf_counter() - begun
            time.sleep(_IDLE)
            memory = idle_memory(server.pid)
            through = _Through(builds, server)
            through.build(0)  # the first one reads the programs
            found = interleaved(max(setting.runs, 5), ours=through.build, inside=builds.warm)
    return Result(
        name="through-server",
        title="A warm build through the server",
        facts=[
            describe(channel),
            f"the environment asks for {', '.join(LARGE)}; --no-compile; SQLite",
            "through the server: from the first byte of the request (Prefer: wait) to the answer, "
            "when it is active; a job, carried out by the worker within the server",
            "in process: after the imports of a fresh process",
            "memory is proportional (PSS), of the server and the process that forks for it",
        ],
        lines=[
            Line(name="warm build", ours=found["ours"], peer=found["inside"],
                 peer_name="in process", kind="difference", limit=0.3),
            Line(name="server started until it answers", ours=[ready], kind="value", limit=2),
            Line(name="idle memory, server with its worker", ours=[memory], kind="value",
                 unit="bytes", limit=200e6),
        ],
    )  # fmt: skip


class _Through:
    """Builds asked of a server."""

    def __init__(self, builds: Builds, server: Served) -> None:
        self._builds, self._server = builds, server

    def build(self, number: int) -> float:
        file, name = self._builds.unknown()
        asked = {
            "environment": name,
            "file": {"name": file.name, "content": file.read_text()},
            "no_compile": True,
        }
        request = urllib.request.Request(
            f"{self._server.url}/api/v1/environments/build",
            data=json.dumps(asked).encode(),
            headers={
                "Authorization": f"Bearer {TOKEN}",
                "Content-Type": "application/json",
                "Prefer": "wait=60",
            },
        )
        begun = time.perf_counter()
        with urllib.request.urlopen(request) as answer:
            found = json.load(answer)
        seconds = time.perf_counter() - begun
        if not (found.get("changed") and found.get("active")):
            raise MeasureFailed(f"nothing was built: {found}")
        return seconds


def idle_memory(pid: int) -> int:
    """The bytes that a process and all below it have; what several share is divided."""
    total = 0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            total = int(line.split()[1]) * 1024
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        total += sum(idle_memory(int(child)) for child in task.read_text().split())
    return total
