"""The real `condarium serve`, on a free port of the loopback.

with serve(store) as server:
    httpx.get(f"{server.url}/lab/noarch/repodata.json")
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from condarium.channels.shard import decode_shard, decompress

TOKEN = "t0ken-of-the-administrator"


@dataclass(frozen=True)
class Server:
    """A server that answers at `url`, and knows `token`."""

    url: str
    token: str
    process: subprocess.Popen[str]
    log: Path
    first_sign_in: str | None = None

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def with_token(self) -> str:
        """The URL below which everything is asked for with the token."""
        return f"{self.url}/t/{self.token}"

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it as a service manager does, and give its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)


def shown(server: Server, view: str, subdir: str = "noarch") -> dict[str, Any]:
    """The records of a view by file name, as shards say them."""
    with httpx.Client(headers=server.bearer) as client:
        got = client.get(f"{server.url}/{view}/{subdir}/repodata_shards.msgpack.zst")
        index = msgspec.msgpack.decode(decompress(got.raise_for_status().content))
        place = got.url.join(index["info"]["shards_base_url"])
        found: dict[str, Any] = {}
        for digest in index["shards"].values():
            shard = client.get(f"{place}{digest.hex()}.msgpack.zst").raise_for_status()
            found |= decode_shard(shard.content).records
    return found


@contextmanager
def serve(
    store: Path, *arguments: str, environ: Mapping[str, str] | None = None, **env: str
) -> Iterator[Server]:
    """Serve a store, with variables such as CONDARIUM_MAX_AGE="60"."""
    log = store.with_name(f"{store.name}.server.log")
    with start(store, *arguments, environ=environ, **env) as process:
        said = _ready(process, log)
        server = Server(said["url"], TOKEN, process, log, said["first_sign_in"])
        try:
            yield server
        finally:
            server.kill()


def start(
    store: Path, *arguments: str, environ: Mapping[str, str] | None = None, **env: str
) -> "subprocess.Popen[str]":
    """Start it, and do not wait."""
    command = [sys.executable, "-m", "condarium", "--store", str(store), "--json", "serve"]
    store.parent.mkdir(parents=True, exist_ok=True)
    with store.with_name(f"{store.name}.server.log").open("a") as log:
        return subprocess.Popen(
            [*command, *(arguments or ("--port", "0"))],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={
                "CONDARIUM_ADMIN_TOKEN": TOKEN,
                "CONDARIUM_ALLOW_PRIVATE_CHANNELS": "*",
                **(environ or os.environ),
                **env,
            },
        )


def _ready(process: "subprocess.Popen[str]", log: Path) -> dict[str, Any]:
    """What the server says, as soon as it answers."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("}"):
            break
    found: dict[str, Any] = json.loads(said or "{}")
    assert "url" in found, f"the server did not start: {said}{log.read_text()}"
    return found
