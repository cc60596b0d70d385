"""nginx on loopback, with a folder of files, and wrk asking it and others."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.processes import MeasureFailed
from bench.setting import Setting

_CONFIGURATION = """\
{user}worker_processes 2;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  etag on;
  keepalive_requests 1000000;
  default_type application/octet-stream;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""
SAID = "nginx with 2 workers, sendfile, tcp_nopush and ETags, without a log of requests"
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_BYTES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


def missing(*programs: str) -> str:
    """What of these is not on this machine, as text; empty where all are."""
    return ", ".join(program for program in programs if _program(program) is None)


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


@contextmanager
def nginx(setting: Setting, root: Path) -> Iterator[str]:
    """Serve a folder; give its URL."""
    folder = setting.folder("nginx")
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    written = folder / "nginx.conf"
    # else its workers are somebody who may not read the files
    user = "user root;\n" if os.geteuid() == 0 else ""
    written.write_text(_CONFIGURATION.format(folder=folder, root=root, port=port, user=user))
    command = [_program("nginx"), "-c", written, "-e", folder / "error.log", "-p", folder]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL)
    try:
        _wait_until_open(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _wait_until_open(port: int) -> None:
    for _ in range(500):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise MeasureFailed("nginx did not start")


@dataclass(frozen=True, kw_only=True)
class Load:
    """What wrk found: requests and bytes a second, and latencies in seconds."""

    requests: float
    transferred: float
    median: float
    p99: float


def wrk(
    url: str,
    *,
    seconds: int,
    connections: int,
    headers: tuple[str, ...] = (),
    script: Path | None = None,
) -> Load:
    """Ask for a URL as quickly as it is answered, with 2 threads. Raises MeasureFailed.

    With a script of what is asked there is one thread: each would run the script from the start.
    """
    given = [f"-H{header}" for header in headers] + (["-s", str(script)] if script else [])
    command = [
        "wrk",
        "--timeout",
        "30s",
        "-t1" if script else "-t2",
        f"-c{connections}",
        f"-d{seconds}s",
        "--latency",
        *given,
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout
    if done.returncode or "Non-2xx" in said or "Socket errors" in said:
        raise MeasureFailed(f"{url}: {said}{done.stderr}")
    return Load(
        requests=float(_found(r"Requests/sec:\s+([\d.]+)", said)[1]),
        transferred=_amount(_found(r"Transfer/sec:\s+([\d.]+)([KMG]?)B", said)),
        median=_time(_found(r"50%\s+([\d.]+)(us|ms|s|m)", said)),
        p99=_time(_found(r"99%\s+([\d.]+)(us|ms|s|m)", said)),
    )


def _found(pattern: str, said: str) -> "re.Match[str]":
    if found := re.search(pattern, said):
        return found
    raise MeasureFailed(f"wrk said something else: {said}")


def _amount(found: "re.Match[str]") -> float:
    return float(found[1]) * _BYTES[found[2]]


def _time(found: "re.Match[str]") -> float:
    return float(found[1]) * _UNITS[found[2]]
