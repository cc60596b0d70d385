"""Ways in which a server can fail a client, each as a value.

A fault takes what would have been sent and says what is sent instead:

>>> Truncate(at=0.5).answer(b"0123456789").body
b'01234'
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Wire:
    """The connection to one client, as a fault may use it."""

    connection: socket.socket
    stopping: threading.Event

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def wait(self, seconds: float) -> None:
        """Do nothing for a while; a server that is being closed waits for nobody."""
        self.stopping.wait(seconds)

    def reset(self) -> None:
        """Have the kernel answer with RST: a close without lingering, and without shutdown."""
        time.sleep(0.02)  # what was sent before should arrive before the reset
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())


def _all_at_once(wire: Wire, body: bytes) -> None:
    wire.send(body)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response: `body` is what is sent, `length` what Content-Length claims."""

    status: int = 200
    body: bytes
    length: int | None = None
    deliver: Callable[[Wire, bytes], None] = _all_at_once
    keep_alive: bool = True

    @property
    def claimed(self) -> int:
        return len(self.body) if self.length is None else self.length


@dataclass(frozen=True)
class Fault:
    """What goes wrong; `times` requests suffer from it, or all where it is None."""

    times: int | None = field(default=None, kw_only=True)

    #: whether HEAD requests, which have no body to spoil, meet the fault as well
    headers_too = False

    def answer(self, data: bytes) -> Answer:
        raise NotImplementedError


@dataclass(frozen=True)
class Truncate(Fault):
    """Claim the full length, send a part, close the connection."""

    at: float = 0.5

    def answer(self, data: bytes) -> Answer:
        part = data[: int(len(data) * self.at)]
        return Answer(body=part, length=len(data), keep_alive=False)


@dataclass(frozen=True)
class Corrupt(Fault):
    """Flip bits in `count` bytes spread over the middle; the length stays."""

    count: int = 16

    def answer(self, data: bytes) -> Answer:
        spoiled = bytearray(data)
        for place in self._places(len(data)):
            spoiled[place] ^= 0xFF
        return Answer(body=bytes(spoiled))

    def _places(self, length: int) -> Iterator[int]:
        step = max(1, length // (2 * self.count))
        start = length // 4
        return (start + i * step for i in range(self.count) if start + i * step < length)


@dataclass(frozen=True)
class Stall(Fault):
    """Send the headers and `after` bytes, then nothing for `seconds`, then close."""

    seconds: float = 60.0
    after: int = 0

    def answer(self, data: bytes) -> Answer:
        def deliver(wire: Wire, body: bytes) -> None:
            wire.send(body)
            wire.wait(self.seconds)

        part = data[: self.after]
        return Answer(body=part, length=len(data), deliver=deliver, keep_alive=False)


@dataclass(frozen=True)
class Reset(Fault):
    """Send `after` bytes of the body, then reset the connection."""

    after: int = 0

    def answer(self, data: bytes) -> Answer:
        def deliver(wire: Wire, body: bytes) -> None:
            wire.send(body)
            wire.reset()

        part = data[: self.after]
        return Answer(body=part, length=len(data), deliver=deliver, keep_alive=False)


@dataclass(frozen=True)
class Status(Fault):
    """Answer with a status and a line of text."""

    headers_too = True

    code: int = 500

    def answer(self, data: bytes) -> Answer:
        return Answer(status=self.code, body=f"status {self.code}, on purpose\n".encode())


@dataclass(frozen=True)
class Vanish(Fault):
    """Answer 404, as though the file had been deleted."""

    headers_too = True

    def answer(self, data: bytes) -> Answer:
        return Answer(status=404, body=b"not found, on purpose\n")


@dataclass(frozen=True)
class WrongLength(Fault):
    """Send everything under a Content-Length that is `by` bytes off.

    Below zero the client takes a shorter body for the whole; above zero it
    waits for bytes that never come, until the connection is closed.
    """

    by: int = -100

    def answer(self, data: bytes) -> Answer:
        return Answer(body=data, length=max(0, len(data) + self.by), keep_alive=False)


@dataclass(frozen=True)
class Slow(Fault):
    """Send everything, at `bytes_per_second`."""

    bytes_per_second: float = 100_000.0

    def answer(self, data: bytes) -> Answer:
        step = max(1, int(self.bytes_per_second / 20))

        def deliver(wire: Wire, body: bytes) -> None:
            for start in range(0, len(body), step):
                piece = body[start : start + step]
                wire.send(piece)
                wire.wait(len(piece) / self.bytes_per_second)

        return Answer(body=data, deliver=deliver)


@dataclass(frozen=True)
class Lie(Fault):
    """Send other bytes: a valid package, say, but not the one that was asked for."""

    other: bytes = b""

    def answer(self, data: bytes) -> Answer:
        return Answer(body=self.other)


@dataclass(frozen=True)
class BadJson(Fault):
    """Send text that begins as repodata does and is not JSON (nor zstd, nor msgpack)."""

    def answer(self, data: bytes) -> Answer:
        return Answer(body=b'{"info": {"subdir": "noarch"}, "packages.conda": {,}}')
