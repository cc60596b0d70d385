"""A server whose answers a test makes up, and clients that speak to it.

with answers(LOST, said({"items": [], "next": None})) as server:
    connect(server.url).env.list()      # asks twice
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import condarium
from condarium.model.document import Document
from condarium.model.jobs import Job, JobError, JobStatus, Limits
from condarium.model.names import EnvironmentName
from condarium.model.plain import to_plain
from condarium.model.report import EnvironmentLine, Locked, Switched
from tests.support.answering import AnsweringServer, Ask, Reply

TOKEN = "condarium_a-token-that-nobody-must-see"
JSON = {"Content-Type": "application/json", "X-Condarium-Version": "9.8"}
PROBLEM = {"Content-Type": "application/problem+json", "X-Condarium-Version": "9.8"}
LOST = Reply(0)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAB_FIT = EnvironmentName("lab", "fit")
SWITCHED = Switched(environment=LAB_FIT, generation=1, previous=2, path=Path("/srv/envs/lab/fit"))
LOCKED = Locked(content="version: 7\n", digest="ab", solved=True, packages={"linux-64": 2})
LINE = to_plain(
    EnvironmentLine(
        name=LAB_FIT,
        active=1,
        generations=2,
        created_at=NOON,
        created_by="ada",
        path=Path("/srv/envs/lab/fit"),
        on_disk=True,
    )
)
SPEC = Document("environment.yml", b"dependencies: [tool]\n")


def said(plain: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(plain).encode(), JSON)


def problem(status: int, code: str, detail: str = "it is so", **other: Any) -> Reply:
    plain = {"status": status, "title": code, "code": code, "detail": detail, **other}
    return Reply(status, json.dumps(plain).encode(), PROBLEM)


def job(status: JobStatus, *, result: Any = None, error: JobError | None = None) -> Any:
    return to_plain(
        Job(
            id=7,
            operation="lock",
            target="",
            kind=None,
            resource=None,
            queue="default",
            status=status,
            priority=0,
            actor="ada",
            created_at=NOON,
            limits=Limits(wall_time=timedelta(), memory=1),
            result=result,
            error=error,
        )
    )


def event(number: int, kind: str, **fields: Any) -> bytes:
    plain = {"number": number, "at": "2026-03-01T12:00:00Z", "kind": kind, **fields}
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps(plain)}\n\n".encode()


def stream(*parts: bytes, ends: Any = None) -> Reply:
    """Events; without an end the connection breaks after them."""
    last = f"event: end\ndata: {json.dumps(ends)}\n\n".encode() if ends else b""
    body = b": here\n\n" + b"".join(parts) + last
    return Reply(200, body, {"Content-Type": "text/event-stream"}, length=len(body) + (not ends))


@contextmanager
def answers(*replies: Reply | Callable[[Ask], Reply]) -> Iterator[AnsweringServer]:
    """A server that gives these answers, one after the other."""
    left = list(replies)

    def answer(ask: Ask) -> Reply:
        reply = left.pop(0)
        return reply(ask) if callable(reply) else reply

    with AnsweringServer(answer) as server:
        yield server
        assert left == []


OPENED = ExitStack()


def connect(url: str, **how: Any) -> Any:
    """A client that is closed when the test is over."""
    return OPENED.enter_context(condarium.Client(url, **how))


class Heard:
    """A Progress that remembers."""

    def __init__(self) -> None:
        self.all: list[tuple[Any, ...]] = []

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None:
        self.all.append(("phase", name, total, unit))

    def advance(self, amount: int = 1) -> None:
        self.all.append(("advance", amount))

    def say(self, message: str) -> None:
        self.all.append(("say", message))

    def log(self, line: str) -> None:
        self.all.append(("log", line))

    def finish(self) -> None:
        self.all.append(("finish",))


def keys(asks: Iterable[Ask]) -> set[str | None]:
    return {ask.headers.get("idempotency-key") for ask in asks}
