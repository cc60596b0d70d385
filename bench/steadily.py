"""Requests that come steadily, in a process of their own: an open loop, as the world is one.

A closed loop asks less while the server is slow; here a request that is due waits for a connection
that is free, and its waiting counts.
"""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

from bench.nginx import Load
from bench.processes import MeasureFailed


def steadily(url: str, requests: Path, *, rate: int, connections: int) -> Load:
    """Send the requests of a file, so many a second. Raises MeasureFailed.

    In the file each is its length, a line's end, and its bytes.
    """
    command = [sys.executable, "-m", "bench.steadily", url, requests, rate, connections]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise MeasureFailed(f"{url}: {done.stdout}{done.stderr}")
    took, seconds = json.loads(done.stdout)
    return Load(
        requests=len(took) / seconds,
        transferred=0.0,
        median=median(took),
        p99=quantiles(took, n=100)[-1],
    )


async def _send(url: str, requests: list[bytes], *, rate: int, connections: int) -> list[float]:
    """Give the seconds from when each was due until it was answered."""
    place = urlsplit(url)
    due: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
    took: list[float] = []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        while (asked := await due.get()) is not None:
            at, request = asked
            writer.write(request)
            await _answered(reader)
            took.append(time.perf_counter() - at)
        writer.close()

    senders = [asyncio.create_task(connection()) for _ in range(connections)]
    begun = time.perf_counter() + 0.1
    for number, request in enumerate(requests):
        at = begun + number / rate
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        due.put_nowait((at, request))
    for _ in senders:
        due.put_nowait(None)
    await asyncio.gather(*senders)
    return took


async def _answered(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise MeasureFailed(f"found {head[:40]!r}; expected 200")
    lines = head.lower().split(b"\r\n")
    size = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
    await reader.readexactly(size)


def _read(file: Path) -> list[bytes]:
    data, at, found = file.read_bytes(), 0, []
    while at < len(data):
        end = data.index(b"\n", at)
        size = int(data[at:end])
        found.append(data[end + 1 : end + 1 + size])
        at = end + 1 + size
    return found


if __name__ == "__main__":
    asked = _read(Path(sys.argv[2]))
    begun = time.perf_counter()
    times = asyncio.run(
        _send(sys.argv[1], asked, rate=int(sys.argv[3]), connections=int(sys.argv[4]))
    )
    print(json.dumps([times, time.perf_counter() - begun]))
